import { forEachBlock, type Keys } from './keys.ts';
import { addLower, BINS, type Boundary, NONE } from './select.ts';

/** The boundary of each of several arrays. */
export interface LayerBoundaries {
  readonly boundaries: readonly Boundary[];
  /** How many elements of each array are not finite; nothing is selected where any are not. */
  readonly unranked: readonly number[];
}

/**
 * The boundaries under which exactly `count` elements of all arrays together lie, those with the lowest layer-adaptive
 * scores: w² over the sum of the squares of the array's elements of at least this magnitude. The score grows with the
 * magnitude, so each array has one boundary. Exact, without sorting: between bins of magnitudes scores are known, so
 * one pass over sums of bins leaves few bins of which single magnitudes are counted in another. All sums are the same
 * for any order of the elements, so that equal arrays score equally.
 * Source: Lee et al., "Layer-adaptive Sparsity for the Magnitude-based Pruning", ICLR 2021.
 * @param arrays magnitude keys
 * @param count at most the number of elements
 */
export function selectLayerAdaptive(arrays: readonly Keys[], count: number): LayerBoundaries {
  const moments: Moments = [new Float64Array(BINS), new Float64Array(BINS), new Float64Array(BINS)];
  const sums = arrays.map((keys) => sumBins(keys, moments));
  const unranked = sums.map((each) => each.unranked);
  if (count === 0 || unranked.some((each) => each > 0)) return { boundaries: arrays.map(() => NONE), unranked };
  const total = (of: (sums: BinSums) => number): number => sums.reduce((all, each) => all + of(each), 0);
  // The score looked for is at least `low` and at most `high`.
  const low = lowestScore((score) => total((each) => each.below[placeAt(each, score) + 1] as number) >= count);
  const high = lowestScore(
    (score) => total((each) => each.below[Math.max(placeAt(each, score), 0)] as number) >= count,
  );
  const ladders = sums.map((each) => ladderOf(each, Math.max(placeAt(each, low), 0), placeAt(each, high)));
  const upTo = (score: number): number => ladders.reduce((all, each) => all + countUpTo(each, score), 0);
  return {
    boundaries: placeBoundaries(
      ladders,
      lowestScore((score) => upTo(score) >= count),
      count,
    ),
    unranked,
  };
}

/** Number of elements in each bin, sum of their lower halves, and of the squares of those: whole numbers. */
type Moments = readonly [counts: Float64Array, offsets: Float64Array, squares: Float64Array];

/** What an array holds in each of its bins that are not empty, ascending; a bin is the upper half of a key. */
interface BinSums {
  readonly keys: Keys;
  readonly bins: readonly number[];
  /** Number of elements below each bin, and at last of all. */
  readonly below: Float64Array;
  /** Sum of the squares from each bin on, and at last 0. */
  readonly energy: Float64Array;
  /** What an element at the very start of each bin would score: those below score less, the others at least this. */
  readonly scores: Float64Array;
  readonly unranked: number;
}

function sumBins(keys: Keys, moments: Moments): BinSums {
  const [counts, offsets, squares] = moments;
  for (const each of moments) each.fill(0);
  forEachBlock(keys, (words) => addMoments(words, keys.mask, counts, offsets, squares));
  const limit = keys.limit >>> 16;
  const bins: number[] = [];
  for (let bin = 0; bin < limit; bin++) if (counts[bin] !== 0) bins.push(bin);
  const below = new Float64Array(bins.length + 1);
  const energy = new Float64Array(bins.length + 1);
  const scores = new Float64Array(bins.length);
  bins.forEach((bin, place) => {
    below[place + 1] = (below[place] as number) + (counts[bin] as number);
  });
  for (let place = bins.length - 1; place >= 0; place--) {
    const bin = bins[place] as number;
    // The magnitudes of a bin are start + offset · step.
    const start = magnitudeOf(bin * BINS);
    const step = magnitudeOf(bin * BINS + 1) - start;
    const [count, sum, square] = [counts[bin] as number, offsets[bin] as number, squares[bin] as number];
    const own = count * start * start + 2 * start * step * sum + step * step * square;
    energy[place] = (energy[place + 1] as number) + own;
    scores[place] = scoreOf(start, energy[place] as number);
  }
  return { keys, bins, below, energy, scores, unranked: keys.length - (below[bins.length] as number) };
}

