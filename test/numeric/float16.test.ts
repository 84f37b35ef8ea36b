import { describe, expect, test } from 'vitest';
import { float32ToFloat16, largestMagnitude, roundingSquares } from '../../src/numeric/float16.ts';
import { seededRandom } from '../../src/numeric/random.ts';
import { toFloat16 } from '../support/build-tensor.ts';

/** The bits of float32 numbers by a conversion of another kind. */
const slowly = (values: Float32Array): Uint16Array => Uint16Array.from(values, toFloat16);

const ofWords = (words: Uint32Array): Float32Array => new Float32Array(words.buffer);

describe('float32 to float16', () => {
  test.each([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [65519.996, 0x7bff],
    [65520, 0x7c00],
    [-Infinity, 0xfc00],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [2 ** -25 * 1.0000001, 0x0001],
    [1.5 * 2 ** -24, 0x0002],
    [1e-45, 0x0000],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [2047 * 2 ** -25, 0x0400],
  ])('%d', (value, bits) => {
    expect([...float32ToFloat16(Float32Array.of(value))]).toEqual([bits]);
  });

  test('NaN stays NaN', () => {
    const [bits = 0] = float32ToFloat16(Float32Array.of(Number.NaN));
    expect(bits & 0x7c00).toBe(0x7c00);
    expect(bits & 0x03ff).not.toBe(0);
  });

  test('random bits of all sizes, numbers as small as the smallest, and all ties', () => {
    const random = seededRandom(11);
    const any = Uint32Array.from({ length: 200_000 }, () => Math.floor(random.uniform() * 2 ** 32));
    const small = Uint32Array.from({ length: 200_000 }, (_, i) => 0x32000000 + i * 613);
    // Bits of halves of every step between neighbours, and their own neighbours.
    const ties = Uint32Array.from({ length: 31 * 1024 * 3 }, (_, i) => {
      const half = Math.floor(i / 3);
      return 0x38000000 + half * 0x2000 + 0x1000 + ((i % 3) - 1);
    });
    for (const words of [any, small, ties]) {
      const values = ofWords(words).filter((value) => !Number.isNaN(value));
      expect(Buffer.compare(Buffer.from(float32ToFloat16(values).buffer), Buffer.from(slowly(values).buffer))).toBe(0);
    }
  });
});

test('the largest magnitude is that of the farthest from zero, and NaN where there is one', () => {
  expect(largestMagnitude(Float32Array.of(1, -3, 2, -0))).toBe(3);
  expect(largestMagnitude(Float32Array.of(1, -Infinity))).toBe(Infinity);
  expect(largestMagnitude(Float32Array.of(Number.NaN, Infinity))).toBeNaN();
  expect(largestMagnitude(new Float32Array(0))).toBe(0);
});

test('what rounding takes is summed slice by slice', () => {
  const values = Float32Array.of(1, 1 + 2 ** -12, 3, 4, 2 ** -26, 0);
  const { errors, numbers } = roundingSquares(values, float32ToFloat16(values), 3);
  expect([...errors]).toEqual([2 ** -24, 0, 2 ** -52]);
  expect([...numbers]).toEqual([1 + (1 + 2 ** -12) ** 2, 25, 2 ** -52]);
});
