import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { roundGptq } from '../../../src/quantize/rounding/gptq.ts';
import type { Rounded, RoundingProblem } from '../../../src/quantize/rounding/grid.ts';
import { roundNearest } from '../../../src/quantize/rounding/nearest.ts';
import { fitRows, rowsThatFit } from '../../../src/quantize/rounding/overflow.ts';
import { EIGHT, FOUR, faultsOf, SEVEN, someProblems } from './problems.ts';

/** Whether some pair of unsigned bytes leaves the 16 bits, tried one by one. */
function saturates(p: number, q: number): boolean {
  for (let a = 0; a < 256; a++) {
    for (let b = 0; b < 256; b++) {
      const sum = a * p + b * q;
      if (sum > 32767 || sum < -32768) return true;
    }
  }
  return false;
}

describe('rows that fit', () => {
  test('are those of which no two codes saturate with any inputs', () => {
    let fitting = 0;
    for (let p = -128; p <= 127; p += 5) {
      const near = [128 - p, 129 - p, -128 - p, -129 - p, 127, -128, 0].filter((q) => q >= -128 && q <= 127);
      for (const q of near) {
        const [fits] = rowsThatFit(Int8Array.of(p, q), 1, 2);
        expect([p, q, fits]).toEqual([p, q, Number(!saturates(p, q))]);
        fitting += fits ?? 0;
      }
    }
    expect(fitting).toBeGreaterThan(50);
  });

  test('have all pairs fit, wherever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -128, max: 127 }), { minLength: 1, maxLength: 12 }), (codes) => {
        const pairs = codes.flatMap((p, i) => codes.slice(i + 1).map((q) => Math.abs(p + q)));
        const wanted = Number(pairs.every((sum) => sum <= 128));
        expect([...rowsThatFit(Int8Array.from(codes), 1, codes.length)]).toEqual([wanted]);
      }),
    );
  });

  test('are told one by one', () => {
    expect([...rowsThatFit(Int8Array.of(127, 1, -127, 127, 2, 0, 64, 64, -64, -65, 0, -64), 4, 3)]).toEqual([
      1, 0, 1, 0,
    ]);
  });
});

describe('fitting rows', () => {
  test.each([
    ['nearest', roundNearest],
    ['with what later columns take over', roundGptq],
  ])('makes all fit, rounded %s', (_, round) => {
    fc.assert(
      fc.property(someProblems, (problem) => {
        const found = fitRows(problem, (each) => round(each));
        expect(faultsOf(problem, found)).toEqual([]);
        expect([...rowsThatFit(found.codes, problem.rows, problem.columns)]).not.toContain(0);
      }),
    );
  });

  test('changes nothing on grids that always fit', () => {
    fc.assert(
      fc.property(someProblems, fc.constantFrom(SEVEN, FOUR), (some, grid) => {
        const problem = { ...some, grid };
        expect(fitRows(problem, roundNearest)).toEqual(roundNearest(problem));
      }),
      { numRuns: 30 },
    );
  });

  test('takes the scale at which the two largest weights of one sign fit', () => {
    const weights = Float64Array.of(100, -100, 27, 3, 0, 100, 90, 0, 0, -90);
    const found = fitRows({ weights, rows: 2, columns: 5, grid: EIGHT }, roundNearest);
    expect([...found.scales]).toEqual([1, 190 / 127].map(Math.fround));
    expect([...found.codes]).toEqual([100, -100, 27, 3, 0, 67, 60, 0, 0, -60]);
  });

  test('gives rows that do not fit more room, and then 7 bits, and keeps others', () => {
    const asked: RoundingProblem[] = [];
    // Says 80 for what it is first asked to hold, so that only rows of 40 and less fit.
    const round = (problem: RoundingProblem): Rounded => {
      asked.push(problem);
      const codes = Int8Array.from(problem.weights, (weight) => Math.min(weight, problem.grid.most));
      return { codes, weights: Float64Array.from(codes), scales: new Float32Array(problem.rows).fill(asked.length) };
    };
    const weights = Float64Array.of(80, 80, 40, 40, 70, 70);
    const found = fitRows({ weights, rows: 3, columns: 2, grid: EIGHT, leastScales: Float64Array.of(0, 9, 0) }, round);
    expect(asked.map(({ grid, leastScales }) => [grid.most, ...(leastScales ?? [])])).toEqual([
      [127, 160 / 127, 9, 140 / 127],
      [127, 160 / 120, 140 / 120],
      [64, 0, 0],
    ]);
    expect([...found.codes]).toEqual([64, 64, 40, 40, 64, 64]);
    expect([...found.weights]).toEqual([64, 64, 40, 40, 64, 64]);
    expect([...found.scales]).toEqual([3, 1, 3]);
  });

  test('rounds all rows anew where they share a scale, and keeps scales that are given', () => {
    const problem = { weights: Float64Array.of(100, 100, 3, 4), rows: 2, columns: 2, grid: EIGHT };
    const shared = fitRows({ ...problem, grid: { ...EIGHT, shared: true } }, roundNearest);
    const step = shared.scales[0] ?? Number.NaN;
    expect(step).toBeGreaterThanOrEqual(200 / 127);
    expect(step).toBeLessThan((200 / 127) * (1 + 2 ** -22));
    expect([...shared.scales, ...shared.codes]).toEqual([step, step, 63, 63, 2, 3]);
    const given = fitRows({ ...problem, scales: Float32Array.of(1, 0.5) }, roundNearest);
    expect([[...given.codes], [...given.scales]]).toEqual([
      [64, 64, 6, 8],
      [1, 0.5],
    ]);
  });
});
