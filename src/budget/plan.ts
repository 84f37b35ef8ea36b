import type { Group } from '../channels/group.ts';
import type { Scores } from '../criteria/criterion.ts';
import { type Alignment, alignRest } from './align.ts';
import { fewestUnder } from './cap.ts';
import { shareByLoss } from './share-by-loss.ts';

/** A group with its importance, and whether it may be touched. */
export interface Candidate {
  readonly group: Group;
  readonly scores: Scores;
  /** Units that it had before rounds that went before this one, of which amounts are fractions; as many as it has where absent. */
  readonly before?: number | undefined;
  /** Fraction of this very group to remove, 0 to 1, whatever is done to the others; absent where the general amount holds. */
  readonly amount?: number | undefined;
  /**
   * What is lost as its units leave by their scores, the lowest first: `losses[k]` is the error after k of them, over the
   * energy of the output, from 0 for none. No more than `losses.length - 1` units leave where an amount is shared by losses.
   */
  readonly losses?: Float64Array | undefined;
}

/**
 * How many units a group keeps: what the amount asks for under the cap on the ratio, which may be none, and what
 * alignment and the need of at least one make of it.
 */
export interface Quota {
  readonly group: Group;
  readonly asked: number;
  readonly keep: number;
}

/** How an amount is shared out. */
export interface BudgetOptions {
  /** Fraction of channels to remove, 0 to 1. */
  readonly amount: number;
  readonly scope: 'uniform' | 'global';
  /** No group loses a larger fraction than this, 0 to 1. */
  readonly maxRatio: number;
  readonly alignment: Alignment;
  /**
   * What a group costs with so many units, such as its parameters: where an amount is shared by losses, it is a fraction
   * of this. The units themselves where absent.
   */
  readonly costOf?: ((group: Group, keep: number) => number) | undefined;
}

/**
 * Shares an amount over groups.
 * `uniform`: each group loses the amount. `global`: the least important units of all groups leave until the amount of
 * all channels is reached; scores are comparable because each group's have a mean of 1. Where all groups that share the
 * amount carry losses, at least the amount leaves and those add up to the least. Groups with an amount of their own lose
 * that.
 */
export function planQuotas(candidates: readonly Candidate[], options: BudgetOptions): Quota[] {
  const removed = options.scope === 'uniform' ? uniform(candidates, options) : global(candidates, options);
  return candidates.map((candidate, i) => {
    const { group } = candidate;
    const fewest = Math.min(group.count, fewestUnder(firstCount(candidate), options.maxRatio));
    const asked = Math.max(group.count - (removed[i] ?? 0), fewest);
    const counts = { count: group.count, before: firstCount(candidate) };
    const aligned = alignRest(asked, counts, group.blockedWidth, options.alignment);
    return { group, asked, keep: Math.max(1, aligned, fewest) };
  });
}

function uniform(candidates: readonly Candidate[], options: BudgetOptions): number[] {
  return candidates.map((candidate) => {
    const before = firstCount(candidate);
    const gone = before - candidate.group.count;
    return Math.max(0, Math.round(before * (candidate.amount ?? options.amount)) - gone);
  });
}

function firstCount({ group, before }: Candidate): number {
  return before ?? group.count;
}

/** Units that may leave still under a cap on the ratio of all those that there were; one stays always. */
function mostToLose(candidate: Candidate, maxRatio: number): number {
  return Math.max(0, candidate.group.count - Math.max(1, fewestUnder(firstCount(candidate), maxRatio)));
}

/** What part of the units that there are now an amount of all those that there were asks for still. */
function rest(candidates: readonly Candidate[], amount: number): number {
  const now = candidates.reduce((sum, { group }) => sum + group.count, 0);
  const before = candidates.reduce((sum, candidate) => sum + firstCount(candidate), 0);
  return now === 0 ? 0 : Math.max(0, (before * amount - (before - now)) / now);
}

/** Groups with an amount of their own lose that; the others share theirs out. */
function global(candidates: readonly Candidate[], options: BudgetOptions): number[] {
  const removed = uniform(candidates, options);
  const free = candidates.flatMap(({ amount }, index) => (amount === undefined ? [index] : []));
  const sharing = free.flatMap((index) => candidates[index] ?? []);
  const own = { ...options, amount: rest(sharing, options.amount) };
  const shared = byLoss(sharing, own) ?? shareOut(sharing, own);
  free.forEach((index, i) => {
    removed[index] = shared[i] ?? 0;
  });
  return removed;
}

/** Units that leave each group so that the losses add up to the least; undefined where some group has none to go by. */
function byLoss(candidates: readonly Candidate[], options: BudgetOptions): number[] | undefined {
  const curves = candidates.flatMap((candidate) => {
    const { group, losses } = candidate;
    if (losses === undefined) return [];
    const { count, blockedWidth } = group;
    return [{ count, blockedWidth, losses: losses.subarray(0, mostToLose(candidate, options.maxRatio) + 1) }];
  });
  if (curves.length < candidates.length) return undefined;
  const { costOf } = options;
  const keeps = shareByLoss(curves, {
    ...options,
    costOf:
      costOf &&
      ((index, keep) => {
        const group = candidates[index]?.group;
        return group === undefined ? 0 : costOf(group, keep);
      }),
  });
  return curves.map(({ count }, index) => count - (keeps[index] ?? count));
}

function shareOut(candidates: readonly Candidate[], { amount, maxRatio }: BudgetOptions): number[] {
  const ranked = candidates.flatMap((candidate, index) => {
    const { scores } = candidate;
    // A formula may give negative scores.
    const mean = scores.reduce((sum, score) => sum + Math.abs(score), 0) / scores.length || 1;
    const most = mostToLose(candidate, maxRatio);
    // Only the weakest of a group may leave, so the others need not compete.
    return Array.from(scores, (score) => score / mean)
      .sort((a, b) => a - b)
      .slice(0, most)
      .map((score, rank) => ({ index, score, rank }));
  });
  ranked.sort((a, b) => a.score - b.score || a.index - b.index || a.rank - b.rank);
  const total = candidates.reduce((sum, { group }) => sum + group.count, 0);
  const removed = candidates.map(() => 0);
  for (const { index } of ranked.slice(0, Math.round(total * amount))) removed[index] = (removed[index] ?? 0) + 1;
  return removed;
}

/** Flags the units beyond each quota, least important first; of equals, the one with the higher number leaves. */
export function selectUnits(candidates: readonly Candidate[], quotas: readonly Quota[], unitCount: number): Uint8Array {
  const removed = new Uint8Array(unitCount);
  candidates.forEach(({ group, scores }, i) => {
    const order = Array.from(scores.keys()).sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
    for (const unit of order.slice(quotas[i]?.keep ?? group.count)) removed[group.first + unit] = 1;
  });
  return removed;
}
