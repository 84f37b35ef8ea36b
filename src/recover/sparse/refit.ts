import { addProducts, wholePanel } from '../../numeric/products.ts';
import { DAMPING, dampingOf, diagonalOf, type Layer, type Mask } from './problem.ts';
import { applyMask } from './select-mask.ts';

/** A squared gradient that has fallen to this share of the first one is rounding. */
const ROUNDING = 1e-22;

/** How weights are refitted. */
export interface RefitOptions {
  /** Share of the mean of H's diagonal that is added to it, 0.01 by default. */
  readonly damping?: number;
  /** Steps at most, 60 by default. */
  readonly steps?: number;
  /**
   * A row is done when gᵀ·D⁻¹·g, g its gradient and D the diagonal of H + λI, is at most this share of its error; 3e-3
   * by default, after which errors fall by half a percent or so, and those of samples held out no more.
   */
  readonly tolerance?: number;
}

/** The rows of a layer under way. Everything is [rows, columns] or [rows]. */
interface Descent {
  readonly columns: number;
  readonly mask: Mask;
  /** Of each column, 1 / (H_jj + λ). */
  readonly inverse: Float64Array;
  readonly weights: Float64Array;
  /** The negative gradient, zero at weights that do not stay. */
  readonly residual: Float64Array;
  readonly direction: Float64Array;
  /** residualᵀ · D⁻¹ · residual. */
  readonly slope: Float64Array;
  /** (ŵ − w)ᵀ (H + λI) (ŵ − w). */
  readonly error: Float64Array;
}

/**
 * Least squares on the weights that stay: minimises (ŵ − w)ᵀ (H + λI) (ŵ − w) of each row by conjugate gradients that
 * begin at given weights and move within those that stay, preconditioned by the diagonal, all rows in one product. λ
 * draws to the weights wanted, not to zero. A row that got worse by H alone is given back as it was.
 * Gradients, not factors, as every row has a support of its own: a factor each would cost rows · support³.
 * Sources: Hubara et al., "Accelerated Sparse Neural Training: A Provable and Efficient Method to Find N:M Transposable
 * Masks", NeurIPS 2021 (the problem); Meng et al., "ALPS", NeurIPS 2024 (conjugate gradients of all masked rows).
 * Cost: rows · columns² multiplications at the start and at each step, of rows that are not done.
 * @param start [rows, columns]; what it holds at weights that do not stay is taken for zero
 */
export function refit(layer: Layer, start: Float64Array, mask: Mask, options: RefitOptions = {}): Float64Array {
  const { rows, columns, moment, weights: wanted } = layer;
  const { damping: share = DAMPING, steps = 60, tolerance = 3e-3 } = options;
  const damping = dampingOf(moment, columns, share);
  const before = applyMask(start, mask);
  const change = before.map((weight, i) => weight - (wanted[i] as number));
  const descent: Descent = {
    columns,
    mask,
    // Without damping, weights of inputs that are always zero have no gradient.
    inverse: diagonalOf(moment, columns).map((square) => (square + damping > 0 ? 1 / (square + damping) : 0)),
    weights: before.slice(),
    residual: timesDamped(change, layer, damping),
    direction: new Float64Array(rows * columns),
    slope: new Float64Array(rows),
    error: new Float64Array(rows),
  };
  for (let row = 0; row < rows; row++) begin(descent, change, row);
  const { error, slope, weights } = descent;
  const undamped = error.map((sum, row) => sum - damping * squaredDistance(before, wanted, row, columns));
  const floor = slope.map((first) => ROUNDING * first);
  const isOpen = (row: number): boolean => {
    return (slope[row] as number) > Math.max(tolerance * (error[row] as number), floor[row] as number);
  };
  let open = Array.from({ length: rows }, (_, row) => row).filter(isOpen);
  for (let step = 0; step < steps && open.length > 0; step++) {
    const directions = gatherRows(descent.direction, columns, open);
    const images = timesDamped(directions, layer, damping);
    for (const [at, row] of open.entries()) advance(descent, row, directions, images, at);
    open = open.filter(isOpen);
  }
  for (let row = 0; row < rows; row++) {
    const now = (error[row] as number) - damping * squaredDistance(weights, wanted, row, columns);
    const isWorse = !(now <= (undamped[row] as number));
    if (isWorse) weights.set(before.subarray(row * columns, (row + 1) * columns), row * columns);
  }
  return weights;
}

/** Rows times H + λI, which is symmetric. */
function timesDamped(values: Float64Array, { columns, moment }: Layer, damping: number): Float64Array {
  const out = values.map((value) => damping * value);
  const rows = values.length / columns;
  const [left, right] = [wholePanel(values, columns), wholePanel(moment, columns)];
  addProducts(wholePanel(out, columns), 1, left, rows, right, columns, columns);
  return out;
}

function gatherRows(values: Float64Array, columns: number, rows: readonly number[]): Float64Array {
  const out = new Float64Array(rows.length * columns);
  for (const [at, row] of rows.entries()) out.set(values.subarray(row * columns, (row + 1) * columns), at * columns);
  return out;
}

function squaredDistance(a: Float64Array, b: Float64Array, row: number, columns: number): number {
  let sum = 0;
  for (let i = row * columns; i < (row + 1) * columns; i++) {
    const change = (a[i] as number) - (b[i] as number);
    sum += change * change;
  }
  return sum;
}

/** Turns the gradient of a row into its residual, and sets off downhill. */
function begin(
  { columns, mask, inverse, residual, direction, slope, error }: Descent,
  change: Float64Array,
  row: number,
): void {
  let sum = 0;
  let steepness = 0;
  for (let j = 0, i = row * columns; j < columns; j++, i++) {
    const gradient = residual[i] as number;
    sum += (change[i] as number) * gradient;
    const left = -(mask[i] as number) * gradient;
    const ahead = left * (inverse[j] as number);
    residual[i] = left;
    direction[i] = ahead;
    steepness += left * ahead;
  }
  error[row] = sum;
  slope[row] = steepness;
}

/** Goes to the lowest point along the direction of a row, and chooses the next direction. */
function advance(descent: Descent, row: number, directions: Float64Array, images: Float64Array, at: number): void {
  const { columns, mask, inverse, weights, residual, direction, slope, error } = descent;
  const base = row * columns;
  const own = at * columns;
  const before = slope[row] as number;
  let curvature = 0;
  for (let j = 0; j < columns; j++) curvature += (directions[own + j] as number) * (images[own + j] as number);
  // Only where H is singular and not damped: nothing is left to gain.
  if (!(curvature > 0)) {
    slope[row] = 0;
    return;
  }
  const length = before / curvature;
  let after = 0;
  for (let j = 0; j < columns; j++) {
    const i = base + j;
    weights[i] = (weights[i] as number) + length * (directions[own + j] as number);
    const left = (mask[i] as number) * ((residual[i] as number) - length * (images[own + j] as number));
    residual[i] = left;
    after += left * left * (inverse[j] as number);
  }
  const turn = after / before;
  for (let j = 0; j < columns; j++) {
    direction[base + j] =
      (residual[base + j] as number) * (inverse[j] as number) + turn * (directions[own + j] as number);
  }
  error[row] = (error[row] as number) - length * before;
  slope[row] = after;
}
