import type { Histogram } from '../../numeric/histogram.ts';

/**
 * The numbers of a histogram other than zero, as masses that are spread evenly over intervals in ascending order. Zeros
 * are left out: every range holds zero and every quantizer here represents it exactly.
 */
export interface Pieces {
  readonly from: Float64Array;
  /** Not less than `from`; equal where all numbers of a bin are known to be one. */
  readonly to: Float64Array;
  /** How many numbers lie there; never zero. */
  readonly mass: Float64Array;
  readonly total: number;
}

/** The intervals are the bins that hold numbers, cut off at the least and the greatest number. */
export function piecesOf({ counts, width, min, max, zeros }: Histogram): Pieces {
  const half = counts.length / 2;
  const from = new Float64Array(counts.length);
  const to = new Float64Array(counts.length);
  const mass = new Float64Array(counts.length);
  let length = 0;
  let total = 0;
  for (let i = 0; i < counts.length; i++) {
    const own = (counts[i] as number) - (i === half ? zeros : 0);
    if (own <= 0) continue;
    from[length] = Math.min(max, Math.max(min, (i - half) * width));
    to[length] = Math.max(min, Math.min(max, (i + 1 - half) * width));
    mass[length] = own;
    total += own;
    length++;
  }
  return { from: from.subarray(0, length), to: to.subarray(0, length), mass: mass.subarray(0, length), total };
}
