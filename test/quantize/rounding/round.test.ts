import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { roundGptq } from '../../../src/quantize/rounding/gptq.ts';
import { roundNearest } from '../../../src/quantize/rounding/nearest.ts';
import { rowsThatFit } from '../../../src/quantize/rounding/overflow.ts';
import { roundWeights } from '../../../src/quantize/rounding/round.ts';
import { chooseScales } from '../../../src/quantize/rounding/scales.ts';
import { EIGHT, faultsOf, someProblems } from './problems.ts';

const METHODS = { nearest: roundNearest, gptq: roundGptq } as const;

describe('rounding weights', () => {
  test('is the method with the scales asked for', () => {
    fc.assert(
      fc.property(
        someProblems,
        fc.constantFrom('nearest', 'gptq'),
        fc.constantFrom('absmax', 'search'),
        (problem, method, choice) => {
          const found = roundWeights(problem, method, { scales: choice, portable: false });
          expect(found).toEqual(METHODS[method]({ ...problem, scales: chooseScales(problem, choice) }));
          const portable = roundWeights(problem, method, { scales: choice, portable: true });
          expect(faultsOf(problem, portable)).toEqual([]);
          expect([...rowsThatFit(portable.codes, problem.rows, problem.columns)]).not.toContain(0);
        },
      ),
    );
  });

  test('has nothing to do where there are no rows', () => {
    const problem = { weights: new Float64Array(0), rows: 0, columns: 3, grid: EIGHT, moment: new Float64Array(9) };
    for (const portable of [true, false]) {
      for (const grid of [EIGHT, { ...EIGHT, shared: true }]) {
        const found = roundWeights({ ...problem, grid }, 'gptq', { scales: 'search', portable });
        expect([found.codes, found.scales, found.weights].map(({ length }) => length)).toEqual([0, 0, 0]);
      }
    }
  });

  test.each([
    ['weights', { weights: new Float64Array(5) }],
    ['moment', { moment: new Float64Array(8) }],
    ['leastScales', { leastScales: new Float64Array(3) }],
    ['scales', { scales: new Float32Array(3) }],
    ['grid', { grid: { ...EIGHT, least: 0 } }],
    ['grid', { grid: { ...EIGHT, most: 128 } }],
    ['block', { grid: { ...EIGHT, block: 0 } }],
    ['block', { grid: { ...EIGHT, block: 1.5 } }],
  ])('refuses %s that do not fit', (what, change) => {
    const problem = { weights: new Float64Array(6), rows: 2, columns: 3, grid: EIGHT };
    const round = (): unknown =>
      roundWeights({ ...problem, ...change }, 'nearest', { scales: 'absmax', portable: false });
    expect(round).toThrow(RangeError);
    expect(round).toThrow(new RegExp(`^${what}: `));
  });
});
