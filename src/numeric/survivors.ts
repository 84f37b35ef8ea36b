import { OnnxPruneError } from '../errors.ts';
import { factorize, inverse } from './cholesky.ts';
import { addProducts, type Panel } from './products.ts';
import { selfProducts } from './symmetric.ts';
import { transpose } from './transpose.ts';
import { solveLower } from './triangular.ts';

/** A linear layer y = W·x that reads the units of a group. */
export interface Consumer {
  /** W [rows, features], row-major, float64. */
  readonly weight: Float64Array;
  readonly rows: number;
  readonly features: number;
  /** H [features, features], row-major, float64: the mean of x·xᵀ, or its covariance; only the lower triangle is read. */
  readonly moments: Float64Array;
  /** What to add to the diagonal of H, absolute; 0 where it has been added. */
  readonly damping: number;
  /** [features]: the unit that each feature belongs to, -1 for one that always stays. */
  readonly unitOf: Int32Array;
  /** What the errors of this layer are multiplied by, such as 1 / the energy of its outputs. */
  readonly importance: number;
}

/** Rows of units that left are dropped once they are this part of all. */
const DROPPED_PART = 1 / 8;

/**
 * What is known of one consumer while units leave it one after the other: P = H⁻¹ of the features that are left, and
 * G = WᵀW of the weights that have taken over. A unit with features S costs tr(W_S·(P_SS)⁻¹·W_Sᵀ) = tr((P_SS)⁻¹·G_SS), so
 * rows of weights are not needed once G is there. When it leaves, with L·Lᵀ = P_SS and k = L⁻¹·P_S:,
 *
 *     P ← P − kᵀ·k,   W ← W − W_S·L⁻ᵀ·k,   G ← G − kᵀ·j − jᵀ·k   where j = L⁻¹·G_S: − ½ · L⁻¹·G_SS·L⁻ᵀ·k.
 *
 * Only the blocks P_SS and G_SS of all units are kept up to date; k and j are collected, and rows P_S: and G_S: are worked
 * out when their unit leaves: a pivoted Cholesky factorization from the left. With r features gone, a step costs
 * 6 · features · r · |S| operations rather than the 6 · features² · |S| of changing all of P and G, and no memory is rewritten.
 * Sources: Hassibi and Stork, "Second order derivatives for network pruning: Optimal Brain Surgeon", NIPS 1992; blocks:
 * Frantar and Alistarh, "Optimal Brain Compression", NeurIPS 2022; structures: Kurtic et al., "ZipLM", NeurIPS 2023.
 */
export class Survivors {
  /** What was added to the diagonal of H. */
  readonly damping: number;
  /** Number of features that belong to units; those that always stay matter for H⁻¹ alone. */
  readonly #width: number;
  /** [count] features of each unit, and the first of them among all that belong to units, which are sorted by unit. */
  readonly #sizes: Int32Array;
  readonly #starts: Int32Array;
  /** P and G [width, width] as they were when all units were there. */
  readonly #inverse: Float64Array;
  readonly #products: Float64Array;
  /** The blocks P_SS and G_SS [size, size] of each unit as they are now, one after the other. */
  readonly #inverseBlocks: Float64Array;
  readonly #productBlocks: Float64Array;
  readonly #blockStarts: Int32Array;
  /** All k and all j so far, transposed: a row of `stride` for each feature in a slot, `#gone` of which are filled. */
  readonly #downdates: Float64Array;
  readonly #changes: Float64Array;
  readonly #stride: number;
  #gone = 0;
  /** The units in slots, ascending, and the first slot of each unit. */
  #present: number[];
  readonly #slots: Int32Array;
  readonly #hasLeft: Uint8Array;

