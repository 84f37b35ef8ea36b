import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { float16Bits } from '../../src/numeric/float16.ts';
import type { HostTensor, OutputComparison } from '../../src/runtime/index.ts';
import { OutputMeasure } from '../../src/runtime/measure.ts';
import { quantile } from '../../src/runtime/quantile.ts';
import { floats } from './models.ts';

function measure(...batches: readonly (readonly [HostTensor, HostTensor | undefined])[]): OutputComparison {
  const output = new OutputMeasure('y');
  for (const [a, b] of batches) output.add(a, b);
  return output.result();
}

describe('OutputMeasure', () => {
  test('closed forms', () => {
    const result = measure([floats([1, 2], [3, 4]), floats([1, 2], [4, 3])]);
    expect(result).toMatchObject({
      name: 'y',
      type: 'float32',
      dims: [1, 2],
      count: 2,
      identical: false,
      mismatches: 2,
    });
    expect(result.cosine).toBeCloseTo(24 / 25, 15);
    expect(result.relativeL2).toBeCloseTo(Math.SQRT2 / 5, 15);
    expect(result.maxAbsError).toBe(1);
    expect(result.maxAbsReference).toBe(4);
    expect(result.argmaxAgreement).toBe(0);
  });

  test('batches add up to the same as one batch', () => {
    const numbers = fc.array(
      fc.tuple(fc.float({ noNaN: true, min: -9, max: 9 }), fc.float({ noNaN: true, min: -9, max: 9 })),
      {
        minLength: 2,
        maxLength: 20,
      },
    );
    fc.assert(
      fc.property(numbers, fc.nat(), (pairs, at) => {
        const column = (rows: typeof pairs, side: 0 | 1): HostTensor =>
          floats(
            [rows.length, 1],
            rows.map((row) => row[side]),
          );
        const cut = 1 + (at % (pairs.length - 1));
        const [head, tail] = [pairs.slice(0, cut), pairs.slice(cut)];
        const whole = measure([column(pairs, 0), column(pairs, 1)]);
        const parts = measure([column(head, 0), column(head, 1)], [column(tail, 0), column(tail, 1)]);
        expect(parts).toEqual({ ...whole, dims: [tail.length, 1] });
      }),
    );
  });

  test('the same tensor is identical, NaN and infinities included', () => {
    const tensor = floats([4], [1, Number.NaN, Number.POSITIVE_INFINITY, -2]);
    const result = measure([tensor, tensor]);
    expect(result).toMatchObject({ identical: true, cosine: 1, relativeL2: 0, maxAbsError: 0, maxAbsReference: 2 });
    expect(result.nonFinite).toEqual({ a: 2, b: 2, agree: true });
  });

  test.each([
    [[Number.NaN, 1], [1, Number.NaN], 1, 1],
    [[Number.POSITIVE_INFINITY, 1], [Number.NEGATIVE_INFINITY, 1], 1, 1],
    [[Number.NaN, 1], [Number.POSITIVE_INFINITY, 1], 1, 1],
    [[0, 1], [Number.NaN, 1], 0, 1],
  ])('%j against %j: the patterns disagree', (a, b, countA, countB) => {
    expect(measure([floats([2], a), floats([2], b)]).nonFinite).toEqual({ a: countA, b: countB, agree: false });
  });

  test('zeros have cosine 1 with zeros and 0 with anything else', () => {
    const zero = floats([1, 1], [0]);
    const one = floats([1, 1], [1]);
    expect(measure([zero, zero])).toMatchObject({ cosine: 1, relativeL2: 0, constant: true });
    expect(measure([zero, one])).toMatchObject({ cosine: 0, relativeL2: Number.POSITIVE_INFINITY });
    expect(measure([one, zero])).toMatchObject({ cosine: 0, relativeL2: 1 });
  });

  test('rows of length 1 have no argmax', () => {
    expect(measure([floats([3, 1], [1, 2, 3]), floats([3, 1], [1, 2, 3])]).argmaxAgreement).toBeUndefined();
  });

  test('argmax agreement counts rows, the first of equal maxima', () => {
    const a = floats([2, 2, 2], [1, 0, 0, 1, 5, 5, 2, 3]);
    const b = floats([2, 2, 2], [1, 0, 1, 0, 5, 4, 2, 3]);
    expect(measure([a, b]).argmaxAgreement).toBe(3 / 4);
  });

  test('constant means over all batches', () => {
    const one = floats([2], [1, 1]);
    expect(measure([one, one], [one, one]).constant).toBe(true);
    expect(measure([one, one], [floats([2], [1, 2]), one]).constant).toBe(false);
    expect(measure([floats([2], [Number.NaN, Number.NaN]), one]).constant).toBe(true);
  });

  test('float16 is compared by value', () => {
    const half = (values: number[]): HostTensor => ({
      type: 'float16',
      dims: [values.length],
      data: Uint16Array.from(values, float16Bits),
    });
    expect(measure([half([1, -0.5]), half([1, 0.25])])).toMatchObject({
      maxAbsError: 0.75,
      maxAbsReference: 1,
      mismatches: 1,
    });
    expect(measure([half([0]), half([-0])]).identical).toBe(true);
  });

  test.each<[string, HostTensor, HostTensor, number?]>([
    [
      'int64',
      { type: 'int64', dims: [3], data: BigInt64Array.of(1n, 2n, 3n) },
      { type: 'int64', dims: [3], data: BigInt64Array.of(1n, 9n, 3n) },
      7,
    ],
    [
      'bool',
      { type: 'bool', dims: [3], data: Uint8Array.of(1, 0, 1) },
      { type: 'bool', dims: [3], data: Uint8Array.of(1, 1, 1) },
      1,
    ],
    [
      'string',
      { type: 'string', dims: [3], data: ['a', 'b', 'c'] },
      { type: 'string', dims: [3], data: ['a', 'x', 'c'] },
    ],
  ])('%s elements are equal or not, and have a difference where they are numbers', (_, a, b, maxAbsError) => {
    expect(measure([a, b])).toMatchObject({
      count: 3,
      mismatches: 1,
      identical: false,
      cosine: undefined,
      maxAbsError,
    });
    expect(measure([a, a])).toMatchObject({ mismatches: 0, identical: true });
  });

  test('other shapes, other types and missing outputs are reported, and the other batches still count', () => {
    const a = floats([2], [1, 2]);
    expect(measure([a, floats([1, 2], [1, 2])])).toMatchObject({
      problem: 'shape [2] against [1, 2]',
      identical: false,
      count: 0,
    });
    expect(measure([a, { type: 'int32', dims: [2], data: Int32Array.of(1, 2) }]).problem).toBe(
      'type float32 against int32',
    );
    expect(measure([a, undefined]).problem).toMatch(/no such output/);
    expect(measure([a, undefined], [a, a])).toMatchObject({ count: 2, identical: false });
  });
});

test('quantile interpolates between neighbours', () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(quantile([5, 1], 0.1)).toBeCloseTo(1.4, 12);
  expect(quantile([7], 0.9)).toBe(7);
  expect(quantile([], 0.5)).toBeNaN();
});
