import { Grid, type SearchOptions, type Try } from './grid.ts';

export type { SearchOptions, Try } from './grid.ts';

/** What a search came to. */
export interface Search<Outcome> {
  /** The amount that was looked for; undefined where there is none. */
  readonly found: Try<Outcome> | undefined;
  /** Everything that was tried, in its order. */
  readonly tries: readonly Try<Outcome>[];
}

/** Tries that following lines may cost beyond halving, where there are so many. */
const GAMBLES = 1;

/**
 * The least amount whose measure is at most a limit, for a measure that falls, or stays, as the amount grows.
 *
 * Both ends are tried, and then amounts between one that misses and one that meets the limit: where a straight line between
 * their measures crosses it, moved towards the middle by what the line is likely to be wrong, and by what is needed for the
 * search to end with no more than one try beyond what halving takes. Steps, as alignment makes them, are thus found like
 * any other curve, and noise does no harm: what is found has met the limit, and no smaller amount that was tried has. No
 * amount is measured twice. Nothing is random.
 *
 * Source: Oliveira and Takahashi, "An Enhancement of the Bisection Method Average Performance Preserving Minmax Optimality",
 * 2020 (ITP), on a grid.
 *
 * @param measure what is wanted to be small; a NaN misses any limit
 * @returns nothing found where even the largest amount misses; where tries run out, the least one that met the limit
 */
export async function searchAmount(
  measure: (amount: number) => Promise<number>,
  limit: number,
  options: SearchOptions,
): Promise<Search<number>> {
  const grid = new Grid(measure, options);
  const least = await grid.at(0);
  if (least.outcome <= limit) return { found: least, tries: grid.tries };
  const largest = await grid.at(grid.last);
  if (!(largest.outcome <= limit)) return { found: undefined, tries: grid.tries };
  let found = largest;
  let below: End = { index: 0, excess: least.outcome - limit };
  let above: End = { index: grid.last, excess: largest.outcome - limit };
  const halvings = Math.ceil(Math.log2(grid.last));
  // The widest gap that may be left by so many tries.
  let widest = 2 ** Math.max(halvings, Math.min(halvings + GAMBLES, grid.left));
  while (above.index - below.index > 1 && grid.left > 0) {
    widest /= 2;
    const lowest = Math.max(below.index + 1, above.index - widest);
    const highest = Math.min(above.index - 1, below.index + widest);
    const index = Math.min(Math.max(crossing(below, above, grid.last), lowest), highest);
    const next = await grid.at(index);
    const end = { index, excess: next.outcome - limit };
    if (next.outcome <= limit) {
      found = next;
      above = end;
    } else below = end;
  }
  return { found, tries: grid.tries };
}

/** An end of what is between: a place on the grid, and by how much it is above the limit. */
interface End {
  readonly index: number;
  readonly excess: number;
}

/** The share of the whole that a line over all of it is taken to be wrong by, as its authors propose. */
const ERROR = 0.2;

/** Where a straight line between two ends is at the limit, moved towards the middle; the middle without such a line. */
function crossing(below: End, above: End, whole: number): number {
  const gap = above.index - below.index;
  const middle = below.index + gap / 2;
  const line = below.index + (below.excess / (below.excess - above.excess)) * gap;
  if (!Number.isFinite(line)) return Math.floor(middle);
  const shift = (ERROR * gap * gap) / whole;
  return Math.round(Math.abs(middle - line) <= shift ? middle : line + Math.sign(middle - line) * shift);
}

/** Steps of the walk upwards, where there are tries for so many. */
const COARSE = 8;

/**
 * The largest amount up to which a gate is passed. Amounts are tried upwards on a coarse grid until one fails, and then by
 * halves between that and the one before. An amount beyond one that failed is not tried: what passes there passes by luck.
 * No amount is tried twice. Nothing is random.
 *
 * @returns nothing found where even the least amount fails; where tries run out, the largest one that passed
 */
export async function searchMost(
  passes: (amount: number) => Promise<boolean>,
  options: SearchOptions,
): Promise<Search<boolean>> {
  const grid = new Grid(passes, options);
  const stride = Math.ceil(grid.last / stepsFor(grid.last, options.most - 1));
  let found: Try<boolean> | undefined;
  let good = -1;
  let bad = grid.last + 1;
  for (let index = 0; index < bad && grid.left > 0; index = Math.min(index + stride, grid.last)) {
    const next = await grid.at(index);
    if (!next.outcome) bad = index;
    else {
      found = next;
      good = index;
      if (index === grid.last) break;
    }
  }
  if (found === undefined) return { found, tries: grid.tries };
  while (bad - good > 1 && grid.left > 0) {
    const index = good + Math.floor((bad - good) / 2);
    const next = await grid.at(index);
    if (next.outcome) {
      found = next;
      good = index;
    } else bad = index;
  }
  return { found, tries: grid.tries };
}

/** The most steps that leave tries for halving one of them; 1 where none do. */
function stepsFor(places: number, tries: number): number {
  for (let steps = COARSE; steps > 1; steps--) {
    if (steps + Math.ceil(Math.log2(Math.max(places / steps, 1))) <= tries) return steps;
  }
  return 1;
}
