/**
 * Sparse tensors in coordinate form: positions in the flattened tensor, 64-bit little-endian, and the elements there.
 * Elements are moved as bits, so that NaN and -0 come through as they are, and only all-zero bits are left out.
 */

/** Views of elements as unsigned words, the widest that their bytes allow. */
interface Words {
  readonly words: Uint8Array | Uint16Array | Uint32Array;
  /** Words to an element. */
  readonly each: number;
}

/** Positions and elements of what is not zero; both little-endian. */
export interface Coordinates {
  /** int64, ascending. */
  readonly indices: Uint8Array;
  readonly values: Uint8Array;
}

/** Number of elements that have any bit set. @param width bytes of an element: 1, 2, 4, 8 or 16 */
export function countStored(bytes: Uint8Array, width: number): number {
  const { words, each } = wordsOf(bytes, width);
  let found = 0;
  if (each === 1) {
    for (let i = 0; i < words.length; i++) {
      const bits = words[i] as number;
      found += (bits | -bits) >>> 31;
    }
    return found;
  }
  for (let i = 0; i < words.length; i += each) {
    let bits = 0;
    for (let k = 0; k < each; k++) bits |= words[i + k] as number;
    found += (bits | -bits) >>> 31;
  }
  return found;
}

/**
 * The elements that have any bit set, and their positions.
 * @param width bytes of an element: 1, 2, 4, 8 or 16
 * @param stored how many they are, from {@link countStored}
 */
export function gatherStored(bytes: Uint8Array, width: number, stored: number): Coordinates {
  const { words, each } = wordsOf(bytes, width);
  // One place more, for what follows the last element is written before it is known to be zero.
  const indices = new Uint32Array((stored + 1) * 2);
  const values = new Uint8Array((stored + 1) * width);
  const kept = wordsOf(values, width).words;
  const count = words.length / each;
  let place = 0;
  if (each === 1) {
    for (let i = 0; i < count; i++) {
      const bits = words[i] as number;
      kept[place] = bits;
      indices[place * 2] = i;
      place += (bits | -bits) >>> 31;
    }
  } else {
    for (let i = 0; i < count; i++) {
      let bits = 0;
      for (let k = 0; k < each; k++) {
        const word = words[i * each + k] as number;
        kept[place * each + k] = word;
        bits |= word;
      }
      indices[place * 2] = i;
      place += (bits | -bits) >>> 31;
    }
  }
  return { indices: new Uint8Array(indices.buffer, 0, stored * 8), values: values.subarray(0, stored * width) };
}

/**
 * A tensor of zeros with elements put at their positions.
 * @param positions in range; one for each element
 * @param width bytes of an element: 1, 2, 4, 8 or 16
 * @param count elements of the whole tensor
 */
export function scatterStored(
  positions: Float64Array | Uint32Array,
  values: Uint8Array,
  width: number,
  count: number,
): Uint8Array {
  const dense = new Uint8Array(count * width);
  const { words: target, each } = wordsOf(dense, width);
  const { words: source } = wordsOf(values, width);
  if (each === 1) {
    for (let i = 0; i < positions.length; i++) target[positions[i] as number] = source[i] as number;
    return dense;
  }
  for (let i = 0; i < positions.length; i++) {
    const at = (positions[i] as number) * each;
    for (let k = 0; k < each; k++) target[at + k] = source[i * each + k] as number;
  }
  return dense;
}

/** A view of the data where they are aligned, else of a copy. */
function wordsOf(bytes: Uint8Array, width: number): Words {
  const unit = Math.min(width, 4);
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % unit === 0 ? bytes : new Uint8Array(bytes);
  const each = width / unit;
  if (unit === 4) return { words: new Uint32Array(buffer, byteOffset, byteLength / 4), each };
  if (unit === 2) return { words: new Uint16Array(buffer, byteOffset, byteLength / 2), each };
  return { words: bytes, each };
}
