import type { Strides } from './slices.ts';

/** Elements as whole numbers of their width. */
export type Words = Uint8Array | Uint16Array | Uint32Array;

/**
 * Flags the slices along an axis in which every element is zero, with 1. Elements of floating-point types are zero whatever
 * their sign: their highest bit does not count. Each slice is read up to its first element that is not zero, so that a
 * dense array costs no more than its slices.
 *
 * @param words the elements' bits; `perElement` words make an element, of which the last has the sign (little endian)
 */
export function zeroSlices(words: Words, { outer, size, inner }: Strides, perElement = 1): Uint8Array {
  const width = words.BYTES_PER_ELEMENT * 8;
  const magnitude = width === 32 ? 0x7fffffff : 2 ** (width - 1) - 1;
  const length = inner * perElement;
  const isZero = new Uint8Array(size).fill(1);
  // The slices that were zero so far; most of them drop out in the first block.
  const open = Uint32Array.from({ length: size }, (_, i) => i);
  let count = length === 0 || outer === 0 ? 0 : size;
  for (let block = 0; block < outer && count > 0; block++) {
    let left = 0;
    for (let k = 0; k < count; k++) {
      const slice = open[k] as number;
      const from = (block * size + slice) * length;
      if (isZeroRun(words, from, from + length, perElement, magnitude)) open[left++] = slice;
      else isZero[slice] = 0;
    }
    count = left;
  }
  return isZero;
}

function isZeroRun(words: Words, from: number, to: number, perElement: number, magnitude: number): boolean {
  if (perElement === 1) {
    for (let at = from; at < to; at++) if (((words[at] as number) & magnitude) !== 0) return false;
    return true;
  }
  for (let at = from; at < to; at++) {
    const hasSign = (at - from) % perElement === perElement - 1;
    if (((words[at] as number) & (hasSign ? magnitude : -1)) !== 0) return false;
  }
  return true;
}
