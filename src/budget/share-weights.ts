import { countEqual, countUnranked, type Keys } from '../numeric/keys.ts';
import { selectLayerAdaptive } from '../numeric/layer-adaptive.ts';
import { type Boundary, NONE, selectLowest } from '../numeric/select.ts';

/**
 * How many weights leave which tensor.
 * `uniform`: each tensor loses the fraction. `global`: those with the lowest keys of all tensors together leave.
 * `lamp`: those with the lowest layer-adaptive scores. `threshold`: all with keys below one.
 */
export type WeightBudget =
  | { readonly kind: 'amount'; readonly amount: number; readonly scope: 'uniform' | 'global' | 'lamp' }
  | { readonly kind: 'threshold'; readonly key: number };

/** A tensor's weights in the order they leave. */
export interface RankedWeights {
  readonly keys: Keys;
  /** Fraction of this very tensor to remove, 0 to 1; absent where the budget of all holds. */
  readonly amount?: number | undefined;
}

/** What leaves each tensor. */
export interface WeightShares {
  readonly boundaries: readonly Boundary[];
  /** How many weights of each tensor are not finite; the boundaries mean nothing where any are not. */
  readonly unranked: readonly number[];
}

/**
 * Shares a budget over tensors: exactly round(amount · weights) are zero afterwards, those counted that are zero
 * already, unless more are. Of equal keys those of later tensors leave first, and in a tensor those of higher index.
 * Tensors with an amount of their own lose that and take no part in the rest.
 */
export function shareWeights(tensors: readonly RankedWeights[], budget: WeightBudget): WeightShares {
  const boundaries: Boundary[] = tensors.map(() => NONE);
  const unranked: number[] = tensors.map(() => 0);
  const place = (indices: readonly number[], shares: WeightShares): void => {
    indices.forEach((index, i) => {
      boundaries[index] = shares.boundaries[i] ?? NONE;
      unranked[index] = shares.unranked[i] ?? 0;
    });
  };
  const free: number[] = [];
  tensors.forEach(({ keys, amount }, index) => {
    const own = amount ?? (budget.kind === 'amount' && budget.scope === 'uniform' ? budget.amount : undefined);
    if (own === undefined) free.push(index);
    else place([index], shareTogether([keys], own));
  });
  const keys = free.flatMap((index) => tensors[index]?.keys ?? []);
  if (budget.kind === 'threshold') {
    place(free, {
      boundaries: free.map(() => ({ key: budget.key, ties: 0 })),
      unranked: keys.map(countUnranked),
    });
  } else if (budget.scope === 'lamp') place(free, selectLayerAdaptive(keys, countOf(keys, budget.amount)));
  else place(free, shareTogether(keys, budget.amount));
  return { boundaries, unranked };
}

/** The number of weights that an amount asks for. */
function countOf(arrays: readonly Keys[], amount: number): number {
  return Math.round(amount * arrays.reduce((sum, { length }) => sum + length, 0));
}

function shareTogether(arrays: readonly Keys[], amount: number): WeightShares {
  const { key, ties, unranked } = selectLowest(arrays, countOf(arrays, amount));
  const boundaries: Boundary[] = arrays.map(() => ({ key, ties: 0 }));
  let left = ties;
  for (let index = arrays.length - 1; index >= 0 && left > 0; index--) {
    const own = arrays[index];
    if (own === undefined) continue;
    // An only array has all ties.
    const tied = arrays.length === 1 ? left : Math.min(left, countEqual(own, key));
    boundaries[index] = { key, ties: tied };
    left -= tied;
  }
  return { boundaries, unranked };
}
