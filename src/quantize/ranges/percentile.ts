import type { Histogram } from '../../numeric/histogram.ts';
import { minMaxRange } from './min-max.ts';
import { type Pieces, piecesOf } from './pieces.ts';
import type { Range } from './range.ts';

/**
 * The shortest range around zero beyond which at most (100 − percentile) per cent of the numbers lie, both sides taken
 * together, so that no other range with as few clipped numbers has a smaller step. Within a bin numbers are spread
 * evenly. Zeros do not count: otherwise a sparser value would lose a greater share of what it says.
 * @param percentile above 0 and at most 100
 * @throws RangeError for other percentiles
 */
export function percentileRange(histogram: Histogram, percentile: number): Range {
  if (!(percentile > 0 && percentile <= 100))
    throw new RangeError(`A percentile lies above 0 and is at most 100, not ${percentile}.`);
  const whole = minMaxRange(histogram);
  const pieces = piecesOf(histogram);
  const clipped = (pieces.total * (100 - percentile)) / 100;
  if (clipped <= 0) return whole;
  const below = sideOf(pieces, -1);
  const above = sideOf(pieces, 1);
  // The length is piecewise linear in the share of one side, so that it is least where either end meets a bin's.
  let best = whole;
  const consider = (share: number): void => {
    const least = Math.max(whole.least, -reachOf(below, share));
    const most = Math.min(whole.most, reachOf(above, clipped - share));
    if (most - least < best.most - best.least) best = { least: least + 0, most: most + 0 };
  };
  consider(clipped / 2);
  for (const beyond of breaks(below, clipped)) consider(beyond);
  for (const beyond of breaks(above, clipped)) consider(clipped - beyond);
  return best;
}

/** The numbers on one side of zero, from the farthest inwards, by their distances from zero. */
interface Side {
  readonly near: Float64Array;
  readonly far: Float64Array;
  /** How many numbers lie in each interval and beyond. */
  readonly beyond: Float64Array;
}

function sideOf({ from, to, mass }: Pieces, sign: 1 | -1): Side {
  const indices = [...mass.keys()].filter((i) => (sign > 0 ? (to[i] as number) > 0 : (from[i] as number) < 0));
  if (sign > 0) indices.reverse();
  const [inner, outer] = sign > 0 ? [from, to] : [to, from];
  let sum = 0;
  const beyond = Float64Array.from(indices, (i) => {
    sum += mass[i] as number;
    return sum;
  });
  const distance = (ends: Float64Array): Float64Array =>
    Float64Array.from(indices, (i) => Math.max(0, sign * (ends[i] as number)));
  return { near: distance(inner), far: distance(outer), beyond };
}

/** How many numbers lie beyond the ends of the intervals, up to so many. */
function breaks({ beyond }: Side, most: number): Float64Array {
  const end = beyond.findIndex((each) => each > most);
  return Float64Array.of(0, ...beyond.subarray(0, end < 0 ? beyond.length : end));
}

/** The least distance from zero beyond which at most so many numbers lie. */
function reachOf({ near, far, beyond }: Side, clipped: number): number {
  const at = firstAbove(beyond, clipped);
  if (at === beyond.length) return 0;
  const outside = at === 0 ? 0 : (beyond[at - 1] as number);
  const share = Math.max(0, clipped - outside) / ((beyond[at] as number) - outside);
  return (far[at] as number) - share * ((far[at] as number) - (near[at] as number));
}

/** The first index of an ascending array with a number above a bound. */
function firstAbove(ascending: Float64Array, bound: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] as number) > bound) high = middle;
    else low = middle + 1;
  }
  return low;
}
