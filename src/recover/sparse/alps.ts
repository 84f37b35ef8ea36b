import { type Factor, factorize, solveRows } from '../../numeric/cholesky.ts';
import { addProducts, wholePanel } from '../../numeric/products.ts';
import { DAMPING, dampingOf, type Layer, type Mask, type Pruned, type SparseProblem } from './problem.ts';
import { applyMask, selectMask } from './select-mask.ts';

/** Rounds at most. */
const ROUNDS = 300;

/** After so many rounds it is seen how many weights came and went. */
const PERIOD = 3;

/** The penalty at first, for inputs of unit mean square, and below which it is not lowered. */
const PENALTY = { first: 0.1, least: 1e-4 };

/** How much the penalty grows where more than a share of the weights came and went. */
const GROWTH: readonly { readonly above: number; readonly by: number }[] = [
  { above: 0.1, by: 1.3 },
  { above: 0.005, by: 1.2 },
];

/** The problem with inputs scaled to a mean square of 1: A = S⁻¹ (H + λI) S⁻¹ and B = W·S. */
interface Scaled {
  /** S, [columns]. */
  readonly scales: Float64Array;
  /** A, row-major [columns, columns]. */
  readonly moment: Float64Array;
  /** B, [rows, columns]; zero at inputs that are always zero. */
  readonly wanted: Float64Array;
  /** B·A, [rows, columns]. */
  readonly image: Float64Array;
}

/**
 * Chooses mask and weights together, by alternating directions (ADMM) on min ½ ‖(B − W)X‖² with D = B sparse: B solves
 * (A + ρI) B = A·W − V + ρD, D keeps the largest of B + V/ρ, V += ρ(B − D). The penalty ρ grows while weights still
 * come and go, so that B and D meet; it is over when none do. Weights of the mask are near the least squares ones, not
 * at them: refit them.
 * (A + ρI) is factorized anew whenever ρ changes, about ten times; the paper decomposes A into eigenvectors once. A
 * factor is a sixth of columns³ multiplications, an eigendecomposition some four times columns³ in an order that caches
 * mislike, and two products a round take as long as two triangular solves.
 * Source: Meng et al., "ALPS: Improved Optimization for Highly Sparse One-Shot Pruning for Large Language Models",
 * NeurIPS 2024. Patterns are of consecutive columns (`inner` 1).
 * Cost: about 30 rounds of rows · columns² multiplications and ten factorizations; for up to some 1200 columns.
 */
export function alps(problem: SparseProblem): Pruned {
  const { rows, columns, share, weights } = problem;
  const scaled = scale(problem);
  const project = (values: Float64Array): Mask => selectMask(values.map(Math.abs), rows, columns, share);
  const first = project(scaled.wanted);
  const staying = first.reduce((sum, stays) => sum + stays, 0);
  if (staying === 0 || staying === first.length) return { weights: applyMask(weights, first), mask: first };
  let penalty = PENALTY.first;
  let factor = factorize(scaled.moment, columns, penalty);
  let mask = first;
  let seen = first;
  let sparse = applyMask(scaled.wanted, first);
  const dual = new Float64Array(weights.length);
  let hasMoved = false;
  for (let round = 1; round <= ROUNDS; round++) {
    const dense = solveDense(factor, scaled.image, dual, sparse, penalty, rows);
    const shifted = dense.map((value, i) => value + (dual[i] as number) / penalty);
    mask = project(shifted);
    sparse = applyMask(shifted, mask);
    for (let i = 0; i < dual.length; i++) {
      dual[i] = (dual[i] as number) + penalty * ((dense[i] as number) - (sparse[i] as number));
    }
    if (round % PERIOD !== 0) continue;
    const moved = countDifferent(mask, seen) / staying;
    seen = mask;
    const growth = GROWTH.find(({ above }) => moved > above);
    if (growth !== undefined) hasMoved = true;
    if (hasMoved && moved === 0) break;
    if (hasMoved) penalty *= growth?.by ?? 1.1;
    else {
      // So stiff that the mask stays at the first one: anew, softer.
      penalty /= 5;
      if (penalty < PENALTY.least) break;
      seen = first;
      sparse = applyMask(scaled.wanted, first);
      dual.fill(0);
    }
    factor = factorize(scaled.moment, columns, penalty);
  }
  return { weights: unscale(problem, scaled, sparse, mask), mask };
}

function scale({ weights, rows, columns, moment }: Layer): Scaled {
  const damping = dampingOf(moment, columns, DAMPING);
  const scales = Float64Array.from({ length: columns }, (_, j) => {
    return Math.sqrt((moment[j * columns + j] as number) + damping);
  });
  const scaled = new Float64Array(columns * columns);
  for (let i = 0; i < columns; i++) {
    const own = scales[i] as number;
    for (let j = 0; j < columns; j++) {
      scaled[i * columns + j] = (moment[i * columns + j] as number) / (own * (scales[j] as number));
    }
    scaled[i * columns + i] = 1;
  }
  const wanted = weights.map((weight, i) => {
    const j = i % columns;
    return moment[j * columns + j] === 0 ? 0 : weight * (scales[j] as number);
  });
  const image = new Float64Array(rows * columns);
  const [left, right] = [wholePanel(wanted, columns), wholePanel(scaled, columns)];
  addProducts(wholePanel(image, columns), 1, left, rows, right, columns, columns);
  return { scales, moment: scaled, wanted, image };
}

/** Weights of the inputs as they are; those that stay at inputs that are always zero are what they were. */
function unscale(
  { columns, moment, weights }: Layer,
  { scales }: Scaled,
  sparse: Float64Array,
  mask: Mask,
): Float64Array {
  return sparse.map((value, i) => {
    const j = i % columns;
    if (moment[j * columns + j] === 0) return mask[i] === 0 ? 0 : (weights[i] as number);
    return value / (scales[j] as number);
  });
}

/** (image − dual + ρ·sparse) · (A + ρI)⁻¹, [rows, columns]. */
function solveDense(
  factor: Factor,
  image: Float64Array,
  dual: Float64Array,
  sparse: Float64Array,
  penalty: number,
  rows: number,
): Float64Array {
  const right = image.map((value, i) => value - (dual[i] as number) + penalty * (sparse[i] as number));
  solveRows(factor, right, rows);
  return right;
}

function countDifferent(a: Mask, b: Mask): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) count += (a[i] as number) ^ (b[i] as number);
  return count;
}
