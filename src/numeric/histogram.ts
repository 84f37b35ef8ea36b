/** How numbers are spread, on a grid of bins of one width that is anchored at zero. */
export interface Histogram {
  /** Bin i of n counts the finite numbers in [(i − n/2) · width, (i + 1 − n/2) · width). */
  readonly counts: Float64Array;
  /** The least power of two, not below 2^-1022, with which all finite numbers lie in a bin. */
  readonly width: number;
  /** The smallest finite number, exactly; 0 where there is none. */
  readonly min: number;
  /** The largest finite number, exactly; 0 where there is none. */
  readonly max: number;
  /** How many finite numbers there are. */
  readonly count: number;
  /** How many of them are zero. */
  readonly zeros: number;
  /** How many numbers are NaN or infinite. */
  readonly nonFinite: number;
}

/** Of a normal number, so that its inverse is finite. */
const LEAST_WIDTH = 2 ** -1022;
const ALL_BUT_SIGN = 0x7fffffff;

/**
 * Takes a histogram of numbers that come in batches and are not kept. Where a number lies outside the bins, their width doubles
 * until it does not, which joins them two by two: nothing is lost, and the result is the same whatever the order. Only negative
 * float64 numbers less than 2^-1074 of the width, whose quotient vanishes, may be counted with zero.
 */
export class HistogramBuilder {
  readonly #counts: Float64Array;
  /** Counts of one batch, those of every other number apart: many are alike, and would wait for each other. */
  readonly #tally: Uint32Array;
  #width = LEAST_WIDTH;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #count = 0;
  #zeros = 0;
  #nonFinite = 0;

  /** @param bins how many: an even number, four at least */
  constructor(bins = 4096) {
    this.#counts = new Float64Array(bins);
    this.#tally = new Uint32Array(2 * bins);
  }

  /** Counts numbers, at most 2³² of them. */
  add(values: Float32Array | Float64Array): void {
    const extremes = values instanceof Float32Array ? extremesOfSingles(values) : extremesOfDoubles(values);
    if (Number.isFinite(extremes.min) && Number.isFinite(extremes.max)) {
      this.#include(extremes, values.length);
      addCounts(this.#counts, values, { width: this.#width, tally: this.#tally });
    } else if (values.length > 0) {
      const finite = values.filter(Number.isFinite);
      this.#nonFinite += values.length - finite.length;
      this.add(finite);
    }
  }

  /** Of everything so far. */
  get histogram(): Histogram {
    const isEmpty = this.#count === 0;
    return {
      counts: this.#counts.slice(),
      width: this.#width,
      min: isEmpty ? 0 : this.#min,
      max: isEmpty ? 0 : this.#max,
      count: this.#count,
      zeros: this.#zeros,
      nonFinite: this.#nonFinite,
    };
  }

  #include({ min, max, zeros }: Extremes, count: number): void {
    this.#min = Math.min(this.#min, min);
    this.#max = Math.max(this.#max, max);
    this.#zeros += zeros;
    this.#count += count;
    const half = this.#counts.length / 2;
    let doublings = 0;
    for (; this.#min < -half * this.#width || this.#max >= half * this.#width; doublings++) this.#width *= 2;
    if (doublings === 0) return;
    const before = this.#counts.slice();
    this.#counts.fill(0);
    addJoined(this.#counts, before, doublings);
  }
}

/** Adds what numbers count in bins of a width that they fit in. @param tally twice as long as the counts */
function addCounts(
  counts: Float64Array,
  values: Float32Array | Float64Array,
  { width, tally }: { readonly width: number; readonly tally: Uint32Array },
): void {
  const bins = counts.length;
  const half = bins / 2;
  const inverse = 1 / width;
  tally.fill(0);
  for (let i = 0; i < values.length; i++) {
    // Only rounding down to a whole number before anything is added keeps the smallest negative numbers below zero.
    const at = (Math.floor((values[i] as number) * inverse) | 0) + half + (i & 1) * bins;
    tally[at] = (tally[at] as number) + 1;
  }
  for (let bin = 0; bin < bins; bin++)
    counts[bin] = (counts[bin] as number) + (tally[bin] as number) + (tally[bin + bins] as number);
}

/** Adds the counts of bins to those of bins whose width was doubled some times more. */
function addJoined(counts: Float64Array, narrow: Float64Array, doublings: number): void {
  const half = counts.length / 2;
  // The sign is what a shift by more would leave, too.
  const shift = Math.min(doublings, 31);
  for (let bin = 0; bin < narrow.length; bin++) {
    const at = ((bin - half) >> shift) + half;
    counts[at] = (counts[at] as number) + (narrow[bin] as number);
  }
}

interface Extremes {
  readonly min: number;
  readonly max: number;
  readonly zeros: number;
}

/**
 * The extremes of float32 numbers, one of them not finite where a number is not. Looks at their bits: taken as integers they are
 * in the order of the numbers once those of negative ones are turned over, and integers are compared several times as fast.
 */
function extremesOfSingles(values: Float32Array): Extremes {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length);
  let min = ALL_BUT_SIGN;
  let max = ~ALL_BUT_SIGN;
  let zeros = 0;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as number;
    const place = inOrder(word);
    if (place < min) min = place;
    if (place > max) max = place;
    zeros = (zeros + (((word & ALL_BUT_SIGN) - 1) >>> 31)) | 0;
  }
  const ends = new Float32Array(Int32Array.of(inOrder(min), inOrder(max)).buffer);
  // Zero has two signs, and need not have the negative one.
  return { min: (ends[0] as number) + 0, max: (ends[1] as number) + 0, zeros };
}

/** The place of the bits of a float32 number among all of them, and the bits of such a place. */
function inOrder(word: number): number {
  return word ^ ((word >> 31) & ALL_BUT_SIGN);
}

/** The extremes of float64 numbers, NaN where a number is. */
function extremesOfDoubles(values: Float64Array): Extremes {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let zeros = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    min = Math.min(min, value);
    max = Math.max(max, value);
    if (value === 0) zeros++;
  }
  return { min: min + 0, max: max + 0, zeros };
}