  /**
   * @param count units of the group
   * @param leaving how many of them will leave at most
   * @throws OnnxPruneError `bad-data` where moments or weights are not finite
   */
  constructor(consumer: Consumer, count: number, leaving: number) {
    const { weight, rows, features, moments, unitOf } = consumer;
    const factor = factorize(moments, features, consumer.damping);
    this.damping = factor.damping;
    const { sizes, starts, order } = sortByUnit(unitOf, features, count);
    this.#sizes = sizes;
    this.#starts = starts;
    this.#slots = starts.slice();
    this.#width = order.length;
    this.#inverse = take(inverse(factor), features, order);
    this.#products = selfProducts(takeColumns(weight, rows, features, order), order.length, rows);
    this.#blockStarts = runningSum(sizes.map((size) => size * size));
    this.#inverseBlocks = this.#cutBlocks(this.#inverse);
    this.#productBlocks = this.#cutBlocks(this.#products);
    if (!this.#productBlocks.every(Number.isFinite)) {
      throw new OnnxPruneError(
        'bad-data',
        'weights',
        `Weights [${rows}, ${features}] hold numbers that are not finite or whose squares are not, so that no units can be ranked; leave this layer out.`,
      );
    }
    this.#stride = sizes
      .toSorted()
      .subarray(count - leaving)
      .reduce((sum, size) => sum + size, 0);
    this.#downdates = new Float64Array(this.#width * this.#stride);
    this.#changes = new Float64Array(this.#width * this.#stride);
    this.#present = Array.from({ length: count }, (_, unit) => unit);
    this.#hasLeft = new Uint8Array(count);
  }

