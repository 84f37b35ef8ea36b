import { present } from '../../errors.ts';
import { alps } from './alps.ts';
import { channelsTogether, permuteProblem, permuteSymmetric, restoreColumns } from './column-order.ts';
import { relativeError } from './error.ts';
import { magnitude } from './magnitude.ts';
import { checkProblem, type Mask, type Pruned, type SparseProblem } from './problem.ts';
import { type RefitOptions, refit } from './refit.ts';
import { applyMask } from './select-mask.ts';
import { sparseGpt } from './sparse-gpt.ts';
import { wanda } from './wanda.ts';

/** A way to choose zeros, and weights for the rest. */
export type SparseMethod = 'magnitude' | 'wanda' | 'sparsegpt' | 'alps';

/** What may be chosen about {@link solveSparse}. */
export interface SparseOptions {
  /** Whether, and how, the weights that stay are refitted to the mask; they are by default. */
  readonly refit?: RefitOptions | false;
  /**
   * H of samples held out, [columns, columns], by which the best weights are chosen: of methods, and of two dampings of
   * the refit where none is said. Without it the H of the problem chooses, which favours what fits too closely.
   */
  readonly check?: Float64Array;
  /** The most columns for which `best` tries `alps`, 1200 by default. */
  readonly alpsLimit?: number;
}

/** Sparse weights of a layer and what they do to its output. */
export interface SparseSolution {
  /** Row-major [rows, columns], the columns in the order of the problem. */
  readonly weights: Float64Array;
  /** tr((Ŵ − W) H (Ŵ − W)ᵀ) / tr(W H Wᵀ), by the H of the problem. */
  readonly error: number;
  /** The same by `check`, where it was given; else the same number. */
  readonly checkError: number;
  /** The method that gave the weights, which `best` chooses. */
  readonly method: SparseMethod;
}

/** The damping that is tried beside the default where samples held out can decide: better where H has few samples. */
const MORE_DAMPING = 0.1;

/** Columns up to which a factorization every three rounds takes seconds. */
const ALPS_LIMIT = 1200;

/**
 * Makes a layer sparse with the least change of its output: ‖(Ŵ − W)X‖². `best` runs `wanda`, `sparsegpt` and, for
 * layers that are not too wide, `alps`, and keeps the lowest error. The same input gives the same bits.
 * Cost: that of the methods and of a refit each; see there.
 * @throws RangeError for arrays of other sizes than said, and for shares that cannot be had
 */
export function solveSparse(
  method: SparseMethod | 'best',
  problem: SparseProblem,
  options: SparseOptions = {},
): SparseSolution {
  checkProblem(problem, options.check);
  const { share, columns } = problem;
  if (share.kind === 'amount' || share.inner === 1) return solveInOrder(method, problem, options);
  // Groups of consecutive columns are all that the methods know.
  const order = channelsTogether(columns, share.inner);
  const grouped = { ...permuteProblem(problem, order), share: { ...share, inner: 1 } };
  const check = options.check === undefined ? {} : { check: permuteSymmetric(options.check, order) };
  const { weights, ...rest } = solveInOrder(method, grouped, { ...options, ...check });
  return { weights: restoreColumns(weights, order), ...rest };
}

function solveInOrder(method: SparseMethod | 'best', problem: SparseProblem, options: SparseOptions): SparseSolution {
  const { check } = options;
  let best: SparseSolution | undefined;
  for (const each of method === 'best' ? methodsFor(problem.columns, options) : [method]) {
    for (const weights of candidates(problem, METHODS[each](problem), options)) {
      const error = relativeError(problem, weights);
      const checkError = check === undefined ? error : relativeError(problem, weights, check);
      if (best === undefined || checkError < best.checkError) best = { weights, error, checkError, method: each };
    }
  }
  return present(best, 'a sparse solution');
}

const METHODS: { readonly [method in SparseMethod]: (problem: SparseProblem) => Pruned } = {
  magnitude: (problem) => masked(problem, magnitude(problem)),
  wanda: (problem) => masked(problem, wanda(problem)),
  sparsegpt: sparseGpt,
  alps,
};

function masked({ weights }: SparseProblem, mask: Mask): Pruned {
  return { weights: applyMask(weights, mask), mask };
}

function methodsFor(columns: number, { alpsLimit = ALPS_LIMIT }: SparseOptions): readonly SparseMethod[] {
  return columns <= alpsLimit ? ['wanda', 'sparsegpt', 'alps'] : ['wanda', 'sparsegpt'];
}

/** What may come of a mask: its weights as they are, or refitted, with every damping between which `check` decides. */
function candidates(problem: SparseProblem, pruned: Pruned, options: SparseOptions): readonly Float64Array[] {
  const { refit: chosen = {}, check } = options;
  if (chosen === false) return [pruned.weights];
  const { weights, mask } = pruned;
  const first = refit(problem, weights, mask, chosen);
  if (check === undefined || chosen.damping !== undefined) return [first];
  // From the weights wanted: a method's own may be so close by H that nothing more damped is let pass.
  const start = applyMask(problem.weights, mask);
  return [first, refit(problem, start, mask, { ...chosen, damping: MORE_DAMPING })];
}
