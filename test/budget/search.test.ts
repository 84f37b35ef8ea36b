import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type SearchOptions, searchAmount, searchMost } from '../../src/budget/search.ts';

const PERCENT: SearchOptions = { low: 0, high: 1, tolerance: 0.01, most: 100 };
/** The amounts of so many places from 0 to 1. */
const optionsOf = (places: number, most: number): SearchOptions => ({
  low: 0,
  high: places - 1,
  tolerance: 1,
  most,
});
const halvings = (places: number): number => Math.ceil(Math.log2(Math.max(places, 2)));

/** Says what a list says about each index, and makes sure that nothing is asked twice. */
function asked<T>(list: readonly T[]): (index: number) => Promise<T> {
  const seen = new Set<number>();
  return async (index) => {
    expect(seen.has(index)).toBe(false);
    seen.add(index);
    const outcome = list[index];
    if (outcome === undefined) throw new Error(`There is no place ${index}.`);
    return outcome;
  };
}

const levels = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 300 });
/** Falls so steeply, at first or in the end, that straight lines mislead. */
const steep = fc
  .record({ places: fc.integer({ min: 2, max: 300 }), early: fc.boolean(), rate: fc.constantFrom(0.5, 2, 8) })
  .map(({ places, early, rate }) =>
    Array.from({ length: places }, (_, i) => (early ? 30 * rate ** -i : 30 - rate ** (i - places))),
  )
  .map((list) => list.sort((a, b) => b - a));
const falling = fc.oneof(
  levels.map((list) => [...list].sort((a, b) => b - a)),
  steep,
);
const limits = fc.oneof(
  fc.integer({ min: -1, max: 31 }),
  fc.integer({ min: -40, max: 4 }).map((power) => 2 ** power),
);

describe('the least amount under a limit', () => {
  test('is found whatever steps the measure falls by, in at most one try more than halving takes', async () => {
    await fc.assert(
      fc.asyncProperty(falling, limits, async (list, limit) => {
        const { found, tries } = await searchAmount(asked(list), limit, optionsOf(list.length, 100));
        const first = list.findIndex((each) => each <= limit);
        expect(found).toEqual(first < 0 ? undefined : { amount: first, outcome: list[first] });
        expect(tries.length).toBeLessThanOrEqual(2 + 1 + halvings(list.length));
      }),
    );
  });

  test('is found with no more tries than halving takes', async () => {
    await fc.assert(
      fc.asyncProperty(falling, limits, async (list, limit) => {
        const most = 2 + halvings(list.length);
        const { found, tries } = await searchAmount(asked(list), limit, optionsOf(list.length, most));
        expect(tries.length).toBeLessThanOrEqual(most);
        expect(found?.amount ?? -1).toBe(list.findIndex((each) => each <= limit));
      }),
    );
  });

  test('meets the limit, and those tried below it do not, however noisy the measure and few the tries', async () => {
    await fc.assert(
      fc.asyncProperty(levels, limits, fc.integer({ min: 2, max: 12 }), async (list, limit, most) => {
        const { found, tries } = await searchAmount(asked(list), limit, optionsOf(list.length, most));
        expect(tries.length).toBeLessThanOrEqual(most);
        for (const { amount, outcome } of tries) expect(outcome).toBe(list[amount]);
        if (found === undefined) {
          expect(tries.every(({ outcome }) => outcome > limit)).toBe(true);
          expect(tries.at(-1)?.amount).toBe(list.length - 1);
          return;
        }
        expect(found.outcome).toBeLessThanOrEqual(limit);
        for (const { amount, outcome } of tries) if (amount < found.amount) expect(outcome).toBeGreaterThan(limit);
      }),
    );
  });

  test('takes few tries where the measure is smooth', async () => {
    const options = { low: 0, high: 0.99, tolerance: 0.001, most: 20 };
    for (const limit of [0.9, 0.5, 0.4, 0.1]) {
      const { found, tries } = await searchAmount(async (amount) => (1 - amount) ** 2, limit, options);
      expect(found?.amount).toBe(Math.ceil((1 - Math.sqrt(limit)) * 1000) / 1000);
      // Halving takes 12.
      expect(tries.length).toBeLessThanOrEqual(8);
    }
  });

  test('is the least of all where that meets the limit already, after one try', async () => {
    const search = await searchAmount(async () => 5, 5, PERCENT);
    expect(search).toEqual({ found: { amount: 0, outcome: 5 }, tries: [{ amount: 0, outcome: 5 }] });
  });

  test('is none where the largest misses, and both ends are told', async () => {
    const { found, tries } = await searchAmount(async (amount) => 9 - amount, 7, PERCENT);
    expect(found).toBeUndefined();
    expect(tries.map(({ amount }) => amount)).toEqual([0, 1]);
  });

  test('is a round number, or the largest where that is none', async () => {
    const { found } = await searchAmount(async (amount) => -amount, -0.3, { ...PERCENT, tolerance: 0.1 });
    expect(found?.amount).toBe(0.3);
    const last = await searchAmount(async (amount) => -amount, -0.95, { ...PERCENT, high: 0.95, tolerance: 0.1 });
    expect(last.found?.amount).toBe(0.95);
    expect((await searchAmount(async (a) => -a, -0.2, { ...PERCENT, low: 0.2, high: 0.2 })).tries).toHaveLength(1);
  });

  test('takes a measure that is no number for a miss', async () => {
    const { found } = await searchAmount(async (amount) => (amount < 0.42 ? Number.NaN : 1), 1, PERCENT);
    expect(found?.amount).toBe(0.42);
    expect((await searchAmount(async () => Number.NaN, 1, PERCENT)).found).toBeUndefined();
  });

  test('ends with what the measure throws', async () => {
    const broken = async (amount: number): Promise<number> => {
      if (amount === 1) throw new Error('out of memory');
      return 2;
    };
    await expect(searchAmount(broken, 1, PERCENT)).rejects.toThrow('out of memory');
  });
});

