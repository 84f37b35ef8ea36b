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

/** The bfloat16 bits nearest to a number, ties to even. */
export function bfloat16Bits(value: number): number {
  SCRATCH.setFloat32(0, value);
  const word = SCRATCH.getUint32(0);
  if (Number.isNaN(value)) return (word >>> 16) | 0x40;
  return ((word + 0x7fff + ((word >>> 16) & 1)) >>> 16) & 0xffff;
}
