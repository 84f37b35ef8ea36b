import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countNonZeros } from '../../src/numeric/non-zeros.ts';

const seed = Number(process.env['ONNX_PRUNE_SEED'] ?? 1);

const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** The same bytes at a place that no wider number is aligned to. */
function shifted(bytes: Uint8Array): Uint8Array {
  const odd = new Uint8Array(bytes.length + 1).subarray(1);
  odd.set(bytes);
  return odd;
}

describe('what is not zero is counted', () => {
  test.each<[string, ArrayBufferView, number, boolean, number]>([
    ['float32, where -0 is zero and the smallest number is not', Float32Array.of(0, -0, 1, -1, 1e-45), 32, true, 3],
    ['float32 that are not finite', Float32Array.of(Number.NaN, Infinity, -Infinity, 0), 32, true, 3],
    ['float64 by both of their halves', Float64Array.of(0, -0, 1, 5e-324, -5e-324, 2 ** -1000), 64, true, 4],
    ['float16, of which 0x8000 is -0', Uint16Array.of(0, 0x8000, 1, 0x8001, 0xffff), 16, true, 3],
    ['integers of 16 bits, of which 0x8000 is a number', Uint16Array.of(0, 0x8000, 1), 16, false, 2],
    ['integers of 8 bits', Int8Array.of(0, -128, 127, 0), 8, false, 2],
    ['integers of 2 bits', Uint8Array.of(0b11_00_10_01, 0b00_00_00_01), 2, false, 4],
    ['floats of 4 bits, of which 8 is -0', Uint8Array.of(0x80, 0x98), 4, true, 1],
    ['integers of 64 bits', BigInt64Array.of(0n, -(2n ** 63n), 1n), 64, false, 2],
    ['integers of 32 bits', Int32Array.of(0, -(2 ** 31), 1), 32, false, 2],
    ['nothing', new Float32Array(0), 32, true, 0],
  ])('%s', (_, array, bits, signed, expected) => {
    const count = array.byteLength / (bits / 8);
    expect(countNonZeros(bytesOf(array), bits, count, signed)).toBe(expected);
    expect(countNonZeros(shifted(bytesOf(array)), bits, count, signed)).toBe(expected);
  });

  test('integers of 4 bits, but not the half of a byte that is left over', () => {
    const bytes = Uint8Array.of(0x10, 0x02, 0xf3);
    expect(countNonZeros(bytes, 4, 6, false)).toBe(4);
    expect(countNonZeros(bytes, 4, 5, false)).toBe(3);
  });

  test('beyond the size of one copied piece', () => {
    const values = new Float32Array(700_001);
    values.fill(1, 500_000);
    expect(countNonZeros(shifted(bytesOf(values)), 32, values.length, true)).toBe(200_001);
  });

  test('any floats, as comparing them one by one', () => {
    const anyFloat = fc.oneof(fc.constantFrom(0, -0), fc.float());
    const property = fc.property(fc.array(anyFloat), (numbers) => {
      const values = Float32Array.from(numbers);
      const expected = values.filter((value) => value !== 0).length;
      expect(countNonZeros(bytesOf(values), 32, values.length, true)).toBe(expected);
    });
    fc.assert(property, { seed, includeErrorInReport: true });
  });

  test('but not elements of a width that none have', () => {
    expect(() => countNonZeros(new Uint8Array(3), 24, 1, false)).toThrow(RangeError);
  });
});
