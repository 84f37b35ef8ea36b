import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LossCurve } from '../../src/budget/levels.ts';
import { type BudgetOptions, type Candidate, planQuotas } from '../../src/budget/plan.ts';
import { type LossBudget, shareByLoss } from '../../src/budget/share-by-loss.ts';

const NONE = { block: 1, strict: false };
const share = (curves: readonly LossCurve[], options: Partial<LossBudget>): readonly number[] =>
  shareByLoss(curves, { amount: 0.5, maxRatio: 1, alignment: NONE, ...options });

/** Cumulates what each unit costs, from 0. */
function curveOf(steps: readonly number[], blockedWidth = 0): LossCurve {
  let sum = 0;
  // As long as the group: its last unit stays.
  const losses = Float64Array.from(steps, (step, k) => {
    sum += k === 0 ? 0 : step;
    return sum;
  });
  return { count: steps.length, blockedWidth, losses };
}

const totalOf = (list: readonly number[]): number => list.reduce((sum, each) => sum + each, 0);
const unitsOf = (curves: readonly LossCurve[]): number => totalOf(curves.map(({ count }) => count));
const lossOf = (curves: readonly LossCurve[], keeps: readonly number[]): number =>
  totalOf(curves.map(({ count, losses }, i) => losses[count - (keeps[i] ?? count)] ?? Number.NaN));

const curves = (most: number, groups = 4): fc.Arbitrary<LossCurve[]> =>
  fc.array(
    fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: most }).map((steps) => curveOf(steps)),
    { minLength: 1, maxLength: groups },
  );
const amounts = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100);

/** Every combination of widths from one to all. */
function* widths(list: readonly LossCurve[]): Generator<number[]> {
  const [first, ...rest] = list;
  if (first === undefined) yield [];
  else for (const tail of widths(rest)) for (let keep = 1; keep <= first.count; keep++) yield [keep, ...tail];
}

