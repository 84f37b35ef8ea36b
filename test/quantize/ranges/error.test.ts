import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Quantizer, uint8Quantizer } from '../../../src/quantize/ranges/parameters.ts';
import { normals } from '../../support/random.ts';
import { expectedHistogram, histogramOf, quantizeError } from './histograms.ts';

function roundTrip(value: number, { scale, zeroPoint, lowest, highest }: Quantizer): number {
  const integer = Math.min(highest, Math.max(lowest, Math.round(value / scale) + zeroPoint));
  return (integer - zeroPoint) * scale;
}

function meanSquare(values: Iterable<number>, quantizer: Quantizer): number {
  let [sum, count] = [0, 0];
  for (const value of values) {
    sum += (value - roundTrip(value, quantizer)) ** 2;
    count++;
  }
  return sum / count;
}

test('of evenly spread numbers is a twelfth of the squared step inside, and the squared distance outside', () => {
  const even = expectedHistogram(() => 1, 0, 4, 1 / 64);
  // The first and the last integer have half an interval each, over which the mean is the same.
  expect(quantizeError(even, uint8Quantizer({ least: 0, most: 4 })) / ((4 / 255) ** 2 / 12)).toBeCloseTo(1, 6);
  const clipped = quantizeError(even, uint8Quantizer({ least: 0, most: 1 }));
  // A quarter is rounded, the rest lies up to 3 beyond the end.
  expect(clipped).toBeCloseTo(0.25 * ((1 / 255) ** 2 / 12) + 0.75 * 3, 5);
});

test('of one repeated number is what rounding it costs', () => {
  const quantizer = uint8Quantizer({ least: -1, most: 3 });
  const histogram = histogramOf([0.7123, 0.7123, 0.7123]);
  expect(quantizeError(histogram, quantizer)).toBeCloseTo((0.7123 - roundTrip(0.7123, quantizer)) ** 2, 15);
});

test('of no numbers and of zeros is 0', () => {
  const quantizer = uint8Quantizer({ least: -1, most: 3 });
  expect(quantizeError(histogramOf([]), quantizer)).toBe(0);
  expect(quantizeError(histogramOf([0, 0]), quantizer)).toBe(0);
});

test('of a sample is nearly that of its numbers, zeros included', () => {
  const values = normals(100_000, 4).map((value, i) => (i % 4 === 0 ? 0 : value));
  const histogram = histogramOf(values);
  for (const most of [1, 3, 5]) {
    const quantizer = uint8Quantizer({ least: -2, most });
    const error = quantizeError(histogram, quantizer);
    expect(error / meanSquare(values, quantizer)).toBeCloseTo(1, 2);
  }
});

test('is exact for numbers that are spread evenly in bins of any width', () => {
  const heights = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 8, maxLength: 8 });
  const end = fc.double({ min: 0.01, max: 6, noNaN: true });
  fc.assert(
    fc.property(heights, end, end, (counts, low, most) => {
      const POINTS = 4000;
      const values = counts.flatMap((count, bin) =>
        Array.from({ length: count * POINTS }, (_, i) => bin - 4 + (i + 0.5) / (count * POINTS)),
      );
      fc.pre(values.length > 0);
      const first = counts.findIndex((count) => count > 0);
      const last = counts.findLastIndex((count) => count > 0);
      const quantizer = uint8Quantizer({ least: -low, most });
      const histogram = {
        counts: Float64Array.from(counts),
        width: 1,
        min: first - 4,
        max: last - 3,
        count: counts.reduce((sum, count) => sum + count, 0),
        zeros: 0,
        nonFinite: 0,
      };
      const sampled = meanSquare(values, quantizer);
      expect(Math.abs(quantizeError(histogram, quantizer) - sampled)).toBeLessThan(0.003 * sampled);
    }),
    { numRuns: 30 },
  );
});
