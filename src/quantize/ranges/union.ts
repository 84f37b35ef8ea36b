import type { Histogram } from '../../numeric/histogram.ts';

/**
 * One histogram of the numbers of several, for values that share a scale. Nothing is lost but resolution: bins lie
 * around zero and their widths are powers of two, so that each lies inside one of the widest.
 * @param histograms at least one
 * @throws RangeError for none
 */
export function unionOf(histograms: readonly Histogram[]): Histogram {
  const [only] = histograms;
  if (only === undefined) throw new RangeError('There are no histograms to unite.');
  if (histograms.length === 1) return only;
  // Where all numbers are zero, the width says nothing.
  const telling = histograms.filter(({ count, zeros }) => count > zeros);
  const width = Math.max(...(telling.length > 0 ? telling : histograms).map((each) => each.width));
  const half = Math.max(1, ...telling.map((each) => Math.ceil((each.counts.length / 2) * (each.width / width))));
  const length = telling.length > 0 ? 2 * half : only.counts.length;
  const counts = new Float64Array(length);
  for (const each of histograms) addCounts(each, width, counts);
  const some = histograms.filter(({ count }) => count > 0);
  const sumOf = (of: (each: Histogram) => number): number => histograms.reduce((sum, each) => sum + of(each), 0);
  return {
    counts,
    width,
    min: some.length > 0 ? Math.min(...some.map(({ min }) => min)) : only.min,
    max: some.length > 0 ? Math.max(...some.map(({ max }) => max)) : only.max,
    count: sumOf(({ count }) => count),
    zeros: sumOf(({ zeros }) => zeros),
    nonFinite: sumOf(({ nonFinite }) => nonFinite),
  };
}

function addCounts({ counts, width }: Histogram, wider: number, sums: Float64Array): void {
  const half = counts.length / 2;
  for (let i = 0; i < counts.length; i++) {
    const own = counts[i] as number;
    if (own === 0) continue;
    const at = Math.floor((i - half) * (width / wider)) + sums.length / 2;
    sums[at] = (sums[at] as number) + own;
  }
}
