import { rowEnergies } from '../../recover/sparse/error.ts';
import type { RoundingProblem } from './grid.ts';

/**
 * What other weights do to each output of a layer: the diagonal of (Ŵ − W) H (Ŵ − W)ᵀ [rows], with H = I where the problem
 * has none. Its sum is the trace. Cost: rows · columns² / 2 multiplications.
 * @param rounded Ŵ, row-major [rows, columns]
 */
export function rowErrors(
  { weights, rows, columns, moment }: Pick<RoundingProblem, 'weights' | 'rows' | 'columns' | 'moment'>,
  rounded: Float64Array,
): Float64Array {
  const change = rounded.map((weight, i) => weight - (weights[i] as number));
  if (moment !== undefined) return rowEnergies(change, rows, columns, moment);
  return Float64Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) sum += (change[i] as number) ** 2;
    return sum;
  });
}
