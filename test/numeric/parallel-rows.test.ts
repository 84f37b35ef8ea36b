import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findParallels } from '../../src/numeric/parallel-rows.ts';
import { stridesOf } from '../../src/numeric/slices.ts';
import { zeroSlices } from '../../src/numeric/zero-slices.ts';
import { createRandom } from '../support/random.ts';

const seed = Number(process.env['ONNX_PRUNE_SEED'] ?? 1);

/** Rows of dims [d0, d1, d2] along an axis, some planted; `plan[r]` is undefined, 0, or the row that r is a multiple of. */
function planted(
  dims: readonly number[],
  axis: number,
  plan: readonly (number | undefined)[],
  factors: readonly number[],
) {
  const random = createRandom(3);
  const { outer, size, inner } = stridesOf(dims, axis);
  const data = Float32Array.from({ length: outer * size * inner }, () => random.normal());
  const last = Float64Array.from({ length: size }, () => random.normal());
  for (let row = 0; row < size; row++) {
    const of = plan[row];
    if (of === undefined) continue;
    const factor = factors[row] ?? 1;
    for (let block = 0; block < outer; block++) {
      for (let k = 0; k < inner; k++)
        data[(block * size + row) * inner + k] = factor * (data[(block * size + of) * inner + k] as number);
    }
    last[row] = factor * (last[of] as number);
  }
  const whole = { factors: new Float64Array(size).fill(1), classes: new Int32Array(size) };
  return { data, strides: { outer, size, inner }, last, ...whole };
}

describe('rows that are multiples of one another', () => {
  test.each([0, 1, 2])('are found along axis %i, with the first as the leader', (axis) => {
    const dims = [6, 6, 6];
    const rows = planted(dims, axis, [undefined, undefined, 0, undefined, 1, 0], [1, 1, 2, 1, 1.7, 0.3]);
    const { first, multiple, isZero } = findParallels(rows, 2 ** -22);
    expect([...first]).toEqual([0, 1, 0, 3, 1, 0]);
    expect([...isZero]).toEqual([0, 0, 0, 0, 0, 0]);
    [1, 1, 2, 1, 1.7, 0.3].forEach((factor, row) => {
      expect(multiple[row]).toBeCloseTo(factor, 6);
    });
  });

  test('by negative numbers are none, nor those whose last element is another, nor those of other classes', () => {
    const plan = [undefined, 0, 0, 0];
    const rows = planted([4, 5], 0, plan, [1, -1, 2, 2]);
    rows.last[2] = 7;
    rows.classes[3] = 1;
    expect([...findParallels(rows, 2 ** -22).first]).toEqual([0, 1, 2, 3]);
  });

  test('count with their factors', () => {
    const rows = planted([3, 5], 0, [undefined, 0], [1, 1]);
    rows.last.fill(0);
    rows.factors[1] = 3;
    rows.factors[2] = 0;
    const { first, multiple, isZero } = findParallels(rows, 2 ** -22);
    expect([...first]).toEqual([0, 0, 2]);
    expect(multiple[1]).toBeCloseTo(3, 6);
    expect([...isZero]).toEqual([0, 0, 1]);
  });

  test('are told apart from those that differ in one element by a few roundings', () => {
    const rows = planted([2, 2000], 0, [undefined, 0], [1, 1]);
    const at = 2000 + 1234;
    rows.data[at] = (rows.data[at] as number) * (1 + 2 ** -19);
    expect([...findParallels(rows, 2 ** -22).first]).toEqual([0, 1]);
  });

  test('long ones of which few elements are not zero, and NaN', () => {
    const rows = planted([6, 4096], 0, [], []);
    rows.data.fill(0);
    rows.last.fill(0);
    for (const [row, value] of [
      [1, 2],
      [3, 4],
      [4, Number.NaN],
    ] as const)
      rows.data[row * 4096 + 3001] = value;
    rows.data[5 * 4096 + 3002] = 2;
    const { first, isZero, multiple } = findParallels(rows, 2 ** -22);
    expect([...isZero]).toEqual([1, 0, 1, 0, 0, 0]);
    expect([...first]).toEqual([0, 1, 2, 1, 4, 5]);
    expect(multiple[3]).toBe(2);
  });
});

test('slices of zeros are those in which every element is zero, whatever its sign', () => {
  const dims = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
  const elements = fc.array(fc.constantFrom(0, 0, 0, -0, 1e-45, -1), { minLength: 625, maxLength: 625 });
  fc.assert(
    fc.property(dims, elements, fc.nat(), (shape, values, pick) => {
      const axis = pick % shape.length;
      const strides = stridesOf(shape, axis);
      const length = shape.reduce((product, dim) => product * dim, 1);
      const floats = Float32Array.from(values.slice(0, length));
      const doubles = Float64Array.from(floats);
      const expected = new Array<number>(strides.size).fill(1);
      floats.forEach((value, at) => {
        if (value !== 0) expected[Math.floor(at / strides.inner) % strides.size] = 0;
      });
      expect([...zeroSlices(new Uint32Array(floats.buffer), strides)]).toEqual(expected);
      expect([...zeroSlices(new Uint32Array(doubles.buffer), strides, 2)]).toEqual(expected);
    }),
    { seed },
  );
});
