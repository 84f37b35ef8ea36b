import { ROUNDING } from './covariance.ts';
import type { LayerMatrix } from './layer-matrix.ts';
import type { ChannelMoments, ChannelNames, MomentNames, Moments } from './moments.ts';

/** What a layer's output has to change by for one of what is looked at behind a gain, per row; 0 where it counts for nothing there. */
export function sharesOf(gain: Float64Array): Float64Array {
  const largest = gain.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
  return gain.map((each) => (Math.abs(each) > 1e-6 * largest ? 1 / each : 0));
}

/** Moments in which what rows lack that count for nothing depends on nothing, so that nothing is made up for there. */
export function withinReach(moments: Moments, shares: Float64Array, { rows, groups, features }: LayerMatrix): Moments {
  const own = rows / groups;
  return {
    ...moments,
    cross: moments.cross.map((each, at) => {
      const group = Math.floor(at / (features * own));
      return shares[group * own + (at % own)] === 0 ? 0 : each;
    }),
    errorSum: moments.errorSum.map((each, row) => (shares[row] === 0 ? 0 : each)),
  };
}

/** How much the target varies around its mean, per position and summed over channels. */
export function energyOf(halves: readonly Moments[]): number {
  const total = (pick: (half: Moments) => number): number => halves.reduce((sum, half) => sum + pick(half), 0);
  const n = total((half) => half.count[0] ?? 0);
  const rows = halves[0]?.targetSum.length ?? 0;
  let energy = 0;
  for (let row = 0; row < rows; row++) {
    const square = total((half) => half.targetSquares[row] ?? 0) / n;
    const variance = square - (total((half) => half.targetSum[row] ?? 0) / n) ** 2;
    energy += variance > ROUNDING * square ? variance : 0;
  }
  return energy;
}

type Sums = ReadonlyMap<string, readonly Float64Array[]>;

/** The sums of each part of the data; those that were not taken are empty. */
export function momentsIn(sums: Sums, names: MomentNames): Moments[] {
  const { length = 0 } = sums.get(names.count ?? '') ?? [];
  return Array.from({ length }, (_, part) => {
    const of = (name: string | undefined): Float64Array =>
      (name === undefined ? undefined : sums.get(name)?.[part]) ?? new Float64Array(0);
    return {
      count: of(names.count),
      sum: of(names.sum),
      gram: of(names.gram),
      cross: of(names.cross),
      errorSum: of(names.errorSum),
      errorSquares: of(names.errorSquares),
      targetSum: of(names.targetSum),
      targetSquares: of(names.targetSquares),
    };
  });
}

/** The sums of all data. */
export function channelMomentsIn(sums: Sums, names: ChannelNames): ChannelMoments {
  const of = (name: string): Float64Array => {
    const [first = new Float64Array(0), ...rest] = sums.get(name) ?? [];
    return rest.reduce((total, part) => total.map((each, i) => each + (part[i] as number)), first);
  };
  return {
    count: of(names.count),
    sum: of(names.sum),
    gram: of(names.gram),
    wholeSum: of(names.wholeSum),
    wholeCross: of(names.wholeCross),
  };
}
