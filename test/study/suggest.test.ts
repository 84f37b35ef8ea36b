import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PruneOptions } from '../../src/options/prune-options.ts';
import type { SensitivityRow, StudyPoint } from '../../src/report/study.ts';
import type { Measured } from '../../src/study/loss-levels.ts';
import { suggest } from '../../src/study/suggest.ts';
import { quality, size } from '../report/support/studies.ts';

const AMOUNTS = [0.25, 0.5, 0.75];
const CHANNELS = 32;

/** A part of a model whose parameters leave in proportion, at an error of its own. */
interface Part {
  readonly parameters: number;
  readonly errorAt: (amount: number) => number;
}

const whole = (parts: readonly Part[]): number => parts.reduce((sum, { parameters }) => sum + parameters, 0);

/** A model of parts whose errors add up, measured with an amount of each. */
function pointOf(parts: readonly Part[], amounts: readonly number[], amount = 0): StudyPoint {
  const error = parts.reduce((sum, { errorAt }, index) => sum + errorAt(amounts[index] ?? 0), 0);
  const left = parts.reduce((sum, { parameters }, index) => sum + parameters * (1 - (amounts[index] ?? 0)), 0);
  const figures = {
    size: { ...size, parameters: left, nonZeros: left, macs: left },
    quality: { ...quality, accuracy: quality.accuracy === null ? null : quality.accuracy - error, cosine: 1 - error },
    latency: null,
  };
  return { amount, reached: amount, figures, problem: null };
}

/** What a study of such a model measures. */
function studyOf(parts: readonly Part[], of: Measured['of'] = 'channels', unit = 1): Measured {
  const parameters = whole(parts);
  return {
    of,
    original: { size: { ...size, parameters, macs: parameters }, quality },
    rows: parts.map(
      (_, index): SensitivityRow => ({
        name: `part ${index}`,
        nodes: [],
        size: CHANNELS,
        unit,
        part: null,
        points: AMOUNTS.map((amount) =>
          pointOf(
            parts,
            parts.map((__, other) => (other === index ? amount : 0)),
            amount,
          ),
        ),
        bears: 0,
      }),
    ),
  };
}

function amountsIn({ layers = [] }: PruneOptions, parts: readonly Part[]): number[] {
  return parts.map((_, index) => Number(layers.find(({ match }) => match === `part ${index}`)?.amount ?? 0));
}

/** Suggests for such a model. */
async function suggested(parts: readonly Part[], tolerance: number, study: Measured = studyOf(parts)) {
  const tried: number[][] = [];
  const errorOf = ({ figures }: StudyPoint): number => 1 - (figures?.quality.cosine ?? 0);
  const suggestion = await suggest({
    study,
    base: { criterion: 'l2' },
    measure: async (recipes) => {
      const amounts = recipes.map((recipe) => amountsIn(recipe, parts));
      tried.push(...amounts);
      return amounts.map((each) => pointOf(parts, each));
    },
    holds: (point) => errorOf(point) <= tolerance,
  });
  const amounts = suggestion === null ? [] : amountsIn(suggestion.recipe, parts);
  const freed =
    parts.reduce((sum, { parameters }, index) => sum + parameters * (amounts[index] ?? 0), 0) / whole(parts);
  return { suggestion, tried, amounts, freed };
}

const square = (parameters: number, weight: number): Part => ({
  parameters,
  errorAt: (amount) => weight * amount * amount,
});

