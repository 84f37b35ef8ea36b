import { OnnxPruneError } from '../errors.ts';
import { selfProducts } from './symmetric.ts';
import { transpose } from './transpose.ts';
import { factorizeInPlace, invertLowerTransposed, solveLower } from './triangular.ts';

/** The Cholesky factor of a symmetric matrix A with something added to its diagonal: L·Lᵀ = A + damping · I. */
export interface Factor {
  readonly n: number;
  /** L [n, n], row-major, float64; zero above the diagonal. */
  readonly lower: Float64Array;
  /** What was added to every element of the diagonal, at least what was asked for. */
  readonly damping: number;
  /** How often it was tried: 1 where the damping asked for was enough. */
  readonly attempts: number;
}

/** The least damping that is tried where what was asked for is not enough, as a part of the mean of the diagonal. */
const LEAST_DAMPING = 1e-12;

/** What a pivot has to be above, as a part of n times its element of the diagonal: some roundings. */
const PIVOT_TOLERANCE = 10 * Number.EPSILON;

/** The least damping of all: below any matrix that matters, and still far enough from where numbers lose digits. */
const SMALLEST = 2 ** -900;

/**
 * Factorizes a symmetric positive semidefinite matrix plus `damping` · I. Where a pivot is not above what rounding alone
 * makes of zero (10 · n · 2⁻⁵² of its own element of the diagonal, whatever the scale of the others), damping grows tenfold,
 * from 10⁻¹² of the mean of the diagonal on, until all are. The zero matrix is damped by 10⁻¹².
 * Costs n³ / 3 operations an attempt.
 * Source: G. Golub and C. Van Loan, "Matrix Computations", section 4.2; the growth is that of common pruning practice, as
 * moments of dead or doubled channels are singular.
 *
 * @param matrix A [n, n], row-major; its lower triangle is read, and it stays as it is
 * @param damping absolute, at least 0
 * @throws OnnxPruneError `bad-data` where an element is not finite, or becomes so; `internal` where the damping is not a
 * number from 0 on
 */
export function factorize(matrix: Float64Array, n: number, damping: number): Factor {
  if (!(damping >= 0 && damping < Infinity)) {
    throw new OnnxPruneError(
      'internal',
      'damping',
      `Internal error: a damping of ${damping} was asked for, but it has to be a finite number from 0 on.`,
    );
  }
  const { scale, extreme } = measure(matrix, n);
  let added = damping;
  for (let attempts = 1; added < Infinity; attempts++) {
    const lower = matrix.slice(0, n * n);
    for (let i = 0; i < n; i++) lower[i * n + i] = (lower[i * n + i] as number) + added;
    if (factorizeInPlace(lower, n, n * PIVOT_TOLERANCE)) return { n, lower, damping: added, attempts };
    added = attempts === 1 ? Math.max(damping, LEAST_DAMPING * scale, SMALLEST) : added * 10;
    if (added === damping) added *= 10;
  }
  throw new OnnxPruneError(
    'bad-data',
    'matrix',
    `A matrix [${n}, ${n}] to factorize holds numbers up to ${extreme}, which overflow; scale the data that it was computed from.`,
  );
}

/** What damping is relative to, and the largest magnitude. */
function measure(matrix: Float64Array, n: number): { scale: number; extreme: number } {
  let mean = 0;
  let extreme = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const element = matrix[i * n + j] as number;
      if (!Number.isFinite(element)) {
        throw new OnnxPruneError(
          'bad-data',
          'matrix',
          `A matrix [${n}, ${n}] to factorize has ${element} in row ${i}, column ${j} instead of a finite number; look for such values in the weights and in the data it was computed from.`,
        );
      }
      extreme = Math.max(extreme, Math.abs(element));
    }
    mean += (matrix[i * n + i] as number) / n;
  }
  return { scale: mean > 0 ? mean : extreme || 1, extreme };
}

/**
 * Solves (A + damping · I) · X = B.
 * @param right B [n, columns], row-major, float64; stays as it is
 * @returns X [n, columns], row-major
 */
export function solve(factor: Factor, right: Float64Array, columns: number): Float64Array {
  const rows = transpose(right, factor.n, columns);
  solveRows(factor, rows, columns);
  return transpose(rows, columns, factor.n);
}

/**
 * Solves X · (A + damping · I) = B in place, which is the form that weights have: one row an output channel.
 * @param right B [rows, n], row-major, float64, which becomes X
 */
export function solveRows({ n, lower }: Factor, right: Float64Array, rows: number): void {
  solveLower(lower, n, right, rows);
  // From behind, Lᵀ is a lower triangle too.
  const flipped = flip(transpose(lower, n, n));
  reverseRows(right, n, rows);
  solveLower(flipped, n, right, rows);
  reverseRows(right, n, rows);
}

function reverseRows(matrix: Float64Array, n: number, rows: number): void {
  for (let i = 0; i < rows; i++) matrix.subarray(i * n, (i + 1) * n).reverse();
}

/** Both rows and columns of a square matrix in reverse order, in place: all its elements are. */
function flip(matrix: Float64Array): Float64Array {
  return matrix.reverse();
}

/** (A + damping · I)⁻¹ [n, n], row-major, float64, exactly symmetric; 2n³ / 3 operations. */
export function inverse({ n, lower }: Factor): Float64Array {
  return selfProducts(invertLowerTransposed(lower, n), n, n, 'upper');
}

/**
 * The upper triangular U with Uᵀ·U = (A + damping · I)⁻¹, which sweeps over columns from the left need.
 * Without the inverse, whose rounding grows with the condition of A: from R·Rᵀ = A + damping · I with R upper triangular,
 * the Cholesky factor in reverse order, U is R⁻¹. Where a pivot of that order is lost in rounding, 10⁻¹² of the mean of the
 * diagonal is added as {@link factorize} does.
 * Source: Frantar and Alistarh, "SparseGPT", ICML 2023, section 3.4.
 * @returns [n, n], row-major, float64; zero below the diagonal
 */
export function upperOfInverse({ n, lower }: Factor): Float64Array {
  const reverse = factorize(flip(selfProducts(lower, n, n, 'lower')), n, 0);
  return flip(transpose(invertLowerTransposed(reverse.lower, n), n, n));
}
