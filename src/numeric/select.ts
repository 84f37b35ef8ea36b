import { forEachBlock, type Keys } from './keys.ts';

/** Which elements leave: those with keys below `key`, and `ties` of those with this very key, the last ones. */
export interface Boundary {
  readonly key: number;
  readonly ties: number;
}

/** The boundary of the lowest keys of several arrays. */
export interface Lowest extends Boundary {
  /** How many elements of each array are not finite; nothing is selected where any are not. */
  readonly unranked: readonly number[];
}

/** Nothing leaves. */
export const NONE: Boundary = { key: 0, ties: 0 };

/** Numbers of bins of a histogram over half a key. */
export const BINS = 65_536;

/**
 * The boundary under which exactly `count` elements of all arrays together lie: exact, by two histograms over 16 bits
 * of the keys each. Elements beyond the limit are counted in the pass of the first.
 * @param count at most the number of elements
 */
export function selectLowest(arrays: readonly Keys[], count: number): Lowest {
  const upper = new Uint32Array(BINS);
  const unranked = arrays.map((keys) => {
    const before = countFrom(upper, keys.limit >>> 16);
    addUpper(keys, upper);
    return countFrom(upper, keys.limit >>> 16) - before;
  });
  if (count === 0 || unranked.some((each) => each > 0)) return { ...NONE, unranked };
  const bin = findBin(upper, count);
  const lower = new Uint32Array(BINS);
  for (const keys of arrays) addLower(keys, bin.index, lower);
  const last = findBin(lower, count - bin.below);
  const key = bin.index * BINS + last.index;
  // What is zero already need not leave.
  if (key === 0) return { ...NONE, unranked };
  const ties = count - bin.below - last.below;
  // Where all of one key leave, they lie below the next.
  return ties === lower[last.index] ? { key: key + 1, ties: 0, unranked } : { key, ties, unranked };
}

/** The bin that holds the element of this rank, counted from 1, and how many elements lie in the bins below it. */
function findBin(bins: Uint32Array, rank: number): { readonly index: number; readonly below: number } {
  let below = 0;
  for (let index = 0; index < bins.length; index++) {
    const next = below + (bins[index] as number);
    if (next >= rank) return { index, below };
    below = next;
  }
  throw new RangeError(`There are ${below} elements, not ${rank}.`);
}

function countFrom(bins: Uint32Array, first: number): number {
  let count = 0;
  for (let i = first; i < bins.length; i++) count += bins[i] as number;
  return count;
}

/** Counts elements by the upper halves of their keys. */
export function addUpper(keys: Keys, bins: Uint32Array): void {
  const { mask } = keys;
  // A second table for every other element: equal bins in a row would wait for one another.
  const others = new Uint32Array(BINS);
  forEachBlock(keys, (words) => countUpper(words, mask, bins, others));
  for (let i = 0; i < BINS; i++) bins[i] = (bins[i] as number) + (others[i] as number);
}

function countUpper(words: Uint32Array, mask: number, bins: Uint32Array, others: Uint32Array): void {
  const inFours = words.length - (words.length % 4);
  for (let i = 0; i < inFours; i += 4) {
    const a = ((words[i] as number) & mask) >>> 16;
    const b = ((words[i + 1] as number) & mask) >>> 16;
    const c = ((words[i + 2] as number) & mask) >>> 16;
    const d = ((words[i + 3] as number) & mask) >>> 16;
    bins[a] = (bins[a] as number) + 1;
    others[b] = (others[b] as number) + 1;
    bins[c] = (bins[c] as number) + 1;
    others[d] = (others[d] as number) + 1;
  }
  for (let i = inFours; i < words.length; i++) {
    const bin = ((words[i] as number) & mask) >>> 16;
    bins[bin] = (bins[bin] as number) + 1;
  }
}

/** Counts elements of one bin of upper halves by the lower halves of their keys. */
export function addLower(keys: Keys, upper: number, bins: Uint32Array): void {
  const { mask } = keys;
  forEachBlock(keys, (words) => countLower(words, mask, upper, bins));
}

function countLower(words: Uint32Array, mask: number, upper: number, bins: Uint32Array): void {
  const inFours = words.length - (words.length % 4);
  const count = (word: number): void => {
    const lower = word & 0xffff;
    bins[lower] = (bins[lower] as number) + 1;
  };
  for (let i = 0; i < inFours; i += 4) {
    const a = (words[i] as number) & mask;
    const b = (words[i + 1] as number) & mask;
    const c = (words[i + 2] as number) & mask;
    const d = (words[i + 3] as number) & mask;
    if (a >>> 16 === upper) count(a);
    if (b >>> 16 === upper) count(b);
    if (c >>> 16 === upper) count(c);
    if (d >>> 16 === upper) count(d);
  }
  for (let i = inFours; i < words.length; i++) {
    const key = (words[i] as number) & mask;
    if (key >>> 16 === upper) count(key);
  }
}
