import fc from 'fast-check';
import type { Histogram } from '../../../src/numeric/histogram.ts';
import { errorOver } from '../../../src/quantize/ranges/error.ts';
import type { Quantizer } from '../../../src/quantize/ranges/parameters.ts';
import { piecesOf } from '../../../src/quantize/ranges/pieces.ts';

/** The mean squared error of quantizing the numbers of a histogram; 0 where there are none. */
export function quantizeError(histogram: Histogram, quantizer: Quantizer): number {
  return histogram.count === 0 ? 0 : errorOver(piecesOf(histogram), quantizer) / histogram.count;
}

/** The histogram of these finite numbers, with the smallest width that holds them all. */
export function histogramOf(values: ArrayLike<number>, bins = 4096): Histogram {
  const counts = new Float64Array(bins);
  let [min, max, zeros] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN;
    min = Math.min(min, value);
    max = Math.max(max, value);
    zeros += Number(value === 0);
  }
  const reach = Math.max(-min, max);
  let width = reach > 0 ? 2 ** Math.floor(Math.log2(reach / (bins / 2))) : 1;
  while (reach >= (width * bins) / 2) width *= 2;
  for (let i = 0; i < values.length; i++) {
    const at = Math.floor((values[i] ?? Number.NaN) / width) + bins / 2;
    counts[at] = (counts[at] ?? Number.NaN) + 1;
  }
  return { counts, width, min, max, count: values.length, zeros, nonFinite: 0 };
}

/** The histogram that numbers of a density would have in the mean, between two ends that are multiples of the width. */
export function expectedHistogram(
  density: (value: number) => number,
  least: number,
  most: number,
  width: number,
  total = 1e9,
): Histogram {
  const half = Math.round(Math.max(-least, most) / width);
  const counts = Float64Array.from({ length: 2 * half }, (_, i) => {
    const centre = (i + 0.5 - half) * width;
    return centre > least && centre < most ? total * width * density(centre) : 0;
  });
  const count = counts.reduce((sum, each) => sum + each, 0);
  return { counts, width, min: least, max: most, count, zeros: 0, nonFinite: 0 };
}

/** The same histogram with so many numbers more that are zero. */
export function withZeros(histogram: Histogram, zeros: number): Histogram {
  const counts = histogram.counts.slice();
  const half = counts.length / 2;
  counts[half] = (counts[half] ?? Number.NaN) + zeros;
  return {
    ...histogram,
    counts,
    min: Math.min(0, histogram.min),
    max: Math.max(0, histogram.max),
    count: histogram.count + zeros,
    zeros: histogram.zeros + zeros,
  };
}

/** Few float32 numbers of any kind: on one side or both, equal ones, zeros, far ones, down to where scales end. */
const samples: fc.Arbitrary<number[]> = fc
  .tuple(
    fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.double({ min: -4, max: 4, noNaN: true }) },
        { weight: 1, arbitrary: fc.constantFrom(0, 3.5, -3.5) },
        { weight: 1, arbitrary: fc.double({ min: -1000, max: 1000, noNaN: true }) },
      ),
      { minLength: 1, maxLength: 60 },
    ),
    fc.constantFrom(1, -1, 0),
    fc.constantFrom(1, 1, 2 ** -20, 2 ** 90, 2 ** -128),
  )
  .map(([values, side, factor]) =>
    values.map((value) => Math.fround((side === 0 ? value : side * Math.abs(value)) * factor) + 0),
  );

/** Numbers and the histogram of them. */
export const histograms: fc.Arbitrary<Histogram> = fc
  .tuple(samples, fc.constantFrom(2, 16, 64, 512))
  .map(([values, bins]) => histogramOf(values, bins));

export { samples };
