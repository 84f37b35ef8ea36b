import { isPacked, type PackedBits } from './packed.ts';

/** Bytes that are copied at a time where data begin at an odd place. */
const CHUNK = 2 ** 20;

/**
 * Number of elements that are not zero, in little-endian data of one width. Branch-free over unsigned views, since which
 * weights are zero is unpredictable; data that are not aligned are copied by the megabyte.
 *
 * @param bits width of an element: 2 or 4 (several to a byte, the lowest bits first), 8, 16, 32 or 64
 * @param count elements; packed ones may leave bits of the last byte over
 * @param signed whether the highest bit alone is a sign, as in floats, so that -0 counts as zero
 * @throws RangeError for another width
 */
export function countNonZeros(bytes: Uint8Array, bits: number, count: number, signed: boolean): number {
  if (isPacked(bits)) return countPacked(bytes, bits, count, signed);
  if (bits === 8) return countBytes(bytes, signed);
  let found = 0;
  forAligned(bytes, bits / 8, (buffer, offset, length) => {
    switch (bits) {
      case 16:
        found += countWords16(new Uint16Array(buffer, offset, length / 2), signed);
        break;
      case 32:
        found += countWords32(new Uint32Array(buffer, offset, length / 4), signed);
        break;
      case 64:
        found += countWords64(new Uint32Array(buffer, offset, length / 4), signed);
        break;
      default:
        throw new RangeError(`elements of ${bits} bits cannot be counted`);
    }
  });
  return found;
}

/** Calls back with the data where they are aligned for their width, or with one aligned copy after another. */
function forAligned(
  bytes: Uint8Array,
  width: number,
  each: (buffer: ArrayBufferLike, offset: number, length: number) => void,
): void {
  if (bytes.byteOffset % Math.min(width, 4) === 0) {
    each(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return;
  }
  for (let from = 0; from < bytes.byteLength; from += CHUNK) {
    const piece = new Uint8Array(bytes.subarray(from, from + CHUNK));
    each(piece.buffer, 0, piece.byteLength);
  }
}

function countWords32(words: Uint32Array, signed: boolean): number {
  const shift = signed ? 1 : 0;
  let found = 0;
  for (let i = 0; i < words.length; i++) {
    const bits = (words[i] as number) << shift;
    // The sign of a number or of its negative is set for all but zero.
    found += (bits | -bits) >>> 31;
  }
  return found;
}

function countWords64(words: Uint32Array, signed: boolean): number {
  const shift = signed ? 1 : 0;
  let found = 0;
  for (let i = 0; i < words.length; i += 2) {
    const bits = (words[i] as number) | ((words[i + 1] as number) << shift);
    found += (bits | -bits) >>> 31;
  }
  return found;
}

function countWords16(words: Uint16Array, signed: boolean): number {
  const mask = signed ? 0x7fff : 0xffff;
  let found = 0;
  for (let i = 0; i < words.length; i++) found += -((words[i] as number) & mask) >>> 31;
  return found;
}

function countBytes(bytes: Uint8Array, signed: boolean): number {
  const mask = signed ? 0x7f : 0xff;
  let found = 0;
  for (let i = 0; i < bytes.length; i++) found += -((bytes[i] as number) & mask) >>> 31;
  return found;
}

function countPacked(bytes: Uint8Array, bits: PackedBits, count: number, signed: boolean): number {
  const shift = bits === 4 ? 1 : 2;
  const inByte = (1 << shift) - 1;
  const mask = (1 << (signed ? bits - 1 : bits)) - 1;
  let found = 0;
  for (let i = 0; i < count; i++) found += -(((bytes[i >> shift] as number) >> ((i & inByte) * bits)) & mask) >>> 31;
  return found;
}
