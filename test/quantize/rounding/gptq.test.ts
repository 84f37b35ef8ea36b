import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { factorize, upperOfInverse } from '../../../src/numeric/cholesky.ts';
import { rowErrors } from '../../../src/quantize/rounding/error.ts';
import { columnSweep, roundGptq } from '../../../src/quantize/rounding/gptq.ts';
import { codeOf, type RoundingProblem } from '../../../src/quantize/rounding/grid.ts';
import { roundNearest } from '../../../src/quantize/rounding/nearest.ts';
import { permuteSymmetric } from '../../../src/recover/sparse/column-order.ts';
import { DAMPING, dampingOf } from '../../../src/recover/sparse/problem.ts';
import { outputError, reluLayer } from '../../recover/sparse/layers.ts';
import { identity } from '../../support/dense.ts';
import { EIGHT, FOUR, faultsOf, SEVEN, scalesOfWeights, someProblems, total } from './problems.ts';

/** The sweep as the paper has it: the inverse of H, and all later weights updated by every error. */
function byTheBook(problem: RoundingProblem, moment: Float64Array, scales: Float32Array): Float64Array {
  const { rows, columns, grid } = problem;
  const order = columnSweep(moment, columns).order.toReversed();
  const factor = factorize(permuteSymmetric(moment, order), columns, dampingOf(moment, columns, DAMPING));
  const upper = upperOfInverse(factor);
  const steps = scalesOfWeights(problem, scales);
  const out = problem.weights.slice();
  for (let row = 0; row < rows; row++) {
    order.forEach((column, i) => {
      const at = row * columns + column;
      const step = steps[at] ?? Number.NaN;
      const weight = out[at] ?? Number.NaN;
      const kept = problem.weights[at] === 0 ? 0 : codeOf(weight / step, grid.least, grid.most) * step;
      const share = (weight - kept) / (upper[i * columns + i] ?? Number.NaN);
      order.forEach((other, j) => {
        if (j > i)
          out[row * columns + other] = (out[row * columns + other] ?? 0) - share * (upper[i * columns + j] ?? 0);
      });
      out[at] = kept;
    });
  }
  return out;
}

function twoColumns(weights: readonly [number, number], moment: readonly number[]): RoundingProblem {
  const scales = Float32Array.of(1);
  return {
    weights: Float64Array.from(weights),
    rows: 1,
    columns: 2,
    grid: EIGHT,
    scales,
    moment: Float64Array.from(moment),
  };
}

