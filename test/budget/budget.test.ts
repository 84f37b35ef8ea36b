import { describe, expect, test } from 'vitest';
import { alignCount } from '../../src/budget/align.ts';
import { type BudgetOptions, type Candidate, planQuotas, selectUnits } from '../../src/budget/plan.ts';

describe('counts are aligned to what kernels like', () => {
  const gently = { block: 16, strict: false };
  const strictly = { block: 16, strict: true };

  test.each([
    // wish, of, channels per unit, alignment, kept
    [32, 64, 1, gently, 32, 'a multiple stays'],
    [30, 64, 1, gently, 32, 'to the nearest'],
    [40, 64, 1, gently, 48, 'upwards in a tie'],
    [57, 64, 1, gently, 64, 'to all of them'],
    [20, 32, 1, gently, 16, 'as far as an eighth of the group'],
    [12, 24, 1, gently, 8 + 4, 'to a narrower multiple where the block is too coarse'],
    [5, 16, 1, gently, 4, 'down to 4'],
    [3, 7, 1, gently, 3, 'not at all in narrow groups'],
    [5, 8, 1, gently, 4, 'to 4 in groups of 8'],
    [10, 24, 1, strictly, 16, 'strictly to the block whatever it costs'],
    [3, 64, 1, strictly, 16, 'strictly never to nothing'],
    [5, 8, 1, strictly, 8, 'strictly to all where the block is wider'],
    [5, 8, 4, strictly, 4, 'so that the channels of the units fill blocks'],
    [7, 10, 16, strictly, 7, 'not where a unit fills blocks'],
    [5, 8, 0, strictly, 5, 'not where no kernel blocks'],
    [0, 8, 0, gently, 1, 'to one unit at least'],
    [9, 8, 0, gently, 8, 'to no more than there are'],
    [50, 64, 1, { block: 1, strict: false }, 50, 'not without a block'],
  ] as const)('%d of %d with %d each, %j: %d, %s', (wish, count, width, alignment, kept, _) => {
    expect(alignCount(wish, count, width, alignment)).toBe(kept);
  });

  test('never to less than one or more than all, and strictly always to the block or all', () => {
    for (const count of [1, 3, 8, 17, 32, 100]) {
      for (let wish = 0; wish <= count; wish++) {
        for (const width of [0, 1, 2, 3, 8]) {
          const strict = alignCount(wish, count, width, strictly);
          for (const kept of [alignCount(wish, count, width, gently), strict])
            expect(kept >= 1 && kept <= count).toBe(true);
          if (width > 0) expect(strict === count || (strict * width) % 16 === 0).toBe(true);
        }
      }
    }
  });
});

function candidates(...scores: readonly (readonly number[])[]): Candidate[] {
  let first = 0;
  return scores.map((list, i) => {
    const group = {
      name: `g${i}`,
      first,
      count: list.length,
      members: [],
      places: [],
      part: undefined,
      mixers: [],
      blockedWidth: 0,
    };
    first += list.length;
    return { group, scores: Float64Array.from(list) };
  });
}

const options = (changes: Partial<BudgetOptions>): BudgetOptions => ({
  amount: 0.5,
  scope: 'uniform',
  maxRatio: 1,
  alignment: { block: 1, strict: false },
  ...changes,
});
const keeps = (list: readonly Candidate[], changes: Partial<BudgetOptions>): number[] =>
  planQuotas(list, options(changes)).map((quota) => quota.keep);

