/** How often numbers occur, in bins of one width around zero. */
export interface Histogram {
  /** counts[i] finite numbers lie in [(i − n/2)·width, (i + 1 − n/2)·width), n = counts.length (even). */
  readonly counts: Float64Array;
  /** A power of two. */
  readonly width: number;
  /** The least and the greatest of the finite numbers. */
  readonly min: number;
  readonly max: number;
  /** How many numbers are finite. */
  readonly count: number;
  /** How many of those are zero; `counts` has them too. */
  readonly zeros: number;
  readonly nonFinite: number;
}
