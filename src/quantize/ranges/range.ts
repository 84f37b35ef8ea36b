import type { Histogram } from '../../numeric/histogram.ts';
import { entropyRange } from './entropy.ts';
import { minMaxRange } from './min-max.ts';
import { mseRange } from './mse.ts';
import type { Levels } from './parameters.ts';
import { percentileRange } from './percentile.ts';

/** The numbers that a quantized value can take lie in [least, most], in the units of the value; least ≤ 0 ≤ most. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

/** The ways to choose a range from a histogram. */
export const RANGE_METHODS = ['minmax', 'percentile', 'entropy', 'mse'] as const;

/** One of the ways; what each does stands in the file of its name. */
export type RangeMethod = (typeof RANGE_METHODS)[number];

/** What the methods can be told. */
export interface RangeOptions {
  /** Per cent of the numbers other than zero that 'percentile' keeps, above 0 and at most 100; 99.99 unless told. */
  readonly percentile?: number;
  /** How many integers the range is divided among, for 'entropy' and 'mse'; 256 unless told. */
  readonly levels?: Levels;
}

/**
 * The range of a value that has this histogram. It holds zero and reaches no farther than the numbers do; where all
 * numbers are zero, or none is finite, it is [0, 0].
 * @throws RangeError for a percentile beyond its bounds
 */
export function chooseRange(histogram: Histogram, method: RangeMethod, options: RangeOptions = {}): Range {
  const { percentile = 99.99, levels = 256 } = options;
  switch (method) {
    case 'minmax':
      return minMaxRange(histogram);
    case 'percentile':
      return percentileRange(histogram, percentile);
    case 'entropy':
      return entropyRange(histogram, levels);
    case 'mse':
      return mseRange(histogram, levels);
  }
}
