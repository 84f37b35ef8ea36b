/**
 * Which weights of a layer become zero: an exact number of them, or all but `keep` of every `of` along the input
 * channels.
 */
export type Share = AmountShare | PatternShare;

/** An exact number of zeros. */
export interface AmountShare {
  readonly kind: 'amount';
  /** Zeros in the whole layer, a whole number from 0 to the number of weights. */
  readonly zeros: number;
  /** `layer` compares all weights with each other; `row` those of an output, whose counts differ by one at most. */
  readonly per: 'layer' | 'row';
}

/** At most `keep` of every `of` consecutive input channels at one kernel position are not zero. */
export interface PatternShare {
  readonly kind: 'pattern';
  readonly keep: number;
  readonly of: number;
  /** Kernel positions: column = channel · inner + position. 1 for Gemm and MatMul. */
  readonly inner: number;
}

/** A layer and what it reads, by which the error of other weights is ‖(Ŵ − W)X‖² = tr((Ŵ − W) H (Ŵ − W)ᵀ). */
export interface Layer {
  /** W, row-major [rows, columns], finite: the weights to come close to. */
  readonly weights: Float64Array;
  readonly rows: number;
  /** Input features d. */
  readonly columns: number;
  /** H, row-major [columns, columns]: mean of x·xᵀ over samples, centred or not; may be singular. */
  readonly moment: Float64Array;
}

/** A layer to make sparse. */
export interface SparseProblem extends Layer {
  readonly share: Share;
  /**
   * Mean squares E[x_j²] [columns], for the criterion of Wanda; the diagonal of `moment` where they are not given,
   * which are the same unless that is centred.
   */
  readonly norms?: Float64Array;
}

/** Which weights stay: [rows, columns], 1 for a weight that stays and 0 for one that becomes zero. */
export type Mask = Uint8Array;

/** Weights and which of them stayed. */
export interface Pruned {
  /** Row-major [rows, columns]. */
  readonly weights: Float64Array;
  readonly mask: Mask;
}

/** Share of the mean of H's diagonal that the solvers add to it, as the papers do. */
export const DAMPING = 0.01;

/** Diagonal of a row-major [n, n] matrix. */
export function diagonalOf(matrix: Float64Array, n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => matrix[i * n + i] as number);
}

/** Mean of the diagonal of H times `share`, to be added to the diagonal; where H is zero 1, so that the sum is not. */
export function dampingOf(moment: Float64Array, columns: number, share: number): number {
  let trace = 0;
  for (let i = 0; i < columns; i++) trace += moment[i * columns + i] as number;
  return trace > 0 ? (share * trace) / columns : 1;
}

/**
 * Checks that arrays have the sizes that are said and that the share can be had.
 * @param check another H
 * @throws RangeError naming what does not fit
 */
export function checkProblem(problem: SparseProblem, check?: Float64Array): void {
  const { weights, rows, columns, moment, share, norms } = problem;
  const expect = (what: string, found: number, wanted: number): void => {
    if (found !== wanted) throw new RangeError(`${what}: expected ${wanted} numbers, found ${found}.`);
  };
  expect('weights', weights.length, rows * columns);
  expect('moment', moment.length, columns * columns);
  if (check !== undefined) expect('check', check.length, columns * columns);
  if (norms !== undefined) expect('norms', norms.length, columns);
  if (share.kind === 'amount') {
    const { zeros } = share;
    if (!Number.isInteger(zeros) || zeros < 0 || zeros > rows * columns) {
      throw new RangeError(`zeros: expected a whole number from 0 to ${rows * columns}, found ${zeros}.`);
    }
    return;
  }
  const { keep, of, inner } = share;
  if (![keep, of, inner].every(Number.isInteger) || keep < 0 || of < Math.max(keep, 1) || inner < 1) {
    throw new RangeError(`pattern: expected 0 ≤ keep ≤ of and inner ≥ 1, found ${keep} of ${of} and ${inner}.`);
  }
  if (columns % (of * inner) !== 0) {
    throw new RangeError(`pattern: ${columns} columns are not whole groups of ${of} channels of ${inner} positions.`);
  }
}
