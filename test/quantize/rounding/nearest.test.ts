import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codeOf, type RoundingProblem } from '../../../src/quantize/rounding/grid.ts';
import { roundNearest } from '../../../src/quantize/rounding/nearest.ts';
import { chooseScales } from '../../../src/quantize/rounding/scales.ts';
import { EIGHT, FOUR, faultsOf, scalesOfWeights, someProblems } from './problems.ts';

function oneRow(weights: readonly number[], grid = EIGHT): RoundingProblem {
  return { weights: Float64Array.from(weights), rows: 1, columns: weights.length, grid };
}

describe('codes', () => {
  test('are the nearest integers, ties even, saturated', () => {
    const ratios = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999999999999994, 126.5, 300, -300, 0, -0];
    expect(ratios.map((ratio) => codeOf(ratio, -127, 127))).toEqual([0, 2, 2, 0, -2, -2, 0, 126, 127, -127, 0, 0]);
  });
});

describe('rounding to nearest', () => {
  test('is off by half a step at most, and keeps to the grid and the least scales', () => {
    fc.assert(
      fc.property(someProblems, (problem) => {
        const found = roundNearest(problem);
        expect(faultsOf(problem, found)).toEqual([]);
        const steps = scalesOfWeights(problem, found.scales);
        problem.weights.forEach((weight, i) => {
          expect(Math.abs(weight - (found.weights[i] ?? Number.NaN))).toBeLessThanOrEqual(0.5 * (steps[i] ?? 0));
        });
      }),
    );
  });

  test('leaves weights on the grid as they are', () => {
    const { weights, codes, scales } = roundNearest(oneRow([-127, 3, 0, 50, 127].map((code) => code / 64)));
    expect([[...codes], [...scales]]).toEqual([[-127, 3, 0, 50, 127], [1 / 64]]);
    expect([...weights]).toEqual([-127, 3, 0, 50, 127].map((code) => code / 64));
  });

  test('keeps scales that are given, and clips what they do not span', () => {
    const scales = Float32Array.of(0.5);
    const found = roundNearest({ ...oneRow([100, -100, 0.74, 0.75, 1.25]), scales });
    expect([[...found.codes], [...found.scales]]).toEqual([[127, -127, 1, 2, 2], [0.5]]);
  });
});

describe('scales', () => {
  test('of a grid with one more below zero span the side that needs more', () => {
    expect([...chooseScales(oneRow([-8, 3, 6, 1, 4, 1, -4, 7]), 'absmax')]).toEqual([Math.fround(8 / 127)]);
    expect([...chooseScales(oneRow([-8, 3, 6, 1, 4, 1, -4, 7], FOUR), 'absmax')]).toEqual([1, 1]);
    expect([...chooseScales(oneRow([-8, 3, 14, 1], FOUR), 'absmax')]).toEqual([2]);
  });

  test('of zeros are 1, and what would be subnormal or infinite is not', () => {
    expect([...chooseScales(oneRow([0, -0, 0]), 'search')]).toEqual([1]);
    expect([...chooseScales({ ...oneRow([0, 0]), leastScales: Float64Array.of(1.5) }, 'absmax')]).toEqual([1.5]);
    for (const choice of ['absmax', 'search'] as const) {
      expect([...chooseScales(oneRow([1e-42, -1e-45]), choice)]).toEqual([2 ** -126]);
    }
    const huge = roundNearest(oneRow([1e300, -1, 1e38]));
    expect(faultsOf(oneRow([1e300, -1, 1e38]), huge)).toEqual([]);
    expect(huge.codes[0]).toBe(127);
  });

  test('that may not be fallen below are rounded up to float32', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-30, max: 1e30, noNaN: true }), (least) => {
        const problem = { ...oneRow([least, -least]), leastScales: Float64Array.of(least) };
        const [scale = Number.NaN] = chooseScales(problem, 'search');
        expect(scale).toBeGreaterThanOrEqual(least);
        expect(scale).toBeLessThanOrEqual(least * (1 + 2 ** -22));
      }),
    );
  });

  test('that are searched for lose no more than those that clip nothing', () => {
    const lost = (problem: RoundingProblem, scales: Float32Array): number => {
      const { weights, columns, moment } = problem;
      const found = roundNearest({ ...problem, scales }).weights;
      return weights.reduce((sum, weight, i) => {
        const matters = moment === undefined ? 1 : (moment[(i % columns) * (columns + 1)] ?? Number.NaN);
        return sum + matters * (weight - (found[i] ?? Number.NaN)) ** 2;
      }, 0);
    };
    let gained = 0;
    fc.assert(
      fc.property(someProblems, (problem) => {
        const scales = chooseScales(problem, 'search');
        expect(faultsOf(problem, roundNearest({ ...problem, scales }))).toEqual([]);
        const [after, before] = [lost(problem, scales), lost(problem, chooseScales(problem, 'absmax'))];
        expect(after).toBeLessThanOrEqual(before * (1 + 1e-12));
        gained += Number(after < before);
      }),
    );
    expect(gained).toBeGreaterThan(0);
  });

  test('that are searched for clip a weight of an input that is always zero', () => {
    const weights = [2, 1 / 7, -1, 3 / 7, 5 / 7];
    const moment = Float64Array.from({ length: 25 }, (_, i) => Number(i % 6 === 0 && i > 0));
    const problem = { ...oneRow(weights, { ...FOUR, block: 5 }), moment };
    const { codes } = roundNearest({ ...problem, scales: chooseScales(problem, 'search') });
    expect([...codes]).toEqual([7, 1, -7, 3, 5]);
  });
});