describe('an amount shared by losses', () => {
  test('comes from the groups that lose least', () => {
    const list = [curveOf([0, 5, 5, 5]), curveOf([0, 1, 2, 9]), curveOf([0, 0, 0, 0])];
    expect(share(list, { amount: 3 / 12 })).toEqual([4, 4, 1]);
    expect(share(list, { amount: 5 / 12 })).toEqual([4, 2, 1]);
    expect(share(list, { amount: 0 })).toEqual([4, 4, 4]);
    expect(share(list, { amount: 1 })).toEqual([1, 1, 1]);
  });

  test('loses what brute force loses', () => {
    fc.assert(
      fc.property(curves(6), amounts, (list, amount) => {
        const keeps = share(list, { amount });
        const most = Math.max(unitsOf(list) - Math.round(unitsOf(list) * amount), list.length);
        const least = [...widths(list)]
          .filter((each) => totalOf(each) <= most)
          .reduce((best, each) => Math.min(best, lossOf(list, each)), Number.POSITIVE_INFINITY);
        expect(totalOf(keeps)).toBeLessThanOrEqual(most);
        expect(lossOf(list, keeps)).toBe(least);
      }),
    );
  });

  test('is never worse than the same total in equal parts', () => {
    fc.assert(
      fc.property(curves(32, 8), amounts, (list, amount) => {
        const uniform = list.map(({ count }) => Math.max(1, count - Math.round(count * amount)));
        const total = totalOf(uniform);
        const keeps = share(list, { amount: 1 - total / unitsOf(list) });
        expect(totalOf(keeps)).toBeLessThanOrEqual(total);
        expect(lossOf(list, keeps)).toBeLessThanOrEqual(lossOf(list, uniform));
      }),
    );
  });

  test('never keeps more for a larger amount', () => {
    fc.assert(
      fc.property(curves(32, 8), amounts, amounts, (list, one, other) => {
        const [more, less] = [Math.min(one, other), Math.max(one, other)].map((amount) => share(list, { amount }));
        expect(totalOf(less ?? [])).toBeLessThanOrEqual(totalOf(more ?? []));
      }),
    );
  });

  test('is the least loss to the unit in wide groups too, where units cost ever more', () => {
    const wide = fc.record({
      count: fc.integer({ min: 100, max: 7000 }),
      scale: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(
        fc.array(wide, { minLength: 2, maxLength: 6 }),
        fc.integer({ min: 1, max: 90 }).map((percent) => percent / 100),
        (groups, amount) => {
          const steps = groups.map(({ count, scale }) => Array.from({ length: count }, (_, k) => k * scale));
          const list = steps.map((each) => curveOf(each));
          const gone = Math.round(unitsOf(list) * amount);
          const keeps = share(list, { amount });
          expect(totalOf(keeps)).toBe(unitsOf(list) - gone);
          // The cheapest steps of all are what leaves.
          const cheapest = steps
            .flatMap((each) => each.slice(1))
            .sort((a, b) => a - b)
            .slice(0, gone);
          expect(lossOf(list, keeps)).toBe(totalOf(cheapest));
        },
      ),
      { numRuns: 30 },
    );
  });

  test('is a fraction of the cost where there is one', () => {
    const list = [curveOf([0, 1, 1, 1]), curveOf([0, 10, 10, 10])];
    const costOf = (index: number, keep: number): number => keep * (index === 0 ? 1 : 9);
    // A unit of the second is worth nine of the first.
    expect(share(list, { amount: 9 / 40, costOf })).toEqual([4, 3]);
    expect(share(list, { amount: 3 / 40, costOf })).toEqual([1, 4]);
    expect(share(list, { amount: 0, costOf: (_, keep) => keep / 3 })).toEqual([4, 4]);
  });

  test('stops at the largest ratio and at the end of a curve', () => {
    const list = [curveOf(Array<number>(10).fill(1)), { count: 10, blockedWidth: 0, losses: Float64Array.of(0, 1, 2) }];
    expect(share(list, { amount: 0.9, maxRatio: 0.3 })).toEqual([7, 8]);
    expect(share(list, { amount: 0.9, maxRatio: 0 })).toEqual([10, 10]);
  });

  test('leaves whole blocks', () => {
    const list = [curveOf(Array<number>(64).fill(1), 1), curveOf(Array<number>(64).fill(2), 1)];
    const alignment = { block: 16, strict: true };
    expect(share(list, { amount: 0.25, alignment })).toEqual([32, 64]);
    expect(share(list, { amount: 0.2, alignment })).toEqual([32, 64]);
    expect(share(list, { amount: 0.1, alignment })).toEqual([48, 64]);
  });

  test('leaves groups alone whose losses are not known', () => {
    const list = [{ count: 4, blockedWidth: 0, losses: new Float64Array(4).fill(Number.NaN) }];
    expect(share(list, {})).toEqual([4]);
  });

  test('is nothing of nothing', () => expect(share([], {})).toEqual([]));
});

describe('quotas of candidates with losses', () => {
  const candidate = (name: string, { count, losses, blockedWidth }: LossCurve): Candidate => ({
    group: { name, first: 0, count, members: [], places: [], part: undefined, mixers: [], blockedWidth },
    scores: new Float64Array(count).fill(1),
    losses,
  });
  const options: BudgetOptions = { amount: 0.5, scope: 'global', maxRatio: 1, alignment: NONE };
  const keeps = (list: readonly Candidate[], changes: Partial<BudgetOptions> = {}): number[] =>
    planQuotas(list, { ...options, ...changes }).map(({ keep }) => keep);
  const weak = candidate('weak', curveOf([0, 1, 1, 1]));
  const strong = candidate('strong', curveOf([0, 9, 9, 9]));

  test('are shared by them in the global scope', () => {
    expect(keeps([weak, strong], { amount: 3 / 8 })).toEqual([1, 4]);
    expect(keeps([weak, strong], { scope: 'uniform' })).toEqual([2, 2]);
  });

  test('are as ever where one has none', () => {
    const { losses: _, ...unknown } = strong;
    // Equal scores: the first group's leave first.
    expect(keeps([strong, { ...weak, losses: undefined }], { amount: 3 / 8 })).toEqual([1, 4]);
    expect(keeps([unknown, weak], { amount: 3 / 8 })).toEqual([1, 4]);
  });

  test('leave amounts of their own alone, with losses or without', () => {
    const { losses: _, ...unknown } = strong;
    expect(keeps([{ ...unknown, amount: 0.25 }, weak, strong], { amount: 3 / 8 })).toEqual([3, 1, 4]);
  });

  test('count in the cost of the group', () => {
    const costOf: BudgetOptions['costOf'] = (group, keep) => keep * (group.name === 'weak' ? 1 : 9);
    expect(keeps([weak, strong], { amount: 9 / 40, costOf })).toEqual([4, 3]);
  });

  test('stay as they were shared, whatever the block, the cap and the widths', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 }),
        fc.constantFrom(0, 1, 3),
        fc.record({ block: fc.constantFrom(1, 8, 12, 16), strict: fc.boolean() }),
        amounts,
        amounts,
        (counts, width, alignment, amount, maxRatio) => {
          const list = counts.map((count, i) => curveOf(Array<number>(count).fill(i + 1), width));
          const quotas = planQuotas(
            list.map((curve, i) => candidate(`g${i}`, curve)),
            { ...options, amount, maxRatio, alignment },
          );
          expect(quotas.map(({ keep }) => keep)).toEqual(share(list, { amount, maxRatio, alignment }));
          for (const { asked, keep } of quotas) expect(asked).toBe(keep);
        },
      ),
    );
  });
});
