import { BLOCK } from './blocks.ts';
import type { FloatType } from './float-bytes.ts';
import { forEachBlock, type Keys } from './keys.ts';
import type { Strides } from './slices.ts';
import { isBelow, isZero, type Zeros, zeroFlagged } from './zero.ts';

/** Of every `of` consecutive positions along an axis at most `keep` are not zero. */
export interface Pattern {
  readonly keep: number;
  readonly of: number;
}

/**
 * Overwrites all but the highest keys of every run of positions along an axis with zeros, in place; of equal keys the
 * later positions leave first. What is zero already keeps its bits.
 * Source of the form for 2:4: Mishra et al., "Accelerating Sparse Deep Neural Networks", 2021.
 * @param bytes little-endian elements of the type, aligned or not
 * @param strides around the axis, whose length is a multiple of `pattern.of`
 */
export function zeroPattern(
  type: FloatType,
  bytes: Uint8Array,
  keys: Keys,
  { inner }: Strides,
  pattern: Pattern,
): Zeros {
  // Runs of positions lie end to end, whatever the length of the axis: it is a multiple of theirs.
  const stretch = pattern.of * inner;
  const length = stretch * Math.max(1, Math.floor(BLOCK / stretch));
  const flags = new Uint8Array(Math.min(length, keys.length));
  const flag = pattern.of === 4 ? flagFours : flagRuns;
  let before = 0;
  let added = 0;
  forEachBlock(
    keys,
    (words, from) => {
      flag(words, keys.mask, inner, pattern, flags);
      const block = flags.subarray(0, words.length);
      before += countZeros(words, keys.mask);
      added += zeroFlagged(type, bytes, from, block);
    },
    length,
  );
  return { before, added };
}

function countZeros(words: Uint32Array, mask: number): number {
  let zeros = 0;
  for (let i = 0; i < words.length; i++) zeros += isZero((words[i] as number) & mask);
  return zeros;
}

/** Flags, run by run, the elements that are not zero and before which enough others come. */
type Flag = (words: Uint32Array, mask: number, inner: number, pattern: Pattern, flags: Uint8Array) => void;

const flagRuns: Flag = (words, mask, inner, { keep, of }, flags) => {
  const keys = new Uint32Array(of);
  const ranks = new Uint32Array(of);
  for (let base = 0; base < words.length; base += of * inner) {
    for (let at = base; at < base + inner; at++) {
      for (let i = 0; i < of; i++) keys[i] = (words[at + i * inner] as number) & mask;
      rank(keys, ranks);
      for (let i = 0; i < of; i++) {
        flags[at + i * inner] = (ranks[i] as number) >= keep ? 1 - isZero(keys[i] as number) : 0;
      }
    }
  }
};

/** How many of some keys come before each: higher ones, and equal ones that stand earlier. */
function rank(keys: Uint32Array, ranks: Uint32Array): void {
  ranks.fill(0);
  for (let later = 1; later < keys.length; later++) {
    const key = keys[later] as number;
    let own = later;
    for (let earlier = 0; earlier < later; earlier++) {
      const outranks = -isBelow(keys[earlier] as number, key);
      ranks[earlier] = (ranks[earlier] as number) + outranks;
      own -= outranks;
    }
    ranks[later] = own;
  }
}

/** The same for runs of four, which hardware knows: no loops and no branches inside, two fifths of the time. */
const flagFours: Flag = (words, mask, inner, { keep }, flags) => {
  for (let base = 0; base < words.length; base += 4 * inner) {
    for (let at = base; at < base + inner; at++) {
      const a = (words[at] as number) & mask;
      const b = (words[at + inner] as number) & mask;
      const c = (words[at + 2 * inner] as number) & mask;
      const d = (words[at + 3 * inner] as number) & mask;
      // -1 where the second outranks the first.
      const ab = isBelow(a, b);
      const ac = isBelow(a, c);
      const ad = isBelow(a, d);
      const bc = isBelow(b, c);
      const bd = isBelow(b, d);
      const cd = isBelow(c, d);
      // A rank less what is kept is negative where the element stays.
      flags[at] = (((-ab - ac - ad - keep) >>> 31) ^ 1) & (1 - isZero(a));
      flags[at + inner] = (((1 + ab - bc - bd - keep) >>> 31) ^ 1) & (1 - isZero(b));
      flags[at + 2 * inner] = (((2 + ac + bc - cd - keep) >>> 31) ^ 1) & (1 - isZero(c));
      flags[at + 3 * inner] = (((3 + ad + bd + cd - keep) >>> 31) ^ 1) & (1 - isZero(d));
    }
  }
};
