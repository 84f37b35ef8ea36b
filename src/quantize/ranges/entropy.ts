import type { Histogram } from '../../numeric/histogram.ts';
import { minMaxRange } from './min-max.ts';
import type { Levels } from './parameters.ts';
import type { Range } from './range.ts';

/**
 * The range whose quantized distribution tells least from the distribution of the numbers: the Kullback-Leibler
 * divergence of the numbers, those beyond the range moved to its end levels, from what is left when each level spreads
 * the numbers it holds inside the range evenly over its bins that are not empty.
 *
 * Source: S. Migacz, "8-bit Inference with TensorRT", GTC 2017. That is for ranges symmetric about zero; here each end
 * is searched, so that a value on one side of zero has all levels there. Zeros are left out, as implementations leave
 * out or level the bin at zero: a Relu makes so many that they alone would decide, and every range represents them.
 * Counts of bins are taken as they are: of fewer than some ten thousand numbers chance takes part in the choice.
 */
export function entropyRange(histogram: Histogram, levels: Levels): Range {
  const whole = minMaxRange(histogram);
  if (whole.least === whole.most) return whole;
  const sums = sumsOf(histogram);
  const half = histogram.counts.length / 2;
  const { low, high } = search(sums, (edges) => divergenceOf(sums, edges, levels));
  return {
    least: Math.max(whole.least, (low - half) * histogram.width) + 0,
    most: Math.min(whole.most, (high - half) * histogram.width) + 0,
  };
}

/** A range between two edges of bins: edge i is where bin i begins. */
interface Edges {
  readonly low: number;
  readonly high: number;
}

type Divergence = (edges: Edges) => number;

/** Running sums over bins: element i is the sum of those before bin i. */
interface Sums {
  readonly mass: Float64Array;
  /** Of the logarithms of the masses of bins, times the masses: less the entropy. */
  readonly logs: Float64Array;
  /** Of bins that are not empty. */
  readonly occupied: Float64Array;
  /** The edges at which a range may begin, from zero outwards: that at zero, and those before bins that hold numbers. */
  readonly lows: readonly number[];
  /** The edges at which it may end, likewise. */
  readonly highs: readonly number[];
}

function sumsOf({ counts, zeros }: Histogram): Sums {
  const half = counts.length / 2;
  const mass = new Float64Array(counts.length + 1);
  const logs = new Float64Array(counts.length + 1);
  const occupied = new Float64Array(counts.length + 1);
  const lows: number[] = [];
  const highs = [half];
  for (let i = 0; i < counts.length; i++) {
    const own = Math.max(0, (counts[i] as number) - (i === half ? zeros : 0));
    mass[i + 1] = (mass[i] as number) + own;
    logs[i + 1] = (logs[i] as number) + (own > 0 ? own * Math.log(own) : 0);
    occupied[i + 1] = (occupied[i] as number) + (own > 0 ? 1 : 0);
    if (own === 0) continue;
    if (i < half) lows.push(i);
    else highs.push(i + 1);
  }
  return { mass, logs, occupied, lows: [half, ...lows.reverse()], highs };
}

/**
 * The divergence for the range between two edges of bins: of masses, Σ p·ln(p / q) − p + q, since between distributions
 * half of the numbers moved to where the other half lies would cost nothing; where few are moved both agree. Levels are
 * equal parts of the range; bins that two share are divided between them. Infinite where numbers are moved to a level
 * that had none.
 */
function divergenceOf({ mass, logs, occupied }: Sums, { low, high }: Edges, levels: Levels): number {
  const total = mass[mass.length - 1] as number;
  const below = mass[low] as number;
  const above = total - (mass[high] as number);
  const inside = total - below - above;
  if (inside <= 0) return Number.POSITIVE_INFINITY;
  const size = (high - low) / levels;
  let sum = inside - total;
  let [massBefore, logsBefore, occupiedBefore] = [below, logs[low] as number, occupied[low] as number];
  for (let level = 0; level < levels; level++) {
    const edge = level === levels - 1 ? high : low + (level + 1) * size;
    const bin = Math.min(high - 1, Math.floor(edge));
    const part = edge - bin;
    const massNow = (1 - part) * (mass[bin] as number) + part * (mass[bin + 1] as number);
    const logsNow = (1 - part) * (logs[bin] as number) + part * (logs[bin + 1] as number);
    const occupiedNow = (1 - part) * (occupied[bin] as number) + part * (occupied[bin + 1] as number);
    const own = massNow - massBefore;
    const moved = level === 0 ? below : level === levels - 1 ? above : 0;
    const cells = occupiedNow - occupiedBefore;
    if (own > 0 && cells > 0) {
      const growth = (own + moved) / own;
      sum += growth * (logsNow - logsBefore - own * Math.log(own / cells));
      if (moved > 0) sum += (own + moved) * Math.log(growth);
    } else if (moved > 0) return Number.POSITIVE_INFINITY;
    [massBefore, logsBefore, occupiedBefore] = [massNow, logsNow, occupiedNow];
  }
  return sum / total;
}

/** Into how many steps a search divides what it searches. */
const STEPS = 96;

/** How often the ends are searched by turns. */
const TURNS = 2;

/** Positions in the lists of edges. */
type Pair = Edges;

/** The edges of least divergence: both ends drawn in together, then each by turns. */
function search({ lows, highs }: Sums, divergence: Divergence): Edges {
  const longest = Math.max(lows.length, highs.length) - 1;
  const drawnIn = (at: number): Pair => ({
    low: Math.round(((lows.length - 1) * at) / longest),
    high: Math.round(((highs.length - 1) * at) / longest),
  });
  const edgesOf = ({ low, high }: Pair): Edges => ({ low: lows[low] as number, high: highs[high] as number });
  const divergenceAt = (pair: Pair): number => divergence(edgesOf(pair));
  let best = drawnIn(leastAt(longest, longest, (at) => divergenceAt(drawnIn(at))));
  if (lows.length === 1 || highs.length === 1) return edgesOf(best);
  for (let turn = 0; turn < TURNS; turn++) {
    const { low } = best;
    const high = leastAt(highs.length - 1, best.high, (at) => divergenceAt({ low, high: at }));
    best = { low: leastAt(lows.length - 1, low, (at) => divergenceAt({ low: at, high })), high };
  }
  return edgesOf(best);
}

/** The whole number from 0 to `last` where a function is least, by coarse steps and then fine; `known` if none is lower. */
function leastAt(last: number, known: number, valueAt: (at: number) => number): number {
  let best = known;
  let least = valueAt(known);
  let [from, to] = [0, last];
  for (let step = Math.ceil(last / STEPS); step >= 1; step = step > 1 ? Math.ceil(step / 8) : 0) {
    for (let at = from; at <= to; at += step) {
      const value = valueAt(at);
      if (value < least) [best, least] = [at, value];
    }
    [from, to] = [Math.max(0, best - step), Math.min(last, best + step)];
  }
  return best;
}
