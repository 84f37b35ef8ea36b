import { diagonalOf } from '../../recover/sparse/problem.ts';
import { blocksOf, codeOf, type RoundingProblem } from './grid.ts';

/** `absmax`: no weight is clipped. `search`: what costs least by the squares of the inputs, at most as wide. */
export type ScaleChoice = 'absmax' | 'search';

/** The least scale of a grid that is tried, as a part of the one that clips nothing, and steps down to it. */
const NARROWEST = { part: 0.3, steps: 70 };

/** Float32 that are normal; below, processors that flush to zero would divide by it. */
const NORMAL = { least: 2 ** -126, most: (2 - 2 ** -23) * 2 ** 127 };

/** Columns `from` to `to` of the rows `first` to `last`, which share a scale; ends excluded. */
interface Part {
  readonly first: number;
  readonly last: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Scales [rows, blocks] for weights, float32, normal and not below the least ones asked for.
 * `absmax`: the smallest scale at which the grid spans all weights; a grid with −8 but no 8 spans more on one side, and
 * as scales are positive, it is the weights' largest and smallest that decide.
 * `search`: of that scale and parts of it down to 0.3, the one of least Σ_j H_jj (w_j − q_j·s)², so never a worse one by
 * this measure. Few bits gain by clipping the largest weights; in 8 bits, a scale that weights happen to suit is found.
 * Source: the search is that of Choukroun et al., "Low-bit Quantization of Neural Networks for Efficient Inference", ICCV
 * Workshops 2019, with weighted squares. Cost of `search`: 71 roundings a weight.
 */
export function chooseScales(problem: RoundingProblem, choice: ScaleChoice): Float32Array {
  const { rows, columns, grid, moment } = problem;
  const blocks = blocksOf(problem);
  const matters = moment === undefined ? new Float64Array(columns).fill(1) : diagonalOf(moment, columns);
  const scales = new Float32Array(rows * blocks);
  const together = grid.shared === true ? rows : 1;
  for (let first = 0; first < rows; first += together) {
    for (let block = 0; block < blocks; block++) {
      const from = block * Math.min(grid.block, columns);
      const part = { first, last: first + together, from, to: Math.min(from + grid.block, columns) };
      const scale = chooseScale(problem, part, choice, matters);
      for (let row = first; row < part.last; row++) scales[row * blocks + block] = scale;
    }
  }
  return scales;
}

function chooseScale(problem: RoundingProblem, part: Part, choice: ScaleChoice, matters: Float64Array): number {
  const floor = floorOf(problem, part);
  const widest = spanningScale(problem, part);
  // Of zeros any scale does, so that the finest which holds a bias is the best.
  if (widest === 0) return floor > NORMAL.least ? floor : 1;
  let best = asScale(widest, floor);
  if (choice === 'absmax') return best;
  let least = errorAt(problem, part, best, matters);
  let last = best;
  for (let step = 1; step <= NARROWEST.steps; step++) {
    const scale = asScale(widest * (1 - ((1 - NARROWEST.part) * step) / NARROWEST.steps), floor);
    if (scale === last) break;
    last = scale;
    const error = errorAt(problem, part, scale, matters);
    if (error < least) [best, least] = [scale, error];
  }
  return best;
}

function asScale(wanted: number, floor: number): number {
  return Math.min(Math.max(Math.fround(Math.min(wanted, NORMAL.most)), floor), NORMAL.most);
}

/** The least normal float32, or what the rows ask for at least, rounded up. */
function floorOf({ leastScales }: RoundingProblem, { first, last }: Part): number {
  let floor: number = NORMAL.least;
  for (let row = first; leastScales !== undefined && row < last; row++) {
    floor = Math.max(floor, leastScales[row] as number);
  }
  const near = Math.fround(floor);
  return near < floor ? Math.fround(near * (1 + 2 ** -23)) : near;
}

/** The smallest scale at which the grid spans all weights of a part; 0 where all are zero. */
function spanningScale({ weights, columns, grid }: RoundingProblem, { first, last, from, to }: Part): number {
  let lowest = 0;
  let highest = 0;
  for (let row = first; row < last; row++) {
    for (let i = row * columns + from; i < row * columns + to; i++) {
      lowest = Math.min(lowest, weights[i] as number);
      highest = Math.max(highest, weights[i] as number);
    }
  }
  return Math.max(lowest / grid.least, highest / grid.most);
}

/** Σ H_jj (w_j − q_j·s)² of a part. */
function errorAt(
  { weights, columns, grid: { least, most } }: RoundingProblem,
  { first, last, from, to }: Part,
  scale: number,
  matters: Float64Array,
): number {
  const inverse = 1 / scale;
  let sum = 0;
  for (let row = first; row < last; row++) {
    const base = row * columns;
    for (let j = from; j < to; j++) {
      const weight = weights[base + j] as number;
      const error = weight - codeOf(weight * inverse, least, most) * scale;
      sum += error * error * (matters[j] as number);
    }
  }
  return sum;
}
