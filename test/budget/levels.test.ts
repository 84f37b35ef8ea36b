import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alignCount } from '../../src/budget/align.ts';
import { type LevelOptions, type LossCurve, widthLevels, widthsOf } from '../../src/budget/levels.ts';

const NONE = { block: 1, strict: false };
const curveOf = (count: number, blockedWidth = 0, most = count): LossCurve => ({
  count,
  blockedWidth,
  losses: Float64Array.from({ length: most + 1 }, (_, k) => k * k),
});
const keepsOf = (curve: LossCurve, options: Partial<LevelOptions>): number[] =>
  widthLevels(curve, { maxRatio: 1, alignment: NONE, ...options }).map(({ keep }) => keep);

describe('the levels of a group', () => {
  test('are all widths down to one where nothing rounds them', () => {
    expect(keepsOf(curveOf(5), {})).toEqual([5, 4, 3, 2, 1]);
    expect(keepsOf(curveOf(1), {})).toEqual([1]);
  });

  test.each<[LossCurve, Partial<LevelOptions>, number[], string]>([
    [curveOf(10), { maxRatio: 0.3 }, [10, 9, 8, 7], 'down to what the ratio allows'],
    [curveOf(10), { maxRatio: 0 }, [10], 'whole where nothing may leave'],
    [curveOf(10, 0, 2), {}, [10, 9, 8], 'no narrower than what was measured'],
    [curveOf(64, 1), { alignment: { block: 16, strict: false } }, [64, 48, 32, 16], 'multiples of the block'],
    [curveOf(32, 1), { alignment: { block: 16, strict: false } }, [32, 24, 16, 8], 'narrower ones in small groups'],
    [curveOf(32, 1), { alignment: { block: 16, strict: true } }, [32, 16], 'the block alone where it is strict'],
    [curveOf(8, 1), { alignment: { block: 16, strict: true } }, [8], 'whole where the block is wider'],
    [
      curveOf(32, 1),
      { alignment: { block: 16, strict: true }, maxRatio: 0.4 },
      [32, 20],
      'what the ratio allows where rounding would fall below',
    ],
    [curveOf(8, 4), { alignment: { block: 16, strict: true } }, [8, 4], 'units whose channels fill blocks'],
    [curveOf(40), { near: 30 }, [38, 34, 32, 31, 30, 29, 28, 26, 22, 14], 'dense around one where there are many'],
    [curveOf(40), { near: 40, reach: 4 }, [40, 39, 38, 36], 'within reach of it'],
    [curveOf(5), { near: 4, reach: 1 }, [5, 4, 3], 'within reach of it where there are few, too'],
    [curveOf(5), { near: 4 }, [5, 4, 3, 2, 1], 'all where there are few'],
    [curveOf(10), { most: 4 }, [10, 7, 4, 1], 'thinned with both ends where there are many'],
  ])('%#: %j are %j: %s', (curve, options, keeps, _) => {
    expect(keepsOf(curve, options)).toEqual(keeps);
  });

  test('carry the loss of what left and the cost of what stays', () => {
    expect(widthLevels(curveOf(3), { maxRatio: 1, alignment: NONE })).toEqual([
      { keep: 3, error: 0, cost: 3 },
      { keep: 2, error: 1, cost: 2 },
      { keep: 1, error: 4, cost: 1 },
    ]);
    const [first] = widthLevels(curveOf(3), { maxRatio: 1, alignment: NONE, cost: (keep) => keep * 9 + 1 });
    expect(first).toEqual({ keep: 3, error: 0, cost: 28 });
  });

  test('are at most 32, fall, start whole, and are left as they are by rounding and the cap', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.constantFrom(0, 1, 2, 3, 8),
        fc.constantFrom(1, 4, 8, 12, 16),
        fc.boolean(),
        fc.integer({ min: 0, max: 100 }),
        (count, blockedWidth, block, strict, percent) => {
          const alignment = { block, strict };
          const maxRatio = percent / 100;
          const curve = curveOf(count, blockedWidth);
          const keeps = keepsOf(curve, { alignment, maxRatio });
          expect(keeps.length).toBeLessThanOrEqual(32);
          expect(keeps[0]).toBe(count);
          const fewest = Math.max(1, Math.ceil(count * (1 - maxRatio) - 1e-9));
          keeps.forEach((keep, i) => {
            if (i > 0) expect(keep).toBeLessThan(keeps[i - 1] ?? 0);
            expect(Math.max(alignCount(keep, count, blockedWidth, alignment), fewest)).toBe(keep);
          });
          const all = widthsOf(curve, { alignment, maxRatio });
          expect(keeps.at(-1)).toBe(all.at(-1));
        },
      ),
    );
  });
});