describe('the largest amount that passes', () => {
  const gates = fc
    .record({ places: fc.integer({ min: 1, max: 300 }), passing: fc.integer({ min: 0, max: 300 }) })
    .map(({ places, passing }) => Array.from({ length: places }, (_, i) => i < passing));

  test('is found where all below it pass, in 8 steps and as many tries as halving one of those takes', async () => {
    await fc.assert(
      fc.asyncProperty(gates, async (list) => {
        const { found, tries } = await searchMost(asked(list), optionsOf(list.length, 100));
        expect(found?.amount ?? -1).toBe(list.lastIndexOf(true));
        expect(tries.length).toBeLessThanOrEqual(1 + 8 + halvings(Math.ceil((list.length - 1) / 8)));
      }),
    );
  });

  test('is found with few tries as well', async () => {
    await fc.assert(
      fc.asyncProperty(gates, fc.integer({ min: 0, max: 6 }), async (list, spare) => {
        const most = 2 + halvings(list.length) + spare;
        const { found, tries } = await searchMost(asked(list), optionsOf(list.length, most));
        expect(tries.length).toBeLessThanOrEqual(most);
        expect(found?.amount ?? -1).toBe(list.lastIndexOf(true));
      }),
    );
  });

  test('passes, with nothing tried below it that fails, however luck has it and few the tries', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 300 }),
        fc.integer({ min: 2, max: 20 }),
        async (list, most) => {
          const { found, tries } = await searchMost(asked(list), optionsOf(list.length, most));
          expect(tries.length).toBeLessThanOrEqual(most);
          if (found === undefined) expect(list[0]).toBe(false);
          else {
            expect(list[found.amount]).toBe(true);
            expect(tries.filter(({ amount }) => amount < found.amount).every(({ outcome }) => outcome)).toBe(true);
            expect(tries.filter(({ amount }) => amount > found.amount).some(({ outcome }) => outcome)).toBe(false);
          }
        },
      ),
    );
  });

  test('goes up in coarse steps before it goes by halves', async () => {
    const { found, tries } = await searchMost(async (amount) => amount <= 0.33, { ...PERCENT, high: 0.96, most: 13 });
    expect(found).toEqual({ amount: 0.33, outcome: true });
    expect(tries.map(({ amount }) => amount)).toEqual([0, 0.12, 0.24, 0.36, 0.3, 0.33, 0.34]);
  });
});
