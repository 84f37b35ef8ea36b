import type { SparseProblem } from './problem.ts';

/** An order of columns: the number of the column that comes i-th, for each i. */
export type ColumnOrder = Int32Array;

/** Columns of row-major [rows, columns] values, or the numbers of a [columns] vector, in another order. */
function permuteColumns(values: Float64Array, order: ColumnOrder): Float64Array {
  const columns = order.length;
  const out = new Float64Array(values.length);
  for (let from = 0; from < values.length; from += columns) {
    for (let j = 0; j < columns; j++) out[from + j] = values[from + (order[j] as number)] as number;
  }
  return out;
}

/** Undoes {@link permuteColumns}, in place. */
export function restoreColumns<T extends Float64Array | Uint8Array>(values: T, order: ColumnOrder): T {
  const columns = order.length;
  for (let from = 0; from < values.length; from += columns) {
    const row = values.slice(from, from + columns);
    for (let j = 0; j < columns; j++) values[from + (order[j] as number)] = row[j] as number;
  }
  return values;
}

/** Rows and columns of a symmetric matrix [columns, columns] in another order. */
export function permuteSymmetric(matrix: Float64Array, order: ColumnOrder): Float64Array {
  const columns = order.length;
  const out = new Float64Array(matrix.length);
  for (let i = 0; i < columns; i++) {
    const from = (order[i] as number) * columns;
    for (let j = 0; j < columns; j++) out[i * columns + j] = matrix[from + (order[j] as number)] as number;
  }
  return out;
}

/** A problem whose columns come in another order. */
export function permuteProblem(problem: SparseProblem, order: ColumnOrder): SparseProblem {
  const { weights, moment, norms } = problem;
  const permuted = {
    ...problem,
    weights: permuteColumns(weights, order),
    moment: permuteSymmetric(moment, order),
  };
  return norms === undefined ? permuted : { ...permuted, norms: permuteColumns(norms, order) };
}

/**
 * Kernel position outer, channel inner, where columns are channel · inner + position: groups of channels at one
 * position are consecutive then.
 * Source: Frantar and Alistarh, "Optimal Brain Compression", NeurIPS 2022, who do so to convolutions for N:M patterns.
 */
export function channelsTogether(columns: number, inner: number): ColumnOrder {
  const channels = columns / inner;
  return Int32Array.from({ length: columns }, (_, i) => (i % channels) * inner + Math.floor(i / channels));
}

/**
 * Runs of `run` columns by Σ w²·H_jj over their weights, ascending or descending; those of equal sums stay in order.
 */
export function byEnergy(problem: SparseProblem, run: number, direction: 'ascending' | 'descending'): ColumnOrder {
  const { weights, rows, columns, moment } = problem;
  const energies = new Float64Array(columns / run);
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < columns; j++) {
      const weight = weights[row * columns + j] as number;
      const at = Math.floor(j / run);
      energies[at] = (energies[at] as number) + weight * weight * (moment[j * columns + j] as number);
    }
  }
  const sign = direction === 'ascending' ? 1 : -1;
  const runs = Array.from(energies.keys()).sort((a, b) => {
    return sign * ((energies[a] as number) - (energies[b] as number)) || a - b;
  });
  return Int32Array.from({ length: columns }, (_, i) => (runs[Math.floor(i / run)] as number) * run + (i % run));
}
