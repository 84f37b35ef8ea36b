import { addProducts, type Panel, wholePanel } from '../../numeric/products.ts';
import type { Layer } from './problem.ts';

/**
 * What other weights do to the output of a layer, relative to the output: tr((Ŵ − W) H (Ŵ − W)ᵀ) / tr(W H Wᵀ). 0 where
 * both are zero, Infinity where only the output is. Cost: rows · columns² multiplications.
 * @param pruned Ŵ, row-major [rows, columns]
 * @param moment H where it is not that of the layer, such as that of samples held out
 */
export function relativeError(layer: Layer, pruned: Float64Array, moment: Float64Array = layer.moment): number {
  const { weights, rows, columns } = layer;
  const change = pruned.map((weight, i) => weight - (weights[i] as number));
  const error = energy(change, rows, columns, moment);
  return error === 0 ? 0 : error / energy(weights, rows, columns, moment);
}

/** tr(W H Wᵀ), not below zero: the mean square of what weights [rows, columns] give, summed over rows. */
export function energy(weights: Float64Array, rows: number, columns: number, moment: Float64Array): number {
  return rowEnergies(weights, rows, columns, moment).reduce((sum, each) => sum + each, 0);
}

/** Columns that are multiplied at a time. */
const BLOCK = 64;

/**
 * The diagonal of W H Wᵀ [rows], not below zero: the mean square of what each row of weights [rows, columns] gives. H is
 * symmetric, so that what lies above its diagonal counts twice. Cost: rows · columns² / 2 multiplications.
 */
export function rowEnergies(weights: Float64Array, rows: number, columns: number, moment: Float64Array): Float64Array {
  const energies = new Float64Array(rows);
  const of = (data: Float64Array, at: number): Panel => ({ data, at, stride: columns });
  for (let from = 0; from < columns; from += BLOCK) {
    const to = Math.min(from + BLOCK, columns);
    const width = to - from;
    const image = new Float64Array(rows * width);
    const out = wholePanel(image, width);
    const row = from * columns;
    addProducts(out, 1, of(weights, from), rows, of(moment, row + from), width, width);
    addProducts(out, 2, of(weights, to), rows, of(moment, row + to), width, columns - to);
    for (let i = 0; i < rows; i++) {
      const [at, other] = [i * columns + from, i * width];
      let sum = 0;
      for (let j = 0; j < width; j++) sum += (weights[at + j] as number) * (image[other + j] as number);
      energies[i] = (energies[i] as number) + sum;
    }
  }
  return energies.map((each) => Math.max(each, 0));
}
