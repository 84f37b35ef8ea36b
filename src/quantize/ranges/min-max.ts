import type { Histogram } from '../../numeric/histogram.ts';
import type { Range } from './range.ts';

/** The smallest range that holds zero and all finite numbers; [0, 0] where there are none. */
export function minMaxRange({ count, min, max }: Histogram): Range {
  // Adding zero turns −0 into 0.
  return count === 0 ? { least: 0, most: 0 } : { least: Math.min(0, min) + 0, most: Math.max(0, max) + 0 };
}
