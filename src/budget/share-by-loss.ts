import type { Alignment } from './align.ts';
import { allocate, BUCKETS, leastCost } from './allocate.ts';
import { type LossCurve, type WidthLevel, widthLevels } from './levels.ts';

/** How an amount is shared out by losses. */
export interface LossBudget {
  /** Fraction to remove, 0 to 1: of all units together, or of all cost together where there is one. */
  readonly amount: number;
  /** No group loses a larger fraction than this, 0 to 1. */
  readonly maxRatio: number;
  readonly alignment: Alignment;
  /** What a group costs with so many units, such as its parameters while all others are whole; its units where absent. */
  readonly costOf?: ((index: number, keep: number) => number) | undefined;
}

/** Far more than refining takes; the choice is good after any number of rounds. */
const MOST_ROUNDS = 20;

/**
 * Shares an amount over groups so that the losses add up to the least: at least the amount leaves, or as much of it as
 * the cap on the ratio, alignment and the lengths of the curves allow.
 *
 * A dynamic programme over at most 32 widths of each group, repeated over the widths around its choice as long as that
 * gains anything, in the end over so few that buckets are single units. Where no group has more widths than 32, nor all
 * together more units than buckets, it is exact. So it is where units are counted, none rounded, and each costs no less than
 * the one before: then a choice that no exchange of one unit improves is the best one, and those are tried in the end.
 *
 * Source: Frantar and Alistarh, "SPDY: Accurate Pruning with Speedup Guarantees", 2022; Kurtic, Frantar and Alistarh,
 * "ZipLM: Inference-Aware Structured Pruning of Language Models", 2023, for levels that are widths. The refinement is ours.
 *
 * @returns units that each group keeps
 */
export function shareByLoss(curves: readonly LossCurve[], options: LossBudget): readonly number[] {
  const { amount, costOf, maxRatio, alignment } = options;
  const tablesAround = (keeps: readonly number[], reach?: number): WidthLevel[][] =>
    curves.map((curve, index) =>
      widthLevels(curve, {
        maxRatio,
        alignment,
        cost: costOf && ((keep) => costOf(index, keep)),
        near: keeps[index],
        reach,
      }),
    );
  const whole = curves.reduce((sum, { count }, index) => sum + (costOf?.(index, count) ?? count), 0);
  const wished = whole - (costOf === undefined ? Math.round(whole * amount) : whole * amount);
  const first = tablesAround([]);
  // The narrowest widths are in the tables of the first round, and what was chosen in those of every other.
  const budget = Math.max(wished, leastCost(first));
  let best = pick(curves, first, budget);
  for (const reach of [undefined, Math.ceil(BUCKETS / 2 / curves.length)]) {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const next = pick(curves, tablesAround(best.keeps, reach), budget);
      // It may be above, where costs rounded to other buckets push out what fitted before.
      if (!(next.error < best.error)) break;
      best = next;
    }
  }
  return best.keeps;
}

/** The best choice among some levels; groups whose levels cannot be told apart stay whole. */
function pick(
  curves: readonly LossCurve[],
  tables: readonly (readonly WidthLevel[])[],
  budget: number,
): { readonly keeps: readonly number[]; readonly error: number } {
  const picked = allocate(tables, budget) ?? [];
  const levels = curves.map((_, index) => tables[index]?.[picked[index] ?? 0]);
  return {
    keeps: curves.map(({ count }, index) => levels[index]?.keep ?? count),
    error: levels.reduce((sum, level) => sum + (level?.error ?? 0), 0),
  };
}
