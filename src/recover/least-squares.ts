import { factorize, solve } from '../numeric/cholesky.ts';
import { covarianceOf, isFlat, meanDiagonal, meanSquareOf, ROUNDING } from './covariance.ts';
import type { Moments } from './moments.ts';
import { rowEnergies } from './sparse/error.ts';

/** A correction of a layer: numbers to add to its matrix [rows, features] and to its bias [rows]. */
export interface Correction {
  readonly matrix: Float64Array;
  readonly bias: Float64Array;
  /** Ridge that was used, as a part of the mean diagonal of the covariance. */
  readonly ridge: number;
  /** Ridge beyond that, without which a matrix could not be factorized; 0 normally. */
  readonly extra: number;
  /** Σ e² per position and row, before and after, on positions that the correction was not made from where there were any. */
  readonly before: number;
  readonly after: number;
}

/** Shape of a layer's matrix. */
export interface Shape {
  readonly rows: number;
  readonly features: number;
  readonly groups: number;
}

/** How a correction is made. */
export interface FitOptions {
  /** Whether a number can be added to each row's output. */
  readonly affine: boolean;
  /** Whether the matrix may change, or the bias alone. */
  readonly matrix: boolean;
}

/** Ridges that are tried, as parts of the mean diagonal of the covariance. */
const RIDGES = [1e-4, 1e-3, 1e-2, 1e-1];
/** The one that is taken where no data are held out to choose by. */
const BLIND_RIDGE = 1e-2;

/**
 * The correction that makes up best for what a layer's output lacks: the minimum of E|e − Δ·x − δ|² + λ|Δ|², with
 * Δ = C_ex (C_xx + λI)⁻¹ and δ = E e − Δ·E x, C being covariances (second moments, and no δ, where the layer takes no bias).
 * The ridge pulls towards the weights that the layer has. Which λ is good is seen on the second half of the data with what
 * the first half gives; the correction is then made from both.
 * Source: He et al. 2017 ("Channel Pruning for Accelerating Very Deep Neural Networks"), step 2, for the least squares.
 */
export function fitCorrection(halves: readonly Moments[], shape: Shape, options: FitOptions): Correction {
  const [first, second] = halves.filter((half) => count(half) > 0);
  if (first === undefined) return nothing(shape, 0);
  const judge = second ?? first;
  const before = meanSquare(judge);
  const ridges = judge === first ? [BLIND_RIDGE] : RIDGES;
  const candidates = options.matrix ? [Number.POSITIVE_INFINITY, ...ridges] : [Number.POSITIVE_INFINITY];
  let best = { ridge: Number.NaN, after: before };
  for (const ridge of candidates) {
    const after = errorOf(ridgeFit(first, shape, options.affine, ridge), judge, shape);
    if (after < best.after) best = { ridge, after };
  }
  if (Number.isNaN(best.ridge)) return nothing(shape, before);
  const all = second === undefined ? first : addMoments(first, second);
  return { ...ridgeFit(all, shape, options.affine, best.ridge), ridge: best.ridge, before, after: best.after };
}

/** The correction that changes nothing. */
function nothing({ rows, features }: Shape, error: number): Correction {
  const [matrix, bias] = [new Float64Array(rows * features), new Float64Array(rows)];
  return { matrix, bias, ridge: Number.POSITIVE_INFINITY, extra: 0, before: error, after: error };
}

function ridgeFit(
  moments: Moments,
  { rows, features, groups }: Shape,
  affine: boolean,
  ridge: number,
): Pick<Correction, 'matrix' | 'bias' | 'extra'> {
  const matrix = new Float64Array(rows * features);
  const own = rows / groups;
  let extra = 0;
  for (let group = 0; group < groups && Number.isFinite(ridge); group++) {
    const { covariance, cross } = centred(moments, { features, own, group }, affine);
    const sums = { features, group, count: count(moments) };
    // Rounding must not be taken for what goes together.
    if (isFlat(covariance, moments, sums)) continue;
    const damping = Math.max(ridge * meanDiagonal(covariance, features), ROUNDING * meanSquareOf(moments, sums));
    const factor = factorize(covariance, features, damping);
    extra = Math.max(extra, factor.damping - damping);
    const solution = solve(factor, cross, own);
    for (let feature = 0; feature < features; feature++)
      for (let row = 0; row < own; row++)
        matrix[(group * own + row) * features + feature] = solution[feature * own + row] as number;
  }
  // Of a layer whose weights stay, what it reads may not have been measured.
  const shape = { rows, groups, features: Number.isFinite(ridge) ? features : 0 };
  return { matrix, bias: affine ? shiftFor(matrix, moments, shape) : new Float64Array(rows), extra };
}

