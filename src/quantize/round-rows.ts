import type { RoundedMatrix } from '../ops/rounded-form.ts';
import type { Grid } from './rounding/grid.ts';
import { type RoundingMethod, roundWeights } from './rounding/round.ts';

/** How weights are rounded. */
export interface RoundingOptions {
  readonly method: RoundingMethod;
  /** Whether sums must hold on CPUs that add products of bytes in 16 bits. */
  readonly portable: boolean;
}

/** A weight as rows of numbers. */
export interface WeightRows {
  readonly rows: number;
  readonly columns: number;
  /** Some of the rows, row-major. */
  read(from: number, to: number): Float64Array;
}

/** Steps to either side that are few: 4 bits. */
export const FEW_STEPS = 8;
/** Numbers that are read at a time. */
const PART = 2 ** 20;

/** With so many steps the largest weight decides best; with few, a smaller scale may lose less. */
export function scaling({ most }: Grid, { portable }: RoundingOptions): Parameters<typeof roundWeights>[2] {
  return { scales: most > FEW_STEPS ? 'absmax' : 'search', portable };
}

/**
 * Rounds a weight to the nearest integers, some rows at a time, so that memory holds few of them in float64.
 * @param leastScales [rows] that scales are not to fall below
 */
export function roundRows(
  { rows, columns, read }: WeightRows,
  grid: Grid,
  options: RoundingOptions,
  leastScales: Float64Array = new Float64Array(rows),
): RoundedMatrix {
  const blocks = Math.max(1, Math.ceil(columns / grid.block));
  const [codes, scales] = [new Int8Array(rows * columns), new Float32Array(rows * blocks)];
  const step = Math.max(1, Math.floor(PART / columns));
  for (let from = 0; from < rows; from += step) {
    const to = Math.min(rows, from + step);
    const problem = {
      weights: read(from, to),
      rows: to - from,
      columns,
      grid,
      leastScales: leastScales.slice(from, to),
    };
    const part = roundWeights(problem, 'nearest', scaling(grid, options));
    codes.set(part.codes, from * columns);
    scales.set(part.scales, from * blocks);
  }
  return { codes, scales };
}

/** The numbers that integers stand for, row-major; a row has its scales for blocks of the same number of columns, but for the last. */
export function numbersOf(
  { codes, scales }: RoundedMatrix,
  { rows, columns }: Omit<WeightRows, 'read'>,
  block: number,
): Float32Array {
  const blocks = scales.length / rows;
  const numbers = new Float32Array(codes.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const scale = scales[row * blocks + Math.floor(column / block)] as number;
      numbers[row * columns + column] = (codes[row * columns + column] as number) * scale;
    }
  }
  return numbers;
}
