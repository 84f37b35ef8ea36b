import type { Strides } from './slices.ts';

/** Elements as whole numbers of their width. */
export type Words = Uint8Array | Uint16Array | Uint32Array;

/**
 * Flags the slices along an axis in which every element is zero, with 1. Elements of floating-point types are zero whatever
 * their sign: their highest bit does not count.
 *
 * @param words the elements' bits; `perElement` words make an element, of which the last has the sign (little endian)
 */
export function zeroSlices(words: Words, { outer, size, inner }: Strides, perElement = 1): Uint8Array {
  const width = words.BYTES_PER_ELEMENT * 8;
  // Shifted up by one bit, a word loses its sign.
  const magnitude = width === 32 ? 0x7fffffff : 2 ** (width - 1) - 1;
  const seen = new Uint32Array(size);
  const length = inner * perElement;
  let at = 0;
  for (let block = 0; block < outer; block++) {
    if (length === 1) {
      for (let i = 0; i < size; i++, at++) seen[i] = (seen[i] as number) | ((words[at] as number) & magnitude);
      continue;
    }
    for (let i = 0; i < size; i++) {
      let bits = 0;
      if (perElement === 1) for (const end = at + length; at < end; at++) bits |= words[at] as number;
      else {
        for (let k = 0; k < length; k++, at++)
          bits |= (words[at] as number) & (k % perElement === perElement - 1 ? magnitude : -1);
      }
      seen[i] = (seen[i] as number) | (perElement === 1 ? bits & magnitude : bits);
    }
  }
  return Uint8Array.from(seen, (bits) => (bits === 0 ? 1 : 0));
}
