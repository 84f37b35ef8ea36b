import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Histogram } from '../../../src/numeric/histogram.ts';
import { uint8Quantizer } from '../../../src/quantize/ranges/parameters.ts';
import { chooseRange, type Range } from '../../../src/quantize/ranges/range.ts';
import { createRandom, normals } from '../../support/random.ts';
import { expectedHistogram, histogramOf, histograms, quantizeError } from './histograms.ts';

const normal = (value: number): number => Math.exp((-value * value) / 2) / Math.sqrt(2 * Math.PI);
const laplace = (value: number): number => Math.exp(-Math.abs(value)) / 2;
const exponential = (value: number): number => Math.exp(-value);

const GAUSSIAN = expectedHistogram(normal, -8, 8, 1 / 256);
const LAPLACE = expectedHistogram(laplace, -16, 16, 1 / 128);
const EXPONENTIAL = expectedHistogram(exponential, 0, 16, 1 / 128);
const UNIFORM = expectedHistogram(() => 0.5, -1, 1, 1 / 2048);
const RECTIFIED_UNIFORM = expectedHistogram(() => 1, 0, 1, 1 / 2048);

/** Where a function of one end is least, by trying. */
function argmin(of: (end: number) => number, from: number, to: number): number {
  let best = from;
  for (let end = from; end <= to; end += 0.002) if (of(end) < of(best)) best = end;
  return best;
}

/** Gaussian numbers, and among them others of which one in `every` is ±`far`. */
function withOutliers(every: number, far: number): Histogram {
  const count = 200_000;
  const signed = (turn: number): number => (turn % 2 === 0 ? far : -far);
  return histogramOf(normals(count, 11).map((value, i) => (i % every === 5 ? signed(Math.floor(i / every)) : value)));
}

const errorOf = (histogram: Histogram, range: Range): number => quantizeError(histogram, uint8Quantizer(range));

describe('ranges of least squared error', () => {
  test('clip a Gaussian where a twelfth of the squared step and the tails are least', () => {
    // ∫ (x − T)² φ over |x| > T, by midpoints.
    const tails = (end: number): number => {
      let sum = 0;
      for (let x = end + 0.005; x < 9; x += 0.01) sum += (x - end) ** 2 * normal(x) * 0.01;
      return 2 * sum;
    };
    const optimum = argmin((end) => ((2 * end) / 255) ** 2 / 12 + tails(end), 3, 5);
    expect(optimum).toBeGreaterThan(3.9);
    expect(optimum).toBeLessThan(4.1);
    const { least, most } = chooseRange(GAUSSIAN, 'mse');
    expect(Math.abs(most - optimum)).toBeLessThan(0.06);
    expect(Math.abs(-least - optimum)).toBeLessThan(0.06);
  });

  test('clip a Laplacian and an exponential distribution where closed forms are least', () => {
    // ∫ (x − T)² e^−x over x > T = 2·e^−T.
    const both = argmin((end) => ((2 * end) / 255) ** 2 / 12 + 2 * Math.exp(-end), 5, 15);
    const { least, most } = chooseRange(LAPLACE, 'mse');
    expect(Math.abs(most - both)).toBeLessThan(0.15);
    expect(Math.abs(-least - both)).toBeLessThan(0.15);
    const one = argmin((end) => (end / 255) ** 2 / 12 + 2 * Math.exp(-end), 5, 15);
    expect(chooseRange(EXPONENTIAL, 'mse').least).toBe(0);
    expect(Math.abs(chooseRange(EXPONENTIAL, 'mse').most - one)).toBeLessThan(0.1);
    const seven = argmin((end) => (end / 127) ** 2 / 12 + 2 * Math.exp(-end), 5, 15);
    expect(Math.abs(chooseRange(EXPONENTIAL, 'mse', { levels: 128 }).most - seven)).toBeLessThan(0.1);
  });

  test('keep what is evenly spread but for half a step, which rounding to the last integer covers', () => {
    const { least, most } = chooseRange(UNIFORM, 'mse');
    expect(most - least).toBeGreaterThan(2 - 2 / 255);
    expect(chooseRange(RECTIFIED_UNIFORM, 'mse').most).toBeCloseTo(255 / 255.5, 3);
  });

  test('are as good as the best of a grid of both ends', () => {
    const skewed = histogramOf(normals(50_000, 2).map((value) => (value > 0 ? 3 * value : value) + 0.5));
    for (const histogram of [GAUSSIAN, LAPLACE, EXPONENTIAL, skewed, withOutliers(50_000, 50)]) {
      const least = Math.min(0, histogram.min);
      let best = Number.POSITIVE_INFINITY;
      for (let low = 1; low <= 40; low++) {
        for (let high = 1; high <= 40; high++) {
          best = Math.min(best, errorOf(histogram, { least: (least * low) / 40, most: (histogram.max * high) / 40 }));
        }
      }
      expect(errorOf(histogram, chooseRange(histogram, 'mse'))).toBeLessThanOrEqual(1.002 * best);
    }
  });
});

