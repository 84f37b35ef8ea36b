import { type Keep, take } from './take.ts';

/** Widths in bits of elements that share a byte. */
export type PackedBits = 2 | 4;

/** Whether elements of a width share their bytes. */
export function isPacked(bits: number): bits is PackedBits {
  return bits === 2 || bits === 4;
}

/**
 * The elements of packed data, one to a byte and without a sign: the first has the lowest bits of its byte.
 * Source: onnx.proto, message TensorProto, field int32_data: "uint4 and int4 values must be packed to 4bitx2, the first
 * nibble is stored in the LSB", and likewise four of 2 bits.
 *
 * @param count elements; the last byte may have room for more
 */
export function unpackCodes(bytes: Uint8Array, bits: PackedBits, count: number): Uint8Array {
  const codes = new Uint8Array(count);
  const shift = bits === 4 ? 1 : 2;
  const inByte = (1 << shift) - 1;
  const mask = (1 << bits) - 1;
  for (let i = 0; i < count; i++) codes[i] = ((bytes[i >> shift] as number) >> ((i & inByte) * bits)) & mask;
  return codes;
}

/** The same with signs: two's complement of as many bits. */
export function unpackSigned(bytes: Uint8Array, bits: PackedBits, count: number): Int8Array {
  const codes = unpackCodes(bytes, bits, count);
  const signed = new Int8Array(codes.buffer);
  const unused = 8 - bits;
  for (let i = 0; i < count; i++) signed[i] = ((codes[i] as number) << (24 + unused)) >> (24 + unused);
  return signed;
}

/** Elements one to a byte as packed data, of which only the lowest bits count; what fills the last byte is zero. */
export function packCodes(codes: Uint8Array, bits: PackedBits): Uint8Array {
  const shift = bits === 4 ? 1 : 2;
  const inByte = (1 << shift) - 1;
  const mask = (1 << bits) - 1;
  const bytes = new Uint8Array(Math.ceil((codes.length * bits) / 8));
  for (let i = 0; i < codes.length; i++) {
    bytes[i >> shift] = (bytes[i >> shift] as number) | (((codes[i] as number) & mask) << ((i & inByte) * bits));
  }
  return bytes;
}

/**
 * Keeps the given indices along some axes of a row-major array of packed elements, as {@link take} does: rows need not
 * begin with a byte.
 */
export function takePacked(
  bytes: Uint8Array,
  dims: readonly number[],
  bits: PackedBits,
  keeps: readonly Keep[],
): Uint8Array {
  const count = dims.reduce((product, dim) => product * dim, 1);
  const codes = unpackCodes(bytes, bits, count);
  return packCodes(take(codes, dims, 1, keeps, codes), bits);
}
