import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unionOf } from '../../../src/quantize/ranges/union.ts';
import { histogramOf, samples } from './histograms.ts';

test('of several histograms is that of all their numbers', () => {
  const lists = fc.array(fc.tuple(samples, fc.constantFrom(16, 64)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(lists, (parts) => {
      const union = unionOf(parts.map(([values, bins]) => histogramOf(values, bins)));
      const all = parts.flatMap(([values]) => values);
      const whole = histogramOf(all, union.counts.length);
      const { counts, width, ...rest } = union;
      expect(rest).toEqual({ min: whole.min, max: whole.max, count: all.length, zeros: whole.zeros, nonFinite: 0 });
      const expected = new Float64Array(counts.length);
      for (const value of all) {
        const at = Math.floor(value / width) + counts.length / 2;
        expected[at] = (expected[at] ?? Number.NaN) + 1;
      }
      expect(counts).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});

test('has the widest bins of those with numbers other than zero, and as many where all have as many', () => {
  const [fine, coarse] = [histogramOf([0.1, -0.2], 64), histogramOf([90, 3], 64)];
  expect(unionOf([fine, coarse, { ...histogramOf([0], 64), width: 1024 }])).toMatchObject({
    width: coarse.width,
    count: 5,
    zeros: 1,
    min: -0.2,
    max: 90,
  });
  expect(unionOf([fine, coarse]).counts).toHaveLength(64);
});

test('does without those that are empty, and of zeros alone is zeros', () => {
  const empty = { ...histogramOf([], 16), nonFinite: 3 };
  const some = histogramOf([1, 2], 16);
  expect(unionOf([empty, some])).toEqual({ ...some, nonFinite: 3 });
  expect(unionOf([empty, empty])).toEqual({ ...empty, nonFinite: 6 });
  const zeros = unionOf([histogramOf([0, 0], 16), histogramOf([0], 64)]);
  expect(zeros).toMatchObject({ count: 3, zeros: 3, min: 0, max: 0 });
  expect(zeros.counts[zeros.counts.length / 2]).toBe(3);
});

test('of none does not exist', () => {
  expect(() => unionOf([])).toThrow(RangeError);
});