describe('rounding with what later columns take over', () => {
  // Column 0 is first: it leaves 0.3 (0.4), which at λ = 0.01 adds H_01 / (H_11 + λ) of that to column 1.
  test.each([
    // 0.4 + 0.3 / 1.01 = 0.697; together 0.7 − 1.
    ['equal inputs', [0.3, 0.4], [1, 1, 1, 1], [0, 1], 0.09],
    // 2.6 − 0.4 / 1.01 = 2.204; together 0.4 − 0.6.
    ['opposite inputs', [1.4, 2.6], [1, -1, -1, 1], [1, 2], 0.04],
    // λ = 0.025; 0.1 + 0.3 · 2 / 1.025 = 0.685; together 0.6 − 0.9.
    ['an input twice the other', [0.3, 0.1], [4, 2, 2, 1], [0, 1], 0.09],
    // The larger input is first, wherever it is.
    ['an input half the other', [0.1, 0.3], [1, 2, 2, 4], [1, 0], 0.09],
  ] as const)('of %s', (_, weights, moment, codes, error) => {
    const problem = twoColumns(weights, moment);
    const found = roundGptq(problem);
    expect([...found.codes]).toEqual(codes);
    expect(total(rowErrors(problem, found.weights))).toBeCloseTo(error, 12);
    expect(total(rowErrors(problem, roundNearest(problem).weights))).toBeGreaterThan(5 * error);
  });

  test('passes what a weight that stays zero is owed on to others', () => {
    // 0.3 of column 0 are not taken by column 1; 0.3 + 0.3 / 1.01 = 0.597 of it by column 2.
    const moment = new Float64Array(9).fill(1);
    const weights = Float64Array.of(0.3, 0, 0.3);
    const found = roundGptq({ weights, rows: 1, columns: 3, grid: EIGHT, scales: Float32Array.of(1), moment });
    expect([...found.codes]).toEqual([0, 0, 1]);
  });

  test.each([
    ['8 bits', EIGHT, 70],
    ['7 bits', SEVEN, 33],
    ['4 bits in blocks', { ...FOUR, block: 16 }, 100],
  ])('is the update by the inverse of the paper, in %s', (_, grid, columns) => {
    const layer = reluLayer({ rows: 6, columns, seed: 4, dead: [3, 7] });
    const weights = layer.weights.map((weight, i) => (i % 5 === 0 ? 0 : weight));
    const problem = { weights, rows: 6, columns, moment: layer.moment, grid };
    const found = roundGptq(problem);
    const wanted = byTheBook(problem, layer.moment, found.scales);
    // All rows gain, so none has been replaced.
    const [before, after] = [roundNearest(problem).weights, found.weights].map((each) => rowErrors(problem, each));
    after?.forEach((error, row) => {
      expect(error).toBeLessThan(before?.[row] ?? 0);
    });
    expect([...found.weights]).toEqual([...wanted]);
  });

  test('is rounding to nearest where inputs have nothing in common, or nothing is known of them', () => {
    fc.assert(
      fc.property(someProblems, (problem) => {
        const { columns } = problem;
        const moments = [
          identity(columns),
          identity(columns).map((one, i) => one * (i % 7)),
          new Float64Array(columns ** 2),
        ];
        for (const moment of moments) expect(roundGptq({ ...problem, moment })).toEqual(roundNearest(problem));
        const { moment: _, ...blind } = problem;
        expect(roundGptq(blind)).toEqual(roundNearest(problem));
      }),
      { numRuns: 40 },
    );
  });

  test('keeps to the grid, to zeros and to the least scales, and no row is worse than rounded to nearest', () => {
    fc.assert(
      fc.property(someProblems, (problem) => {
        const found = roundGptq(problem);
        expect(faultsOf(problem, found)).toEqual([]);
        expect(roundGptq(problem)).toEqual(found);
        const before = rowErrors(problem, roundNearest(problem).weights);
        rowErrors(problem, found.weights).forEach((error, row) => {
          expect(error).toBeLessThanOrEqual(before[row] ?? Number.NaN);
        });
      }),
    );
  });

  test('leaves weights on the grid as they are', () => {
    const { moment } = reluLayer({ rows: 1, columns: 50, seed: 5 });
    const weights = Float64Array.from({ length: 50 }, (_, i) => (((i * 37) % 255) - 127) / 32);
    const found = roundGptq({ weights, rows: 1, columns: 50, moment, grid: EIGHT, scales: Float32Array.of(1 / 32) });
    expect([...found.weights]).toEqual([...weights]);
  });

  test.each([
    ['8 bits', EIGHT],
    ['7 bits', SEVEN],
    ['4 bits', { ...FOUR, block: 32 }],
  ])('loses less than half on correlated inputs in %s, on other samples too', (_, grid) => {
    const layer = reluLayer({ rows: 16, columns: 160, seed: 8 });
    const problem = { weights: layer.weights, rows: 16, columns: 160, moment: layer.moment, grid };
    const [nearest, swept] = [roundNearest(problem).weights, roundGptq(problem).weights];
    expect(total(rowErrors(problem, swept))).toBeLessThan(0.4 * total(rowErrors(problem, nearest)));
    const other = { ...layer, moment: layer.check };
    expect(outputError(other, swept)).toBeLessThan(0.5 * outputError(other, nearest));
  });

  test('makes good what one input says twice, of whatever rank the rest is', () => {
    // Rank 1: all that a row loses is one sum, which the last column brings within half a step.
    const moment = new Float64Array(64).fill(1);
    const weights = Float64Array.from({ length: 8 }, () => 0.45);
    const problem = { weights, rows: 1, columns: 8, moment, grid: EIGHT, scales: Float32Array.of(1) };
    expect(total(rowErrors(problem, roundNearest(problem).weights))).toBeCloseTo(3.6 ** 2, 9);
    expect(total(rowErrors(problem, roundGptq(problem).weights))).toBeLessThanOrEqual(0.25);
  });
});

describe('the error of rounding', () => {
  test('is that of each output, with and without a moment', () => {
    const layer = reluLayer({ rows: 4, columns: 9, seed: 2 });
    const other = layer.weights.map((weight, i) => weight + 0.1 * Math.sin(i));
    expect(total(rowErrors(layer, other))).toBeCloseTo(outputError(layer, other), 9);
    const { weights, rows, columns } = layer;
    const blind = rowErrors({ weights, rows, columns }, other);
    expect(blind).toHaveLength(4);
    expect(total(blind)).toBeCloseTo(outputError({ ...layer, moment: identity(9) }, other), 9);
  });
});