/** What is lacking on average beyond what a change of the matrix adds: δ = E e − Δ·E x, per row. */
export function shiftFor(change: Float64Array, moments: Moments, { rows, features, groups }: Shape): Float64Array {
  const n = count(moments);
  return Float64Array.from({ length: rows }, (_, row) => {
    const group = Math.floor((row * groups) / rows);
    let mean = (moments.errorSum[row] as number) / n;
    for (let feature = 0; feature < features; feature++) {
      const weight = change[row * features + feature] as number;
      // Sums are not taken of what is read where weights have to stay.
      if (weight !== 0) mean -= (weight * (moments.sum[group * features + feature] as number)) / n;
    }
    return mean;
  });
}

/**
 * Covariances of one group: of what is read with itself, and with what is lacking; second moments where not affine.
 * @param own rows of the group
 */
export function centred(
  moments: Moments,
  { features, own, group }: { readonly features: number; readonly own: number; readonly group: number },
  affine: boolean,
): { readonly covariance: Float64Array; readonly cross: Float64Array } {
  const n = count(moments);
  const covariance = covarianceOf(moments, { features, group, count: n }, affine);
  const cross = moments.cross.slice(group * features * own, (group + 1) * features * own);
  for (let i = 0; i < features; i++) {
    const mean = affine ? (moments.sum[group * features + i] as number) / n : 0;
    for (let row = 0; row < own; row++) {
      const at = i * own + row;
      cross[at] = ((cross[at] as number) - mean * (moments.errorSum[group * own + row] as number)) / n;
    }
  }
  return { covariance, cross };
}

/** E|e − Δ·x − δ|², summed over rows: from the moments alone. */
export function errorOf(
  { matrix, bias }: Pick<Correction, 'matrix' | 'bias'>,
  moments: Moments,
  { rows, features, groups }: Shape,
): number {
  const n = count(moments);
  const own = rows / groups;
  const square = squares(matrix, moments, { rows, features, groups });
  let total = 0;
  for (let row = 0; row < rows; row++) {
    const group = Math.floor(row / own);
    let linear = 0;
    let mean = 0;
    for (let i = 0; i < features; i++) {
      const weight = matrix[row * features + i] as number;
      // Sums are not taken of what is read where weights have to stay.
      if (weight === 0) continue;
      linear += weight * (moments.cross[(group * features + i) * own + (row - group * own)] as number);
      mean += weight * (moments.sum[group * features + i] as number);
    }
    const shift = bias[row] as number;
    total +=
      ((moments.errorSquares[row] as number) -
        2 * linear +
        (square[row] as number) -
        2 * shift * ((moments.errorSum[row] as number) - mean)) /
        n +
      shift * shift;
  }
  // Below zero by rounding alone.
  return Math.max(0, total);
}

/** Σ (Δ·x)² of each row [rows]. */
function squares(matrix: Float64Array, { gram }: Moments, { rows, features, groups }: Shape): Float64Array {
  const all = new Float64Array(rows);
  if (matrix.every((weight) => weight === 0)) return all;
  const own = rows / groups;
  for (let group = 0; group < groups; group++) {
    const weights = matrix.subarray(group * own * features, (group + 1) * own * features);
    const of = gram.subarray(group * features * features, (group + 1) * features * features);
    all.set(rowEnergies(weights, own, features, of), group * own);
  }
  return all;
}

function meanSquare(moments: Moments): number {
  return moments.errorSquares.reduce((sum, each) => sum + each, 0) / count(moments);
}

/** How many positions sums are over. */
export function count(moments: Pick<Moments, 'count'>): number {
  return moments.count[0] ?? 0;
}

/** The sums of two sets of data together. */
export function addMoments(a: Moments, b: Moments): Moments {
  const add = (x: Float64Array, y: Float64Array): Float64Array => x.map((each, i) => each + (y[i] as number));
  return {
    count: add(a.count, b.count),
    sum: add(a.sum, b.sum),
    gram: add(a.gram, b.gram),
    cross: add(a.cross, b.cross),
    errorSum: add(a.errorSum, b.errorSum),
    errorSquares: add(a.errorSquares, b.errorSquares),
    targetSum: add(a.targetSum, b.targetSum),
    targetSquares: add(a.targetSquares, b.targetSquares),
  };
}
