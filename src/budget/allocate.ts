/** One way to treat a group. Callers add what they need to know it again by: only these two are read. */
export interface Level {
  /** What it costs in accuracy, such as the squared error of a layer's output over its energy. */
  readonly error: number;
  /** What it costs to run or to keep: units, parameters, multiplications, milliseconds. At least 0. */
  readonly cost: number;
}

/** How finely costs are told apart. */
export interface AllocateOptions {
  /** Steps that what is left of the budget, beyond the least possible cost, is divided into; 10,000 by default. */
  readonly buckets?: number | undefined;
}

/** Steps that waste less than 1% of the budget of a hundred groups by rounding costs up; as many as SPDY takes. */
export const BUCKETS = 10_000;
/** Sums and quotients of floats are this far from what they stand for, in parts of themselves. */
const ROUNDING = 1e-9;

/**
 * Picks one level for every group so that the costs add up to at most the budget and the errors to the least. Of choices
 * with equal errors, one that uses more of the budget wins, so that nothing leaves for nothing.
 *
 * A dynamic programme over groups and the budget in buckets, in O(groups · levels · buckets) time and O(groups · buckets)
 * memory. Every group's cheapest level is paid first, so that all buckets go to what is to be decided. Costs that are
 * whole multiples of one number and few enough are exact; others are rounded up to whole buckets, so that the budget is
 * kept and less than one bucket for each group is wasted.
 *
 * Source: Frantar and Alistarh, "SPDY: Accurate Pruning with Speedup Guarantees", 2022, with all coefficients 1 as in
 * "Optimal Brain Compression" by the same, 2022. Paying the least cost first and exact whole costs are ours.
 *
 * @param tables levels of every group, at most 65,536; those whose error or cost is not finite are never picked
 * @param budget in the unit of the costs; within 1e-9 of it counts as within it
 * @returns the index of a level for each group; undefined where even `leastCost` is above the budget
 */
export function allocate(
  tables: readonly (readonly Level[])[],
  budget: number,
  { buckets = BUCKETS }: AllocateOptions = {},
): number[] | undefined {
  const least = leastCost(tables);
  const room = budget - least;
  const slack = ROUNDING * Math.abs(budget);
  // Written so that NaN is refused too.
  if (!(room >= -slack)) return undefined;
  const best = tables.map(mostFaithful);
  const wished = best.reduce((sum, level, g) => sum + (tables[g]?.[level]?.cost ?? 0), 0);
  // Costs rounded up might not fit where they do.
  if (wished <= budget + slack) return best;
  const extras = tables.map(extraCosts);
  const { size, most } = gridOf(extras, Math.max(room, 0), buckets);
  const weights = extras.map((each) => each.map((extra) => Math.ceil(extra / size - ROUNDING)));
  // No more can be spent than by the dearest levels together.
  const dearest = weights.reduce(
    (sum, each) => sum + each.reduce((most, w) => (w < Number.POSITIVE_INFINITY ? Math.max(most, w) : most), 0),
    0,
  );
  return cheapest(tables, weights, Math.min(most, dearest));
}

/** The least that one level for every group costs together: what a budget must be at least. Infinite where a group has none. */
export function leastCost(tables: readonly (readonly Level[])[]): number {
  return tables.reduce((sum, levels) => sum + cheapestOf(levels), 0);
}

function cheapestOf(levels: readonly Level[]): number {
  return levels.reduce(
    (least, level) => (isUsable(level) ? Math.min(least, level.cost) : least),
    Number.POSITIVE_INFINITY,
  );
}

/** The level with the least error, of equals the dearest, where any may be picked. */
function mostFaithful(levels: readonly Level[]): number {
  return levels.reduce((best, level, index) => {
    const { error, cost } = levels[best] ?? level;
    return error < level.error || (error === level.error && cost >= level.cost) || !isUsable(level) ? best : index;
  }, levels.findIndex(isUsable));
}

function isUsable({ error, cost }: Level): boolean {
  return Number.isFinite(error) && Number.isFinite(cost);
}

/** What each level costs beyond the cheapest; infinite for one that may not be picked. */
function extraCosts(levels: readonly Level[]): number[] {
  const least = cheapestOf(levels);
  return levels.map((level) => (isUsable(level) ? level.cost - least : Number.POSITIVE_INFINITY));
}

/** The cost of one bucket, and how many there are. */
function gridOf(extras: readonly number[][], room: number, buckets: number): { size: number; most: number } {
  let divisor = 0;
  for (const extra of extras.flat()) {
    if (extra === Number.POSITIVE_INFINITY) continue;
    divisor = Number.isSafeInteger(extra) ? greatestDivisor(divisor, extra) : Number.NaN;
    if (Number.isNaN(divisor)) break;
  }
  const exact = Math.floor(room / divisor + ROUNDING);
  if (exact <= buckets) return { size: divisor, most: exact };
  // Without room, buckets of next to nothing hold no more than what costs nothing more.
  return { size: Math.max(room / buckets, Number.MIN_VALUE), most: buckets };
}

function greatestDivisor(a: number, b: number): number {
  let [large, small] = [a, b];
  while (small > 0) [large, small] = [small, large % small];
  return large;
}

/**
 * The programme itself, over whole weights.
 * `error[t]` is the least summed error of the groups so far with a summed weight of at most t, `spent[t]` the greatest
 * weight that goes with it.
 */
function cheapest(tables: readonly (readonly Level[])[], weights: readonly number[][], most: number): number[] {
  const length = most + 1;
  let [error, nextError] = [new Float64Array(length), new Float64Array(length)];
  let [spent, nextSpent] = [new Float64Array(length), new Float64Array(length)];
  const choices = tables.map(() => new Uint16Array(length));
  tables.forEach((levels, g) => {
    const choice = choices[g] as Uint16Array;
    nextError.fill(Number.POSITIVE_INFINITY);
    nextSpent.fill(-1);
    levels.forEach((level, s) => {
      const weight = weights[g]?.[s] ?? Number.POSITIVE_INFINITY;
      const own = level.error;
      for (let t = weight; t <= most; t++) {
        const sum = (error[t - weight] as number) + own;
        const used = (spent[t - weight] as number) + weight;
        const before = nextError[t] as number;
        if (sum < before || (sum === before && used > (nextSpent[t] as number))) {
          nextError[t] = sum;
          nextSpent[t] = used;
          choice[t] = s;
        }
      }
    });
    [error, nextError] = [nextError, error];
    [spent, nextSpent] = [nextSpent, spent];
  });
  const picked: number[] = tables.map(() => 0);
  for (let g = tables.length - 1, t = most; g >= 0; g--) {
    const level = choices[g]?.[t] ?? 0;
    picked[g] = level;
    t -= weights[g]?.[level] ?? 0;
  }
  return picked;
}