function addMoments(
  words: Uint32Array,
  mask: number,
  counts: Float64Array,
  offsets: Float64Array,
  squares: Float64Array,
): void {
  for (let i = 0; i < words.length; i++) {
    const key = (words[i] as number) & mask;
    const bin = key >>> 16;
    const offset = key & 0xffff;
    counts[bin] = (counts[bin] as number) + 1;
    offsets[bin] = (offsets[bin] as number) + offset;
    squares[bin] = (squares[bin] as number) + offset * offset;
  }
}

function scoreOf(magnitude: number, energy: number): number {
  return magnitude === 0 ? 0 : (magnitude * magnitude) / energy;
}

const SCRATCH = new DataView(new ArrayBuffer(8));

function magnitudeOf(key: number): number {
  SCRATCH.setUint32(0, key);
  return SCRATCH.getFloat32(0);
}

/** The place of the last bin that starts at or below a score, -1 where none does. */
function placeAt({ scores }: BinSums, score: number): number {
  return countAtMost(scores, score) - 1;
}

/** How many of some ascending numbers are at most this. */
function countAtMost(ascending: Float64Array, bound: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] as number) <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The lowest number from 0 to infinity of which something is true that is true of all higher ones. */
function lowestScore(holds: (score: number) => boolean): number {
  // The bits of positive numbers are in their order.
  let [low, high] = [0n, INFINITE_BITS];
  while (low < high) {
    const middle = (low + high) >> 1n;
    SCRATCH.setBigUint64(0, middle);
    if (holds(SCRATCH.getFloat64(0))) high = middle;
    else low = middle + 1n;
  }
  SCRATCH.setBigUint64(0, low);
  return SCRATCH.getFloat64(0);
}

const INFINITE_BITS = 0x7ff0000000000000n;

/** The magnitudes that occur in some bins of an array, ascending. */
interface Ladder {
  /** Number of elements below the first. */
  readonly below: number;
  readonly keys: Uint32Array;
  readonly scores: Float64Array;
  /** Elements up to and with each. */
  readonly upTo: Float64Array;
  /** A key above the bins and not above those of the elements beyond them. */
  readonly end: number;
}

function ladderOf({ keys: array, bins, below, energy }: BinSums, first: number, last: number): Ladder {
  const histograms = bins.slice(first, last + 1).map((bin) => {
    const counts = new Uint32Array(BINS);
    addLower(array, bin, counts);
    return { bin, counts };
  });
  const length = histograms.reduce((all, { counts }) => all + countFilled(counts), 0);
  const [keys, scores, upTo] = [new Uint32Array(length), new Float64Array(length), new Float64Array(length)];
  let sum = energy[last + 1] as number;
  let left = below[last + 1] as number;
  let at = length;
  for (const { bin, counts } of histograms.reverse()) {
    for (let lower = BINS - 1; lower >= 0; lower--) {
      const count = counts[lower] as number;
      if (count === 0) continue;
      const key = bin * BINS + lower;
      const magnitude = magnitudeOf(key);
      sum += count * magnitude * magnitude;
      at--;
      keys[at] = key;
      scores[at] = scoreOf(magnitude, sum);
      upTo[at] = left;
      left -= count;
    }
  }
  const end = last + 1 < bins.length ? (bins[last + 1] as number) * BINS : array.limit;
  return { below: left, keys, scores, upTo, end };
}

function countFilled(counts: Uint32Array): number {
  let filled = 0;
  for (let i = 0; i < counts.length; i++) if (counts[i] !== 0) filled++;
  return filled;
}

function countUpTo({ scores, upTo, below }: Ladder, score: number): number {
  return upTo[countAtMost(scores, score) - 1] ?? below;
}

/** All elements that score less leave, and of those with this very score as many as are left, of later arrays first. */
function placeBoundaries(ladders: readonly Ladder[], score: number, count: number): Boundary[] {
  let spare = ladders.reduce((all, each) => all + countUpTo(each, score), 0) - count;
  return ladders.map((ladder): Boundary => {
    const rungs = countAtMost(ladder.scores, score);
    const key = ladder.keys[rungs - 1];
    if (key === undefined || ladder.scores[rungs - 1] !== score)
      return { key: ladder.keys[rungs] ?? ladder.end, ties: 0 };
    const tied = countUpTo(ladder, score) - (ladder.upTo[rungs - 2] ?? ladder.below);
    // Ties stay from the first array on.
    const stay = Math.min(spare, tied);
    spare -= stay;
    return stay === 0 ? { key: key + 1, ties: 0 } : { key, ties: tied - stay };
  });
}
