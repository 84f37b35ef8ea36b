/** How sparsity grows over the steps of one run. */
export interface Schedule {
  /** `constant`: the final sparsity from the first step on; `polynomial`: fast at first, then ever slower. */
  readonly kind: 'constant' | 'polynomial';
  /** Number of steps, at least 1. */
  readonly steps: number;
  /** Sparsity that the polynomial starts from, at most the final one; 0 to 1. */
  readonly initial: number;
}

/**
 * The sparsity of each step; never falls, and is exactly the final one in the last.
 * `polynomial`: s_t = s_f + (s_i − s_f) · (1 − t/n)³ for step t of n.
 * Source: Zhu and Gupta, "To Prune, or Not to Prune: Exploring the Efficacy of Pruning for Model Compression", 2017.
 * @param final 0 to 1; an initial sparsity above it counts as this
 */
export function sparsitiesOf({ kind, steps, initial }: Schedule, final: number): number[] {
  const start = kind === 'constant' ? final : Math.min(initial, final);
  return Array.from({ length: steps }, (_, i) => final + (start - final) * (1 - (i + 1) / steps) ** 3);
}
