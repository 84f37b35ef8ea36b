/** Sums over positions of what is read, x, groups apart: Σ x [groups · features] and Σ x·xᵀ [groups, features, features]. */
export interface ReadSums {
  readonly sum: Float64Array;
  readonly gram: Float64Array;
}

/** One group of what is read, and how many positions the sums are over. */
export interface GroupSums {
  readonly group: number;
  readonly features: number;
  readonly count: number;
}

/** Part of a mean square that is no more than some roundings of float32, in which squares are summed. */
export const ROUNDING: number = 2 ** -20;

/**
 * The covariance [features, features] of what one group reads, row-major; the mean of x·xᵀ where means are not to be taken
 * off.
 */
export function covarianceOf(
  { sum, gram }: ReadSums,
  { group, features, count }: GroupSums,
  centred: boolean,
): Float64Array {
  const covariance = gram.slice(group * features * features, (group + 1) * features * features);
  for (let i = 0; i < features; i++) {
    const mean = centred ? (sum[group * features + i] as number) / count : 0;
    for (let j = 0; j < features; j++) {
      const at = i * features + j;
      covariance[at] = ((covariance[at] as number) - mean * (sum[group * features + j] as number)) / count;
    }
    // Rounding alone makes a variance negative.
    covariance[i * features + i] = Math.max(0, covariance[i * features + i] as number);
  }
  return covariance;
}

/** The mean over features of E x² of one group. */
export function meanSquareOf({ gram }: Pick<ReadSums, 'gram'>, { group, features, count }: GroupSums): number {
  return meanDiagonal(gram.subarray(group * features * features, (group + 1) * features * features), features) / count;
}

/** The mean of the diagonal of a matrix [size, size]. */
export function meanDiagonal(matrix: Float64Array, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += matrix[i * size + i] as number;
  return sum / size;
}

/**
 * Whether what one group reads is the same everywhere but for rounding: of one sample, or the same one again and again.
 * @param covariance of the group, as `covarianceOf` gives it
 */
export function isFlat(covariance: Float64Array, sums: Pick<ReadSums, 'gram'>, group: GroupSums): boolean {
  return !(meanDiagonal(covariance, group.features) > ROUNDING * meanSquareOf(sums, group));
}