describe('an amount is shared out', () => {
  const even = (length: number): number[] => Array<number>(length).fill(1);

  test('uniformly: each group loses the same fraction, but not all', () => {
    const list = candidates(even(10), even(7), even(1));
    expect(keeps(list, {})).toEqual([5, 3, 1]);
    expect(keeps(list, { amount: 0 })).toEqual([10, 7, 1]);
    expect(keeps(list, { amount: 1 })).toEqual([1, 1, 1]);
    expect(keeps(candidates(even(30)), { amount: 0.1 })).toEqual([27]);
  });

  test('globally: the weakest of all leave, exactly as many as asked', () => {
    const list = candidates([1, 1, 1, 9], [3, 3, 3, 3]);
    // Means of 1 make them comparable: 1/3, 1/3, 1/3, 3 and four times 1.
    expect(keeps(list, { scope: 'global', amount: 3 / 8 })).toEqual([1, 4]);
    for (let removed = 0; removed <= 6; removed++) {
      const left = keeps(list, { scope: 'global', amount: removed / 8 }).reduce((sum, kept) => sum + kept, 0);
      expect(left).toBe(8 - removed);
    }
    expect(keeps(list, { scope: 'global', amount: 1 })).toEqual([1, 1]);
  });

  test('globally: a group whose scores are all zero does not stop it', () => {
    expect(keeps(candidates([0, 0, 0, 0], [1, 1, 1, 1]), { scope: 'global', amount: 0.25 })).toEqual([2, 4]);
  });

  test.each(['uniform', 'global'] as const)('no group loses more than the largest ratio (%s)', (scope) => {
    expect(keeps(candidates(even(10), even(10)), { scope, amount: 0.9, maxRatio: 0.3 })).toEqual([7, 7]);
    expect(keeps(candidates(even(30)), { scope, amount: 1, maxRatio: 0.9 })).toEqual([3]);
    expect(keeps(candidates(even(10)), { scope, amount: 1, maxRatio: 0 })).toEqual([10]);
  });

  const withOwn = (list: readonly Candidate[], ...own: readonly (number | undefined)[]): Candidate[] =>
    list.map((each, i) => ({ ...each, amount: own[i] }));

  test.each(['uniform', 'global'] as const)('a group with an amount of its own loses that (%s)', (scope) => {
    const list = withOwn(candidates(even(10), even(10), even(10)), 0.2, undefined, 0);
    expect(keeps(list, { scope, amount: 0.5 })).toEqual([8, 5, 10]);
    expect(keeps(withOwn(candidates(even(4)), 1), { scope })).toEqual([1]);
    expect(keeps(list, { scope, amount: 0.5, maxRatio: 0.1 })).toEqual([9, 9, 10]);
  });

  test('globally: groups with amounts of their own neither give to the shared one nor take from it', () => {
    const strong = [9, 9, 9, 9];
    const list = candidates([1, 1, 1, 1], strong, [1, 2, 3, 4]);
    // All of the shared amount comes from the first and the last: 4 of 8, the weakest by their means of 1.
    expect(keeps(withOwn(list, undefined, 0.75, undefined), { scope: 'global', amount: 0.5 })).toEqual([2, 1, 2]);
    expect(keeps(withOwn(list, 0, 0, 0.5), { scope: 'global', amount: 0.9 })).toEqual([4, 4, 2]);
  });

  test('alignment holds for amounts of their own as well', () => {
    const [entry] = candidates(even(32));
    if (entry === undefined) throw new Error('no candidate');
    const list = [{ ...entry, amount: 0.4, group: { ...entry.group, blockedWidth: 1 } }];
    const [quota] = planQuotas(list, options({ amount: 0, alignment: { block: 16, strict: true } }));
    expect(quota).toMatchObject({ asked: 19, keep: 16 });
  });

  test('alignment does not break the largest ratio, and both counts are told', () => {
    const [entry] = candidates(even(32));
    if (entry === undefined) throw new Error('no candidate');
    const list = [{ ...entry, group: { ...entry.group, blockedWidth: 1 } }];
    const [quota] = planQuotas(list, options({ amount: 0.5, maxRatio: 0.4, alignment: { block: 16, strict: true } }));
    expect(quota).toMatchObject({ asked: 20, keep: 20 });
  });
});

describe('units are chosen', () => {
  const removed = (list: readonly Candidate[], keep: readonly number[]): number[] => {
    const quotas = list.map(({ group }, i) => ({ group, asked: keep[i] ?? 0, keep: keep[i] ?? 0 }));
    const flags = selectUnits(
      list,
      quotas,
      list.reduce((sum, { group }) => sum + group.count, 0),
    );
    return [...flags.keys()].filter((unit) => flags[unit] === 1);
  };

  test('the least important leave', () => {
    expect(removed(candidates([3, 1, 2], [5, 9, 7, 8]), [2, 1])).toEqual([1, 3, 5, 6]);
  });

  test('of equals, those with the higher number', () => {
    expect(removed(candidates([1, 1, 1, 1]), [2])).toEqual([2, 3]);
    expect(removed(candidates([2, 1, 1, 2]), [3])).toEqual([2]);
  });

  test('none where all are kept', () => {
    expect(removed(candidates([1, 2]), [2])).toEqual([]);
  });
});
