import type { Mask, SparseProblem } from './problem.ts';
import { selectMask } from './select-mask.ts';

/** The mask by |W_ij|, which asks for no data: what the others have to beat. Cost: a sort. */
export function magnitude({ weights, rows, columns, share }: SparseProblem): Mask {
  return selectMask(weights.map(Math.abs), rows, columns, share);
}
