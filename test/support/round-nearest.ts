import type { RoundedMatrix, WeightMatrix } from '../../src/ops/rounded-form.ts';
import { weightReader } from '../../src/quantize/sites.ts';

/** How a test rounds: the largest code, and how many columns share a scale (all of a row where left out). */
export interface NearestOptions {
  readonly most?: number;
  readonly block?: number;
}

/** Rounds each weight to the nearest multiple of its scale, which clips nothing; the same object for the same weight. */
export function nearest({ most = 127, block }: NearestOptions = {}): (matrix: WeightMatrix) => RoundedMatrix {
  const known = new Map<WeightMatrix, RoundedMatrix>();
  return (matrix) => {
    const rounded = known.get(matrix) ?? roundMatrix(matrix, most, block ?? matrix.columns);
    known.set(matrix, rounded);
    return rounded;
  };
}

function roundMatrix(matrix: WeightMatrix, most: number, block: number): RoundedMatrix {
  const { rows, columns } = matrix;
  const weights = weightReader(matrix)(0, matrix.rows);
  const blocks = Math.ceil(columns / block);
  const scales = new Float32Array(rows * blocks);
  const codes = new Int8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let each = 0; each < blocks; each++) {
      const [from, to] = [row * columns + each * block, row * columns + Math.min(columns, (each + 1) * block)];
      const largest = weights.subarray(from, to).reduce((peak, weight) => Math.max(peak, Math.abs(weight)), 0);
      const scale = Math.fround(largest === 0 ? 1 : largest / most);
      scales[row * blocks + each] = scale;
      for (let i = from; i < to; i++) codes[i] = Math.round((weights[i] ?? 0) / scale);
    }
  }
  return { codes, scales };
}

/** What rounding makes of a weight, row-major [rows, columns]. */
export function weightsOf(
  { codes, scales }: RoundedMatrix,
  { rows, columns }: WeightMatrix,
  block: number = columns,
): number[] {
  const blocks = scales.length / rows;
  return Array.from(codes, (code, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return code * (scales[row * blocks + Math.floor(column / block)] ?? Number.NaN);
  });
}
