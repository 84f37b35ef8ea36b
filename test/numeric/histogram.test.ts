import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Histogram, HistogramBuilder } from '../../src/numeric/histogram.ts';
import { normals } from '../support/random.ts';

type Numbers = Float32Array | Float64Array;

function histogramOf(batches: readonly Numbers[], bins = 8): Histogram {
  const builder = new HistogramBuilder(bins);
  for (const batch of batches) builder.add(batch);
  return builder.histogram;
}

/** What the docstring says, number by number. */
function byHand(numbers: readonly number[], bins: number): Histogram {
  const finite = numbers.filter(Number.isFinite);
  const half = bins / 2;
  let width = 2 ** -1022;
  while (finite.some((each) => each < -half * width || each >= half * width)) width *= 2;
  const counts = new Float64Array(bins);
  for (const each of finite) {
    const at = Math.floor(each / width) + half;
    counts[at] = (counts[at] ?? Number.NaN) + 1;
  }
  return {
    counts,
    width,
    min: finite.reduce((least, each) => Math.min(least, each + 0), finite.length > 0 ? Infinity : 0),
    max: finite.reduce((most, each) => Math.max(most, each + 0), finite.length > 0 ? -Infinity : 0),
    count: finite.length,
    zeros: finite.filter((each) => each === 0).length,
    nonFinite: numbers.length - finite.length,
  };
}

const pairs = fc.constantFrom(4, 6, 8, 64, 4096);
const singles = fc.array(fc.float32Array({ maxLength: 40 }), { maxLength: 6 });
/** None so small that its quotient vanishes. */
const double = fc.double({ min: -1e100, max: 1e100 }).map((each) => (Math.abs(each) < 1e-100 ? 0 : each));
const odd = fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, 1, -2);
const doubles = fc.array(fc.array(fc.oneof(double, odd), { maxLength: 40 }), { maxLength: 6 });

describe('histograms of numbers that come in batches', () => {
  test('count float32 numbers, of all magnitudes, where they belong', () => {
    fc.assert(
      fc.property(singles, pairs, (batches, bins) => {
        const numbers = batches.flatMap((batch) => [...batch]);
        expect(histogramOf(batches, bins)).toEqual(byHand(numbers, bins));
      }),
      { numRuns: 300 },
    );
  });

  test('count float64 numbers where they belong', () => {
    fc.assert(
      fc.property(doubles, pairs, (batches, bins) => {
        const found = histogramOf(
          batches.map((batch) => Float64Array.from(batch)),
          bins,
        );
        expect(found).toEqual(byHand(batches.flat(), bins));
      }),
      { numRuns: 300 },
    );
  });

  test('are the same whatever the order of batches', () => {
    fc.assert(
      fc.property(singles, (batches) => {
        expect(histogramOf(batches.toReversed())).toEqual(histogramOf(batches));
      }),
      { numRuns: 200 },
    );
  });

  test('double their width until the largest number fits, and join bins two by two', () => {
    const builder = new HistogramBuilder(8);
    builder.add(Float32Array.of(0.25, 0.5, 0.75, -0.25, 0.9));
    expect(builder.histogram).toMatchObject({ width: 0.25, counts: Float64Array.of(0, 0, 0, 1, 0, 1, 1, 2) });
    // A power of two is the first number that no longer fits.
    builder.add(Float32Array.of(1));
    expect(builder.histogram).toMatchObject({ width: 0.5, counts: Float64Array.of(0, 0, 0, 1, 1, 3, 1, 0) });
    // On the other side it is the last one that does.
    builder.add(Float32Array.of(-2));
    expect(builder.histogram).toMatchObject({ width: 0.5, counts: Float64Array.of(1, 0, 0, 1, 1, 3, 1, 0) });
    builder.add(Float32Array.of(-2.5, 7.5));
    expect(builder.histogram).toMatchObject({ width: 2, counts: Float64Array.of(0, 0, 1, 2, 5, 0, 0, 1) });
    expect(builder.histogram).toMatchObject({ min: -2.5, max: 7.5, count: 9, zeros: 0, nonFinite: 0 });
  });

  test.each([Float32Array, Float64Array])('of nothing, and of zeros, are there (%o)', (Numbers) => {
    const nothing = { min: 0, max: 0, count: 0, zeros: 0, nonFinite: 0, counts: new Float64Array(8) };
    expect(histogramOf([])).toMatchObject(nothing);
    expect(histogramOf([new Numbers(0)])).toMatchObject(nothing);
    const counts = Float64Array.of(0, 0, 0, 0, 5, 0, 0, 0);
    const zeros = histogramOf([new Numbers(3), Numbers.of(-0, 0)]);
    expect(zeros).toMatchObject({ min: 0, max: 0, count: 5, zeros: 5, counts, width: 2 ** -1022 });
    expect(Object.is(histogramOf([Numbers.of(-0)]).min, 0)).toBe(true);
  });

  test.each([
    ['constants', Float32Array.of(3, 3, 3), 1],
    ['the largest numbers', Float32Array.of(2 ** 127, -(2 ** 127)), 2 ** 126],
    ['the smallest numbers', Float32Array.of(2 ** -149, -(2 ** -149)), 2 ** -150],
    ['the largest numbers of 64 bits', Float64Array.of(Number.MAX_VALUE, -Number.MAX_VALUE), 2 ** 1022],
    ['the smallest numbers of 64 bits', Float64Array.of(Number.MIN_VALUE, -Number.MIN_VALUE), 2 ** -1022],
  ])('hold %s', (_, numbers, width) => {
    const found = histogramOf([numbers]);
    expect(found).toEqual(byHand([...numbers], 8));
    expect(found.width).toBe(width);
  });

  test('put the smallest negative numbers below zero, however wide the bins', () => {
    const found = histogramOf([Float32Array.of(-(2 ** -149), 2 ** -149, 2 ** 127)]);
    expect([...found.counts]).toEqual([0, 0, 0, 1, 1, 0, 1, 0]);
  });

  test('count what is NaN or infinite, and leave it out', () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const found = histogramOf([Float32Array.of(bad), Float64Array.of(1, bad, -1), Float32Array.of(2, 0, bad)]);
      expect(found).toMatchObject({ min: -1, max: 2, count: 4, zeros: 1, nonFinite: 3, width: 1 });
    }
    // A NaN whose sign is set comes before all numbers.
    const negative = new Float32Array(Uint32Array.of(0xffc00000, 0x3f800000).buffer);
    expect(histogramOf([negative])).toMatchObject({ min: 1, max: 1, count: 1, nonFinite: 1 });
  });

  test('look at parts of arrays alone', () => {
    const numbers = Float32Array.of(100, 1, 0, -1, 100);
    expect(histogramOf([numbers.subarray(1, 4)])).toMatchObject({ min: -1, max: 1, count: 3, zeros: 1 });
  });

  test('of many numbers are what they are of a few at a time', () => {
    const numbers = normals(100_000, 5);
    const parts = [0, 1, 7, 5000, 99_999].map((from, i, all) => numbers.subarray(from, all[i + 1] ?? numbers.length));
    const whole = histogramOf([numbers], 4096);
    expect(histogramOf(parts, 4096)).toEqual(whole);
    expect(whole).toEqual(byHand([...numbers], 4096));
  });

  test('are not changed by what comes later', () => {
    const builder = new HistogramBuilder(4);
    builder.add(Float32Array.of(1));
    const before = builder.histogram;
    builder.add(Float32Array.of(1, 8));
    expect([...before.counts]).toEqual([0, 0, 0, 1]);
  });
});
