/** How the weights of one layer are distributed. */
export interface LayerDistribution {
  readonly node: string;
  readonly initializer: string;
  readonly weights: number;
  readonly zeros: number;
  /** |weight| from 0 to the largest, in bins of equal width; zeros are not counted. */
  readonly magnitudes: { readonly most: number; readonly counts: readonly number[] };
  /** L2 norms of the output channels, descending; at most 256 of them, evenly chosen where there are more. */
  readonly norms: readonly number[];
  readonly channels: number;
  /**
   * How the top 10% of weights by magnitude are spread over output channels: the share of them that the first k channels hold,
   * channels ordered by how many they hold, descending. Begins with 0 at k = 0 and ends with 1; at most 65 points, evenly chosen.
   */
  readonly topShare: readonly number[];
  /** Gini coefficient of those counts: 0 where every channel holds as many, near 1 where one holds all. */
  readonly topGini: number;
}