describe('A suggestion', () => {
  it('keeps to the tolerance, and nothing that the same amount of each does frees more', async () => {
    const part = fc.record({
      parameters: fc.integer({ min: 100, max: 10_000 }),
      weight: fc.double({ min: 0.01, max: 1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 2, maxLength: 6 }), async (all) => {
        const parts = all.map(({ parameters, weight }) => square(parameters, weight));
        const tolerance = 0.05;
        const { suggestion, freed, amounts } = await suggested(parts, tolerance);
        const error = parts.reduce((sum, { errorAt }, index) => sum + errorAt(amounts[index] ?? 0), 0);
        expect(suggestion?.holds ?? true).toBe(true);
        expect(error).toBeLessThanOrEqual(tolerance + 1e-9);
        const uniform = Math.min(0.75, Math.sqrt(tolerance / all.reduce((sum, { weight }) => sum + weight, 0)));
        // Whole channels, and shares that are told to a part in 81 of three quarters.
        expect(freed).toBeGreaterThan(uniform - 1 / CHANNELS - 1 / 81);
      }),
      { numRuns: 12 },
    );
  });

  it('takes from what is sturdy, and of equals from what is large', async () => {
    const { amounts } = await suggested([square(1000, 0.8), square(1000, 0.02), square(9000, 0.8)], 0.02);
    const [fragile = 0, sturdy = 0, large = 0] = amounts;
    expect(sturdy).toBeGreaterThan(4 * fragile);
    expect(large).toBeGreaterThan(2 * fragile);
  });

  it('is all that was measured where the model bears that', async () => {
    const { suggestion, amounts, tried } = await suggested([square(10, 0.1), square(20, 0.1)], 1);
    expect(amounts).toEqual([0.75, 0.75]);
    expect(suggestion).toMatchObject({ holds: true, recipe: { criterion: 'l2' } });
    expect(tried).toHaveLength(3);
  });

  it('takes whole units alone', async () => {
    const parts = [square(100, 0.4), square(100, 0.1)];
    const { amounts } = await suggested(parts, 0.05, studyOf(parts, 'channels', 8));
    for (const amount of amounts) expect([0, 0.25, 0.5, 0.75]).toContain(amount);
    expect(amounts[1]).toBeGreaterThan(0);
  });

  it('counts weights that are zero, where weights are studied', async () => {
    const { amounts } = await suggested(
      [square(10, 0.4), square(10, 0.02)],
      0.02,
      studyOf([square(10, 0.4), square(10, 0.02)], 'weights'),
    );
    expect(amounts[1]).toBeGreaterThan(2 * (amounts[0] ?? 0));
  });

  it('is not misled by errors that fall, points that failed, or rounding that left nothing to remove', async () => {
    const parts = [square(100, 0.4), square(100, 0.1)];
    const study = studyOf(parts);
    const [first, second] = study.rows;
    if (first === undefined || second === undefined) throw new Error('there are two parts');
    const [small, middle, large] = first.points;
    if (small === undefined || middle === undefined || large === undefined) throw new Error('there are three points');
    const failed: StudyPoint = { amount: 0.75, reached: 0, figures: null, problem: 'It broke.' };
    const rows = [{ ...first, points: [{ ...middle, amount: 0.25, reached: 0 }, middle, failed] }, second];
    const { amounts, suggestion } = await suggested(parts, 0.04, { ...study, rows });
    expect(suggestion?.holds).toBe(true);
    expect(Math.max(...amounts.slice(0, 1))).toBeLessThanOrEqual(0.5);
    const falling = [{ ...first, points: [{ ...middle, amount: 0.25 }, { ...small, amount: 0.5 }, large] }, second];
    expect((await suggested(parts, 0.04, { ...study, rows: falling })).suggestion?.holds).toBe(true);
  });

  it('says so where nothing that was tried holds, and shows the least', async () => {
    const { suggestion, tried, amounts } = await suggested([square(10, 0.1), square(10, 0.1)], -1);
    expect(suggestion?.holds).toBe(false);
    expect(tried.length).toBeGreaterThan(3);
    expect(Math.max(...amounts)).toBeLessThan(0.1);
  });

  it('is none where nothing can leave', async () => {
    const { suggestion, tried } = await suggested([], 1);
    expect({ suggestion, tried }).toEqual({ suggestion: null, tried: [] });
    const rows = studyOf([square(10, 0.1)]).rows.map((row) => ({ ...row, points: [] }));
    const none = await suggested([square(10, 0.1)], 1, { ...studyOf([square(10, 0.1)]), rows });
    expect(none.suggestion).toBeNull();
  });
});
