/** The integers that weights become, and which of them share a scale. */
export interface Grid {
  /**
   * Smallest and largest integer: −127 and 127, −64 and 64 for sums that must not overflow, −8 and 7 for 4 bits. 0
   * stands for zero.
   */
  readonly least: number;
  readonly most: number;
  /** Consecutive columns of a row that share a scale; all of a row, where not less than columns. */
  readonly block: number;
  /** Whether all rows share one scale (per tensor; with blocks, one a block); default false. */
  readonly shared?: boolean;
}

/** Weights to round, and what they are multiplied with. */
export interface RoundingProblem {
  /** W, row-major [rows, columns], finite. */
  readonly weights: Float64Array;
  readonly rows: number;
  readonly columns: number;
  readonly grid: Grid;
  /** H = E x·xᵀ (centred or not) [columns, columns]; may be singular; absent: all columns matter alike. */
  readonly moment?: Float64Array;
  /** Scales that are not to be fallen below, [rows]: a bias of 32 bits must be held. */
  readonly leastScales?: Float64Array;
  /** Scales given from outside [rows, blocks] (already float32 values, > 0), then none is chosen. */
  readonly scales?: Float32Array;
}

/** Integers and the weights that they stand for. */
export interface Rounded {
  /** Row-major [rows, columns]; zero wherever the weight was exactly zero. */
  readonly codes: Int8Array;
  /** [rows, blocks], float32, > 0 and normal; a row of zeros has its least scale, or 1 where there is none. */
  readonly scales: Float32Array;
  /** codes · scales, [rows, columns]. */
  readonly weights: Float64Array;
}

/** How many scales a row has: blocks of columns, of which the last may be shorter. */
export function blocksOf({ columns, grid }: Pick<RoundingProblem, 'columns' | 'grid'>): number {
  return Math.max(1, Math.ceil(columns / grid.block));
}

/** From where on float64 holds whole numbers only, so that adding it rounds. */
const WHOLE = 1.5 * 2 ** 52;

/**
 * The integer of a grid that is nearest to weight / scale, of two as near the even one; saturates.
 * Source: ONNX operator QuantizeLinear, whose rounding is that of IEEE 754, which the addition of 1.5 · 2⁵² does.
 */
export function codeOf(ratio: number, least: number, most: number): number {
  return Math.min(Math.max(ratio, least), most) + WHOLE - WHOLE;
}

/** Integers and scales with the weights that they stand for. */
export function rounded(problem: RoundingProblem, codes: Int8Array, scales: Float32Array): Rounded {
  const { rows, columns, grid } = problem;
  const blocks = blocksOf(problem);
  const weights = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const scale = scales[row * blocks + block] as number;
      const from = row * columns + block * Math.min(grid.block, columns);
      const to = Math.min(from + grid.block, (row + 1) * columns);
      for (let i = from; i < to; i++) weights[i] = (codes[i] as number) * scale;
    }
  }
  return { codes, scales, weights };
}

/**
 * Checks that arrays have the sizes that are said and that the grid is one of 8 bits around zero.
 * @throws RangeError naming what does not fit
 */
export function checkRounding(problem: RoundingProblem): void {
  const { weights, rows, columns, grid, moment, leastScales, scales } = problem;
  const expect = (what: string, found: number | undefined, wanted: number): void => {
    if (found !== undefined && found !== wanted) {
      throw new RangeError(`${what}: expected ${wanted} numbers, found ${found}.`);
    }
  };
  const { least, most, block } = grid;
  if (![least, most].every(Number.isInteger) || least < -128 || least >= 0 || most <= 0 || most > 127) {
    throw new RangeError(`grid: expected whole numbers from −128 to 127 around 0, found ${least} and ${most}.`);
  }
  if (!(block >= 1) || (block < columns && !Number.isInteger(block))) {
    throw new RangeError(`block: expected a whole number of columns from 1 on, found ${block}.`);
  }
  expect('weights', weights.length, rows * columns);
  expect('moment', moment?.length, columns * columns);
  expect('leastScales', leastScales?.length, rows);
  expect('scales', scales?.length, rows * blocksOf(problem));
}
