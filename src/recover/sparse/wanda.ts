import { diagonalOf, type Mask, type SparseProblem } from './problem.ts';
import { selectMask } from './select-mask.ts';

/**
 * Importance of weights by size and input: |W_ij| · √E[x_j²], [rows, columns].
 * Source: Sun et al., "A Simple and Effective Pruning Approach for Large Language Models", ICLR 2024. Cost: a pass.
 * @param weights row-major [rows, columns]
 * @param norms E[x_j²], [columns]
 */
export function wandaScores(weights: Float64Array, norms: Float64Array): Float64Array {
  const columns = norms.length;
  const roots = norms.map((square) => Math.sqrt(Math.max(square, 0)));
  const scores = new Float64Array(weights.length);
  for (let from = 0; from < scores.length; from += columns) {
    for (let j = 0; j < columns; j++) scores[from + j] = Math.abs(weights[from + j] as number) * (roots[j] as number);
  }
  return scores;
}

/** The mask by {@link wandaScores}. The paper compares weights of one row, which `per: 'row'` asks for. */
export function wanda({ weights, rows, columns, moment, norms, share }: SparseProblem): Mask {
  return selectMask(wandaScores(weights, norms ?? diagonalOf(moment, columns)), rows, columns, share);
}
