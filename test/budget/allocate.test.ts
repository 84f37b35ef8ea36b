import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allocate, type Level, leastCost } from '../../src/budget/allocate.ts';

/** Every choice of one level for each group. */
function* choices(tables: readonly (readonly Level[])[]): Generator<number[]> {
  const [first, ...rest] = tables;
  if (first === undefined) yield [];
  else for (const tail of choices(rest)) for (let s = 0; s < first.length; s++) yield [s, ...tail];
}

const sumOf = (tables: readonly (readonly Level[])[], picked: readonly number[], what: keyof Level): number =>
  picked.reduce((sum, s, g) => sum + (tables[g]?.[s]?.[what] ?? Number.NaN), 0);

/** The least summed error within a budget, by trying everything. */
function bruteForce(tables: readonly (readonly Level[])[], budget: number): number | undefined {
  const errors = [...choices(tables)]
    .filter((picked) => sumOf(tables, picked, 'cost') <= budget)
    .map((picked) => sumOf(tables, picked, 'error'));
  return errors.length === 0 ? undefined : Math.min(...errors);
}

const whole = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
const tablesOf = (cost: fc.Arbitrary<number>): fc.Arbitrary<Level[][]> =>
  fc.array(fc.array(fc.record({ error: whole(50), cost }), { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 5,
  });

describe('one level for each group', () => {
  test('is what brute force finds, where costs are whole', () => {
    fc.assert(
      fc.property(tablesOf(whole(20)), whole(80), (tables, budget) => {
        const picked = allocate(tables, budget);
        const least = bruteForce(tables, budget);
        if (picked === undefined || least === undefined) expect([picked, least]).toEqual([undefined, undefined]);
        else {
          expect(sumOf(tables, picked, 'cost')).toBeLessThanOrEqual(budget);
          expect(sumOf(tables, picked, 'error')).toBe(least);
        }
      }),
    );
  });

  test('uses most of the budget among equals', () => {
    fc.assert(
      fc.property(tablesOf(whole(20)), whole(80), (tables, budget) => {
        const picked = allocate(tables, budget);
        if (picked === undefined) return;
        const error = sumOf(tables, picked, 'error');
        const equals = [...choices(tables)].filter((each) => sumOf(tables, each, 'error') === error);
        const costs = equals.map((each) => sumOf(tables, each, 'cost')).filter((cost) => cost <= budget);
        expect(sumOf(tables, picked, 'cost')).toBe(Math.max(...costs));
      }),
    );
  });

  test('costs more under no smaller budget', () => {
    fc.assert(
      fc.property(tablesOf(whole(20)), whole(80), whole(80), (tables, one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)].map((budget) => allocate(tables, budget));
        if (low === undefined || high === undefined) return;
        expect(sumOf(tables, low, 'cost')).toBeLessThanOrEqual(sumOf(tables, high, 'cost'));
      }),
    );
  });

  test('keeps the budget and loses less than a bucket for each group, whatever costs are', () => {
    const cost = whole(1e9).map((each) => each / 7);
    fc.assert(
      fc.property(
        tablesOf(cost),
        whole(1e9).map((each) => each / 3),
        fc.integer({ min: 1, max: 200 }),
        (tables, room, buckets) => {
          const least = leastCost(tables);
          const picked = allocate(tables, least + room, { buckets });
          expect(picked).toBeDefined();
          if (picked === undefined) return;
          expect(sumOf(tables, picked, 'cost')).toBeLessThanOrEqual((least + room) * (1 + 2e-9));
          const waste = (tables.length * room) / buckets;
          // What fits with so much less room fits with costs rounded up.
          const within = bruteForce(tables, least + room - waste);
          if (within !== undefined) expect(sumOf(tables, picked, 'error')).toBeLessThanOrEqual(within);
        },
      ),
    );
  });

  test('is the best of each where the budget is all that there is, however coarse the buckets', () => {
    const tables = [0.1, 0.2, 0.7].map((cost) => [
      { error: 0, cost },
      { error: 1, cost: cost / 3 },
    ]);
    expect(allocate(tables, 0.1 + 0.2 + 0.7, { buckets: 2 })).toEqual([0, 0, 0]);
  });

  test('is the cheapest of each where the budget is no more than that', () => {
    const tables = [0.1, 0.2, 0.7].map((cost) => [
      { error: 0, cost: cost * 3 },
      { error: 2, cost },
      { error: 1, cost },
    ]);
    expect(allocate(tables, leastCost(tables))).toEqual([2, 2, 2]);
    expect(allocate(tables, leastCost(tables) * 0.999)).toBeUndefined();
  });

  test('never has an error or a cost that is not finite', () => {
    const tables = [
      [
        { error: Number.NaN, cost: 0 },
        { error: 0, cost: Number.POSITIVE_INFINITY },
        { error: 5, cost: 2 },
        { error: Number.POSITIVE_INFINITY, cost: 1 },
      ],
    ];
    expect(leastCost(tables)).toBe(2);
    for (const budget of [2, 100]) expect(allocate(tables, budget)).toEqual([2]);
    expect(allocate(tables, 1.9)).toBeUndefined();
    expect(allocate([...tables, [{ error: Number.NaN, cost: 0 }]], 100)).toBeUndefined();
    expect(allocate(tables, Number.NaN)).toBeUndefined();
  });

  test('is the cheapest where the room is too small for buckets', () => {
    const tables = [0, 1].map((error) => [
      { error, cost: 1e-300 },
      { error: 2, cost: 0 },
    ]);
    expect(allocate(tables, Number.MIN_VALUE)).toEqual([1, 1]);
  });

  test('is nothing for no groups', () => expect(allocate([], 0)).toEqual([]));

  test('trades a cheap group for a dear one where that costs less', () => {
    const tables = [
      [
        { error: 0, cost: 10 },
        { error: 1, cost: 5 },
      ],
      [
        { error: 0, cost: 6 },
        { error: 3, cost: 1 },
      ],
    ];
    expect(allocate(tables, 11)).toEqual([1, 0]);
    expect(allocate(tables, 10)).toEqual([1, 1]);
  });
});
