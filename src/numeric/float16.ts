/**
 * 16-bit floating point, stored as raw bits in `Uint16Array` (Node 20 has no Float16Array).
 * Formats: IEEE 754-2008 binary16; bfloat16 is the upper half of a binary32.
 */

const SCRATCH = new DataView(new ArrayBuffer(4));

/** Exact value of every binary16 bit pattern, built on first use: 65,536 floats, 256 KiB. */
let halfTable: Float32Array | undefined;

function buildHalfTable(): Float32Array {
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const magnitude =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent === 31
          ? fraction === 0
            ? Infinity
            : NaN
          : (1 + fraction / 1024) * 2 ** (exponent - 15);
    table[bits] = bits & 0x8000 ? -magnitude : magnitude;
  }
  return table;
}

/** Widens binary16 bits to float32, exactly. */
export function float16ToFloat32(bits: Uint16Array): Float32Array {
  halfTable ??= buildHalfTable();
  const table = halfTable;
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i] as number] as number;
  return out;
}

/** Widens bfloat16 bits to float32, exactly. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  const words = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) words[i] = (bits[i] as number) << 16;
  return out;
}

/** The binary16 bits nearest to a number, ties to even; beyond the range ±Infinity. */
export function float16Bits(value: number): number {
  SCRATCH.setFloat32(0, value);
  const word = SCRATCH.getUint32(0);
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal: the value in steps of 2^-24, rounded to even by the float64 addition of 2^52.
    SCRATCH.setUint32(0, magnitude);
    const steps = SCRATCH.getFloat32(0) * 2 ** 24 + 2 ** 52 - 2 ** 52;
    return sign | steps;
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

/** Largest finite number of binary16. */
export const LARGEST_FLOAT16 = 65504;

/**
 * The binary16 bits nearest to float32 numbers, ties to even, as {@link float16Bits} gives them one by one: beyond the
 * range ±Infinity, and NaN for NaN.
 */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  const sum = new Float32Array(1);
  const sumBits = new Uint32Array(sum.buffer);
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as number;
    const magnitude = word & 0x7fffffff;
    let bits: number;
    if (magnitude >= 0x38800000 && magnitude < 0x477ff000) {
      bits = (magnitude + 0xfff + ((magnitude >>> 13) & 1) - 0x38000000) >>> 13;
    } else if (magnitude < 0x38800000) {
      // Subnormal: next to 0.5, float32 numbers are as far apart as these, so that the addition rounds to even.
      sum[0] = Math.abs(values[i] as number) + 0.5;
      bits = (sumBits[0] as number) - 0x3f000000;
    } else {
      bits = magnitude > 0x7f800000 ? 0x7e00 : 0x7c00;
    }
    out[i] = ((word >>> 16) & 0x8000) | bits;
  }
  return out;
}

/** Largest absolute value; Infinity where there is one, and NaN where there is any. */
export function largestMagnitude(values: Float32Array): number {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const largest = new Uint32Array(1);
  let most = 0;
  for (let i = 0; i < words.length; i++) most = Math.max(most, (words[i] as number) & 0x7fffffff);
  largest[0] = most;
  return new Float32Array(largest.buffer)[0] as number;
}

/** Sums of squares of slices that lie one after the other: of what rounding took away, and of the numbers themselves. */
export interface RoundingSquares {
  readonly errors: Float64Array;
  readonly numbers: Float64Array;
}

/**
 * How far binary16 bits are from the float32 numbers that they stand for, slice by slice.
 * @param slices how many slices of one length the numbers are cut into
 */
export function roundingSquares(values: Float32Array, bits: Uint16Array, slices: number): RoundingSquares {
  halfTable ??= buildHalfTable();
  const table = halfTable;
  const errors = new Float64Array(slices);
  const numbers = new Float64Array(slices);
  const length = values.length / slices;
  for (let slice = 0, i = 0; slice < slices; slice++) {
    let error = 0;
    let number = 0;
    for (const end = i + length; i < end; i++) {
      const value = values[i] as number;
      const lost = value - (table[bits[i] as number] as number);
      error += lost * lost;
      number += value * value;
    }
    errors[slice] = error;
    numbers[slice] = number;
  }
  return { errors, numbers };
}

/** The bfloat16 bits nearest to a number, ties to even. */
export function bfloat16Bits(value: number): number {
  SCRATCH.setFloat32(0, value);
  const word = SCRATCH.getUint32(0);
  if (Number.isNaN(value)) return (word >>> 16) | 0x40;
  return ((word + 0x7fff + ((word >>> 16) & 1)) >>> 16) & 0xffff;
}