  /** By how much the squared error of the outputs, as H weighs it, grows when this unit leaves now. */
  score(unit: number): number {
    const size = this.#sizes[unit] as number;
    const at = this.#blockStarts[unit] as number;
    if (size === 0) return 0;
    const own = this.#inverseBlocks[at] as number;
    // The way of several features in short; rounding may leave nothing of P, which that way mends.
    if (size === 1 && own > 0) return Math.max((this.#productBlocks[at] as number) / own, 0);
    const middle = inverse(factorize(this.#inverseBlocks.subarray(at, at + size * size), size, 0));
    let sum = 0;
    for (let i = 0; i < size * size; i++) sum += (middle[i] as number) * (this.#productBlocks[at + i] as number);
    return Math.max(sum, 0);
  }

  /** Takes a unit out; the features of the others take over. */
  remove(unit: number): void {
    this.#hasLeft[unit] = 1;
    const size = this.#sizes[unit] as number;
    if (size === 0) return;
    const at = this.#blockStarts[unit] as number;
    const { lower } = factorize(this.#inverseBlocks.subarray(at, at + size * size), size, 0);
    const { downdate, change } = this.#currentRows(unit);
    const height = downdate.length / size;
    solveLower(lower, size, downdate, height);
    solveLower(lower, size, change, height);
    const slot = this.#slots[unit] as number;
    const own = transpose(change.subarray(slot * size, (slot + size) * size), size, size);
    solveLower(lower, size, own, size);
    addProducts(panel(change, 0, size), -0.5, panel(downdate, 0, size), height, panel(own, 0, size), size, size);
    this.#collect(downdate, change, size);
    this.#updateBlocks(downdate, change, size);
    this.#dropRows();
  }

  /** P and G as they are now, between all features in slots and those of a unit: [slots, size]. */
  #currentRows(unit: number): { downdate: Float64Array; change: Float64Array } {
    const size = this.#sizes[unit] as number;
    const downdate = this.#originalRows(this.#inverse, unit);
    const change = this.#originalRows(this.#products, unit);
    const height = downdate.length / size;
    const at = (this.#slots[unit] as number) * this.#stride;
    const subtract = (out: Float64Array, left: Float64Array, right: Float64Array): void =>
      addProducts(
        panel(out, 0, size),
        -1,
        panel(left, 0, this.#stride),
        height,
        panel(right, at, this.#stride),
        size,
        this.#gone,
      );
    subtract(downdate, this.#downdates, this.#downdates);
    subtract(change, this.#downdates, this.#changes);
    subtract(change, this.#changes, this.#downdates);
    return { downdate, change };
  }

  #originalRows(matrix: Float64Array, unit: number): Float64Array {
    const size = this.#sizes[unit] as number;
    const from = this.#starts[unit] as number;
    const rows: number[] = [];
    for (const each of this.#present) {
      const start = this.#starts[each] as number;
      for (let i = 0; i < (this.#sizes[each] as number); i++) rows.push(start + i);
    }
    const columns = new Float64Array(rows.length * size);
    rows.forEach((row, i) => {
      const start = row * this.#width + from;
      for (let j = 0; j < size; j++) columns[i * size + j] = matrix[start + j] as number;
    });
    return columns;
  }

  #collect(downdate: Float64Array, change: Float64Array, size: number): void {
    for (let from = 0, to = this.#gone; from < downdate.length; from += size, to += this.#stride) {
      for (let j = 0; j < size; j++) {
        this.#downdates[to + j] = downdate[from + j] as number;
        this.#changes[to + j] = change[from + j] as number;
      }
    }
    this.#gone += size;
  }

  #updateBlocks(downdate: Float64Array, change: Float64Array, depth: number): void {
    for (const unit of this.#present) {
      if (this.#hasLeft[unit] === 1) continue;
      const size = this.#sizes[unit] as number;
      const at = this.#blockStarts[unit] as number;
      const k = panel(downdate, (this.#slots[unit] as number) * depth, depth);
      const j = panel(change, k.at, depth);
      addProducts(panel(this.#inverseBlocks, at, size), -1, k, size, k, size, depth);
      addProducts(panel(this.#productBlocks, at, size), -1, k, size, j, size, depth);
      addProducts(panel(this.#productBlocks, at, size), -1, j, size, k, size, depth);
    }
  }

  /** Moves the rows of units that are there together, once there are many others between them. */
  #dropRows(): void {
    const widthOf = (units: readonly number[]): number =>
      units.reduce((sum, unit) => sum + (this.#sizes[unit] as number), 0);
    const staying = this.#present.filter((unit) => this.#hasLeft[unit] === 0);
    const [left, before] = [widthOf(staying), widthOf(this.#present)];
    if (before - left <= before * DROPPED_PART) return;
    let slot = 0;
    for (const unit of staying) {
      const size = this.#sizes[unit] as number;
      const from = (this.#slots[unit] as number) * this.#stride;
      for (const rows of [this.#downdates, this.#changes])
        rows.copyWithin(slot * this.#stride, from, from + size * this.#stride);
      this.#slots[unit] = slot;
      slot += size;
    }
    this.#present = staying;
  }

  #cutBlocks(matrix: Float64Array): Float64Array {
    const blocks = new Float64Array(this.#sizes.reduce((sum, size) => sum + size * size, 0));
    this.#sizes.forEach((size, unit) => {
      const start = this.#starts[unit] as number;
      const at = this.#blockStarts[unit] as number;
      for (let i = 0; i < size; i++) {
        const row = (start + i) * this.#width + start;
        blocks.set(matrix.subarray(row, row + size), at + i * size);
      }
    });
    return blocks;
  }
}

function panel(data: Float64Array, at: number, stride: number): Panel {
  return { data, at, stride };
}

/** The features of all units, those of a unit together and ascending. */
function sortByUnit(
  unitOf: Int32Array,
  features: number,
  count: number,
): { sizes: Int32Array; starts: Int32Array; order: Int32Array } {
  const sizes = new Int32Array(count);
  for (const unit of unitOf) if (unit >= 0) sizes[unit] = (sizes[unit] as number) + 1;
  const starts = runningSum(sizes);
  const next = starts.slice();
  const order = new Int32Array(sizes.reduce((sum, size) => sum + size, 0));
  for (let feature = 0; feature < features; feature++) {
    const unit = unitOf[feature] as number;
    if (unit < 0) continue;
    order[next[unit] as number] = feature;
    next[unit] = (next[unit] as number) + 1;
  }
  return { sizes, starts, order };
}

/** The sums of all numbers before each. */
function runningSum(sizes: Int32Array): Int32Array {
  let sum = 0;
  return sizes.map((size) => {
    sum += size;
    return sum - size;
  });
}

/** The same rows and columns of a square matrix. */
function take(matrix: Float64Array, n: number, places: Int32Array): Float64Array {
  const taken = new Float64Array(places.length ** 2);
  for (let i = 0; i < places.length; i++) {
    const row = (places[i] as number) * n;
    const at = i * places.length;
    for (let j = 0; j < places.length; j++) taken[at + j] = matrix[row + (places[j] as number)] as number;
  }
  return taken;
}

/** Columns of a matrix as rows. */
function takeColumns(matrix: Float64Array, rows: number, columns: number, places: Int32Array): Float64Array {
  const transposed = transpose(matrix, rows, columns);
  const taken = new Float64Array(places.length * rows);
  places.forEach((place, i) => {
    taken.set(transposed.subarray(place * rows, (place + 1) * rows), i * rows);
  });
  return taken;
}
