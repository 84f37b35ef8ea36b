import fc from 'fast-check';
import { blocksOf, type Grid, type Rounded, type RoundingProblem } from '../../../src/quantize/rounding/grid.ts';
import { randomMoments } from '../../support/dense.ts';
import { createRandom } from '../../support/random.ts';

export const EIGHT: Grid = { least: -127, most: 127, block: Number.POSITIVE_INFINITY };
export const SEVEN: Grid = { least: -64, most: 64, block: Number.POSITIVE_INFINITY };
export const FOUR: Grid = { least: -8, most: 7, block: 4 };

/** Weights of which about a third is zero, over inputs whose moment may have any rank, 0 included. */
export const someProblems: fc.Arbitrary<RoundingProblem> = fc
  .record({
    rows: fc.integer({ min: 1, max: 5 }),
    columns: fc.integer({ min: 1, max: 40 }),
    samples: fc.nat({ max: 60 }),
    seed: fc.nat({ max: 0xffff }),
    grid: fc.constantFrom(EIGHT, SEVEN, FOUR, { ...EIGHT, shared: true }, { ...FOUR, shared: true }),
    hasMoment: fc.boolean(),
    hasLeast: fc.boolean(),
  })
  .map(({ rows, columns, samples, seed, grid, hasMoment, hasLeast }) => {
    const random = createRandom(seed);
    const weight = (): number => (random.below(3) === 0 ? 0 : random.normal());
    return {
      weights: Float64Array.from({ length: rows * columns }, weight),
      rows,
      columns,
      grid,
      ...(hasMoment
        ? { moment: samples === 0 ? new Float64Array(columns ** 2) : randomMoments(columns, samples, seed) }
        : {}),
      ...(hasLeast ? { leastScales: Float64Array.from({ length: rows }, () => 0.05 * random.uniform()) } : {}),
    };
  });

/** The scale of each weight, [rows, columns]. */
export function scalesOfWeights(problem: RoundingProblem, scales: Float32Array): Float64Array {
  const { rows, columns, grid } = problem;
  return Float64Array.from({ length: rows * columns }, (_, i) => {
    const block = Math.floor((i % columns) / grid.block);
    return scales[Math.floor(i / columns) * blocksOf(problem) + block] ?? Number.NaN;
  });
}

/** What is wrong with what weights became, whichever way they did. */
export function faultsOf(problem: RoundingProblem, { codes, scales, weights }: Rounded): string[] {
  const { least, most, shared } = problem.grid;
  const each = scalesOfWeights(problem, scales);
  const faults: string[] = [];
  const blocks = blocksOf(problem);
  if (scales.length !== problem.rows * blocks) faults.push('number of scales');
  scales.forEach((scale, i) => {
    const row = Math.floor(i / blocks);
    if (!(scale >= 2 ** -126) || !Number.isFinite(scale)) faults.push(`scale ${i}`);
    if (!(scale >= (problem.leastScales?.[row] ?? 0))) faults.push(`least scale ${i}`);
    if (shared === true && scale !== scales[i % blocks]) faults.push(`shared scale ${i}`);
  });
  problem.weights.forEach((weight, i) => {
    const code = codes[i] ?? Number.NaN;
    if (!(code >= least && code <= most)) faults.push(`code ${i}`);
    if (weight === 0 && code !== 0) faults.push(`zero ${i}`);
    if (weights[i] !== code * (each[i] ?? Number.NaN)) faults.push(`weight ${i}`);
  });
  return faults;
}

/** Σ of row errors. */
export function total(errors: Float64Array): number {
  return errors.reduce((sum, error) => sum + error, 0);
}
