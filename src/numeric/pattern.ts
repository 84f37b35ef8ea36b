import { BLOCK } from './blocks.ts';
import type { FloatType } from './float-bytes.ts';
import { forEachBlock, type Keys } from './keys.ts';
import type { Strides } from './slices.ts';
import { type Zeros, zeroFlagged } from './zero.ts';

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
  const ranked = new Uint32Array(pattern.of);
  const ranks = new Uint32Array(pattern.of);
  let before = 0;
  let added = 0;
  forEachBlock(
    keys,
    (words, from) => {
      for (let base = 0; base < words.length; base += stretch) {
        for (let at = base; at < base + inner; at++) {
          for (let i = 0; i < pattern.of; i++) ranked[i] = ((words[at + i * inner] as number) & keys.mask) >>> 0;
          rank(ranked, ranks);
          for (let i = 0; i < pattern.of; i++) {
            const isZero = ranked[i] === 0;
            const leaves = !isZero && (ranks[i] as number) >= pattern.keep;
            before += isZero ? 1 : 0;
            added += leaves ? 1 : 0;
            flags[at + i * inner] = leaves ? 1 : 0;
          }
        }
      }
      zeroFlagged(type, bytes, from, flags.subarray(0, words.length));
    },
    length,
  );
  return { before, added };
}

/** How many of some keys come before each: higher ones, and equal ones that stand earlier. */
function rank(keys: Uint32Array, ranks: Uint32Array): void {
  ranks.fill(0);
  for (let later = 1; later < keys.length; later++) {
    const key = keys[later] as number;
    let own = 0;
    for (let earlier = 0; earlier < later; earlier++) {
      const outranks = (keys[earlier] as number) < key ? 1 : 0;
      ranks[earlier] = (ranks[earlier] as number) + outranks;
      own += 1 - outranks;
    }
    ranks[later] = own;
  }
}