describe('ranges by percentile', () => {
  test('end at the quantiles of closed forms', () => {
    expect(chooseRange(EXPONENTIAL, 'percentile').most).toBeCloseTo(-Math.log(1e-4), 2);
    expect(chooseRange(LAPLACE, 'percentile', { percentile: 99 }).most).toBeCloseTo(-Math.log(0.01), 2);
    expect(chooseRange(LAPLACE, 'percentile', { percentile: 99 }).least).toBeCloseTo(Math.log(0.01), 2);
    // The two-sided quantile of the normal distribution.
    expect(chooseRange(GAUSSIAN, 'percentile').most).toBeCloseTo(3.8906, 2);
  });

  test('are interpolated inside bins', () => {
    const coarse = expectedHistogram(() => 1, 0, 1, 1 / 8);
    expect(chooseRange(coarse, 'percentile', { percentile: 90 }).most).toBeCloseTo(0.9, 10);
  });

  test('of all per cent are those of all numbers', () => {
    expect(chooseRange(GAUSSIAN, 'percentile', { percentile: 100 })).toEqual(chooseRange(GAUSSIAN, 'minmax'));
  });

  test('drop outliers on the one side that has them', () => {
    const values = normals(100_000, 3).map((value, i) => (i % 20_000 === 0 ? -30 : Math.abs(value)));
    const { least, most } = chooseRange(histogramOf(values), 'percentile');
    expect(least).toBe(0);
    expect(most).toBeGreaterThan(3.5);
  });

  test.each([0, -1, 100.5, Number.NaN])('are refused for %d', (percentile) => {
    expect(() => chooseRange(GAUSSIAN, 'percentile', { percentile })).toThrow(RangeError);
  });

  /** How many numbers lie beyond, with those in a bin spread evenly between the least and the greatest. */
  function beyond({ counts, width, min, max, zeros }: Histogram, { least, most }: Range): number {
    const half = counts.length / 2;
    return counts.reduce((sum, count, i) => {
      const own = count - (i === half ? zeros : 0);
      const [from, to] = [Math.max(min, (i - half) * width), Math.min(max, (i + 1 - half) * width)];
      if (own === 0) return sum;
      if (to <= from) return sum + (from < least || from > most ? own : 0);
      const inside = Math.max(0, Math.min(to, most) - Math.max(from, least));
      return sum + own * (1 - inside / (to - from));
    }, 0);
  }

  test('clip no more than they may, and no shorter range does', () => {
    const shares = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(histograms, fc.constantFrom(60, 90, 99), shares, shares, (histogram, percentile, low, high) => {
        const chosen = chooseRange(histogram, 'percentile', { percentile });
        const numbers = histogram.count - histogram.zeros;
        const allowed = (numbers * (100 - percentile)) / 100;
        expect(beyond(histogram, chosen)).toBeLessThanOrEqual(allowed + 1e-9 * numbers);
        const other = { least: Math.min(0, histogram.min) * low, most: Math.max(0, histogram.max) * high };
        if (beyond(histogram, other) > allowed - 1e-9) return;
        expect(other.most - other.least).toBeGreaterThanOrEqual((chosen.most - chosen.least) * (1 - 1e-9));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('ranges by entropy', () => {
  test('keep what is evenly spread', () => {
    expect(chooseRange(UNIFORM, 'entropy')).toEqual({ least: -1, most: 1 });
    expect(chooseRange(RECTIFIED_UNIFORM, 'entropy')).toEqual({ least: 0, most: 1 });
  });

  test('clip long tails, but not what is common', () => {
    for (const histogram of [GAUSSIAN, LAPLACE, EXPONENTIAL]) {
      const range = chooseRange(histogram, 'entropy');
      const kept = chooseRange(histogram, 'percentile', { percentile: 99.9 });
      expect(range.most).toBeGreaterThan(kept.most);
      expect(range.most).toBeLessThan(0.85 * histogram.max);
    }
  });

  test('do not move half of the numbers to where the others are', () => {
    const two = histogramOf(Array.from({ length: 1000 }, (_, i) => 1 + (i % 2)));
    expect(chooseRange(two, 'entropy').most).toBe(2);
  });
});

describe('outliers at 50 standard deviations', () => {
  test('are kept by all numbers, clipped by percentile and entropy', () => {
    const histogram = withOutliers(12_500, 50);
    expect(chooseRange(histogram, 'minmax').most).toBe(50);
    for (const method of ['percentile', 'entropy'] as const) {
      const { least, most } = chooseRange(histogram, method);
      expect([-least, most].every((end) => end > 3 && end < 6)).toBe(true);
    }
  });

  test('are clipped for the squared error as far as rounding all others costs more', () => {
    // Of ±50, each a share p: (2T/255)²/12 + 2p·(50 − T)² is least where T·(1/255²/3 + 2p) = 100p.
    const optimum = (share: number): number => (100 * share) / (1 / 255 ** 2 / 3 + 2 * share);
    const rare = histogramOf(normals(1_000_000, 5).map((value, i) => (i === 7 ? 50 : i === 9 ? -50 : value)));
    const { least, most } = chooseRange(rare, 'mse');
    expect([-least / optimum(1e-6), most / optimum(1e-6)].every((ratio) => Math.abs(ratio - 1) < 0.03)).toBe(true);
    const common = chooseRange(withOutliers(10_000, 50), 'mse');
    expect(Math.abs(common.most / optimum(0.5e-4) - 1)).toBeLessThan(0.03);
  });

  test('of which one is very far leave the other numbers their resolution', () => {
    const random = createRandom(8);
    const histogram = histogramOf(Float64Array.from({ length: 100_000 }, (_, i) => (i === 3 ? 1000 : random.normal())));
    for (const method of ['percentile', 'entropy'] as const)
      expect(chooseRange(histogram, method).most).toBeLessThan(6);
  });
});
