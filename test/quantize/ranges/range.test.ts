import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Histogram } from '../../../src/numeric/histogram.ts';
import { uint8Quantizer } from '../../../src/quantize/ranges/parameters.ts';
import { chooseRange, RANGE_METHODS } from '../../../src/quantize/ranges/range.ts';
import { histogramOf, histograms, quantizeError, withZeros } from './histograms.ts';

const scaled = (histogram: Histogram, factor: number): Histogram => ({
  ...histogram,
  width: histogram.width * factor,
  min: histogram.min * factor,
  max: histogram.max * factor,
});

describe.each(RANGE_METHODS)('ranges by %s', (method) => {
  test('hold zero, reach no farther than the numbers, and give sound quantizers', () => {
    fc.assert(
      fc.property(histograms, fc.constantFrom(256, 128), (histogram, levels) => {
        const { least, most } = chooseRange(histogram, method, { levels });
        expect(least).toBeGreaterThanOrEqual(Math.min(0, histogram.min));
        expect(least).toBeLessThanOrEqual(0);
        expect(most).toBeGreaterThanOrEqual(0);
        expect(most).toBeLessThanOrEqual(Math.max(0, histogram.max));
        expect([least, most].some((end) => Object.is(end, -0))).toBe(false);
        if (histogram.count > histogram.zeros) expect(most).toBeGreaterThan(least);
        const error = quantizeError(histogram, uint8Quantizer({ least, most }, levels));
        expect(error).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(error)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('do not depend on zeros', () => {
    fc.assert(
      fc.property(histograms, (histogram) => {
        // A bin of one known number would be known no longer if zeros were in it.
        fc.pre(histogram.min <= 0 && histogram.max >= 0);
        expect(chooseRange(withZeros(histogram, 1e6), method)).toEqual(chooseRange(histogram, method));
      }),
    );
  });

  test('are in the units of the numbers', () => {
    fc.assert(
      fc.property(histograms, (histogram) => {
        fc.pre(histogram.width > 2 ** -60);
        const { least, most } = chooseRange(histogram, method);
        expect(chooseRange(scaled(histogram, 8), method)).toEqual({ least: 8 * least, most: 8 * most });
      }),
    );
  });

  test('of no numbers and of zeros alone are empty', () => {
    expect(chooseRange(histogramOf([]), method)).toEqual({ least: 0, most: 0 });
    expect(chooseRange({ ...histogramOf([]), min: 0, max: 0, nonFinite: 7 }, method)).toEqual({ least: 0, most: 0 });
    expect(chooseRange(histogramOf([0, 0, 0]), method)).toEqual({ least: 0, most: 0 });
  });

  test.each([3.5, -3.5, 2 ** -140, -(2 ** 100)])('of the constant %d reach to it', (constant) => {
    for (const bins of [2, 4096]) {
      const range = chooseRange(histogramOf(new Float64Array(1000).fill(constant), bins), method);
      const kept = constant < 0 ? range.least : range.most;
      // Percentiles and squared errors may cut off what lies far inside half a step.
      expect(Math.abs(kept - constant)).toBeLessThanOrEqual(Math.abs(constant) / 600);
      expect(constant < 0 ? range.most : range.least).toBe(0);
    }
  });

  test('of numbers on one side of zero begin at zero', () => {
    const values = Float64Array.from({ length: 5000 }, (_, i) => 1 + (i % 97) / 13);
    expect(chooseRange(histogramOf(values), method).least).toBe(0);
    expect(chooseRange(histogramOf(values.map((value) => -value)), method).most).toBe(0);
  });
});

test('the squared error of ranges by mse is at most that of all numbers', () => {
  fc.assert(
    fc.property(histograms, fc.constantFrom(256, 128), (histogram, levels) => {
      const errorBy = (method: 'mse' | 'minmax'): number =>
        quantizeError(histogram, uint8Quantizer(chooseRange(histogram, method, { levels }), levels));
      expect(errorBy('mse')).toBeLessThanOrEqual(errorBy('minmax'));
    }),
    { numRuns: 500 },
  );
});
