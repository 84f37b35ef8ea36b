import { blocksOf, type Rounded, type RoundingProblem } from './grid.ts';

/**
 * Largest sum of two codes of the same sign that no pair of inputs makes saturate: ⌊32767 / 255⌋, as ⌊32768 / 255⌋, is
 * 128. 255 · 128 = 32640 fits into 16 bits, 255 · 129 = 32895 does not.
 */
const PAIR = 128;

/** Half the pair, which any two codes may be. */
const HALF = PAIR / 2;

/**
 * What the two largest weights of a row may sum up to, in steps of its scale. Rounded to nearest, 127 is 128 at most;
 * where weights take over errors of others they may grow more, and the next sum leaves room for that.
 */
const ROOM = [PAIR - 1, PAIR - 8] as const;

/**
 * Which rows are right on processors that multiply and add in 16 bits, whatever two columns of a row are paired: [rows],
 * 1 for those that are. VPMADDUBSW multiplies unsigned with signed bytes and adds two neighbouring products, and what
 * leaves −32768…32767 saturates without notice; x86 without VNNI instructions runs integer layers so. For inputs
 * a, b in 0…255 and codes p, q the sum a·p + b·q is largest at 255 · (max(p, 0) + max(q, 0)), and smallest likewise, so
 * that codes of opposite sign never leave the range and those of the same sign do where |p| + |q| is above 128. Which
 * columns meet depends on the kernel, thus the two largest and the two smallest of a row decide.
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, PMADDUBSW; onnxruntime's documentation,
 * "Quantize ONNX models", on `reduce_range`, which has 7 bits for all rows instead.
 * @param codes row-major [rows, columns]
 */
export function rowsThatFit(codes: Int8Array, rows: number, columns: number): Uint8Array {
  return Uint8Array.from({ length: rows }, (_, row) => {
    return Number(largestPair(codes, row * columns, (row + 1) * columns) <= PAIR);
  });
}

/** The largest magnitude of the sum of two numbers of the same sign, or of one where there is one of a sign. */
function largestPair(values: Int8Array | Float64Array, from: number, to: number): number {
  // The largest and the second, the smallest and the second.
  let higher = 0;
  let high = 0;
  let lower = 0;
  let low = 0;
  for (let i = from; i < to; i++) {
    const value = values[i] as number;
    high = Math.max(high, Math.min(value, higher));
    higher = Math.max(higher, value);
    low = Math.min(low, Math.max(value, lower));
    lower = Math.min(lower, value);
  }
  return Math.max(high + higher, -low - lower);
}

/**
 * Rounds so that all rows are as {@link rowsThatFit} wants them. A row keeps its 8 bits, at the scale at which its two
 * largest weights of one sign fit together: where others are much smaller than the largest, as weights of trained layers
 * are, that is down to half of what −64 to 64 asks for, and where they are not, about the same. Rows that do not fit even so,
 * as others than the largest grew, are rounded anew with more room, and then on a grid of −64 to 64. Where rows share a
 * scale, all of them are. Where scales are given from outside they stay, and codes beyond ±64 are clipped where they must.
 * @param round rounds a problem that is the same but for its rows, grid and least scales
 */
export function fitRows(problem: RoundingProblem, round: (problem: RoundingProblem) => Rounded): Rounded {
  const { grid, scales } = problem;
  const narrow = { ...grid, least: Math.max(grid.least, -HALF), most: Math.min(grid.most, HALF) };
  if (narrow.least === grid.least && narrow.most === grid.most) return round(problem);
  const last = { ...problem, grid: narrow };
  if (scales !== undefined) return roundMisfits(last, round(problem), round);
  const [first, second] = ROOM;
  const found = round({ ...problem, leastScales: pairScales(problem, first) });
  const better = roundMisfits({ ...problem, leastScales: pairScales(problem, second) }, found, round);
  return roundMisfits(last, better, round);
}

/** For each row, the scale at which its two largest weights of one sign are `room` steps, or the least if that is more. */
function pairScales({ weights, rows, columns, leastScales }: RoundingProblem, room: number): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => {
    const scale = largestPair(weights, row * columns, (row + 1) * columns) / room;
    return Math.max(scale, leastScales?.[row] ?? 0);
  });
}

/** Rounds those rows anew that do not fit; all of them, where one does not and they share a scale. */
function roundMisfits(problem: RoundingProblem, found: Rounded, round: (problem: RoundingProblem) => Rounded): Rounded {
  const { rows, columns, grid } = problem;
  const fits = rowsThatFit(found.codes, rows, columns);
  if (!fits.includes(0)) return found;
  if (grid.shared === true) return round(problem);
  const some = Int32Array.from(fits.keys()).filter((row) => fits[row] === 0);
  const again = round(takeRows(problem, some));
  const out = { codes: found.codes.slice(), scales: found.scales.slice(), weights: found.weights.slice() };
  const blocks = blocksOf(problem);
  some.forEach((row, i) => {
    out.codes.set(again.codes.subarray(i * columns, (i + 1) * columns), row * columns);
    out.weights.set(again.weights.subarray(i * columns, (i + 1) * columns), row * columns);
    out.scales.set(again.scales.subarray(i * blocks, (i + 1) * blocks), row * blocks);
  });
  return out;
}

/** The problem of some rows alone. */
function takeRows(problem: RoundingProblem, some: Int32Array): RoundingProblem {
  const { weights, columns, leastScales, scales } = problem;
  const blocks = blocksOf(problem);
  const taken = new Float64Array(some.length * columns);
  const takenScales = new Float32Array(scales === undefined ? 0 : some.length * blocks);
  some.forEach((row, i) => {
    taken.set(weights.subarray(row * columns, (row + 1) * columns), i * columns);
    if (scales !== undefined) takenScales.set(scales.subarray(row * blocks, (row + 1) * blocks), i * blocks);
  });
  return {
    ...problem,
    weights: taken,
    rows: some.length,
    ...(leastScales === undefined ? {} : { leastScales: Float64Array.from(some, (row) => leastScales[row] as number) }),
    ...(scales === undefined ? {} : { scales: takenScales }),
  };
}
