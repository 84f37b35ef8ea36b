import fc from 'fast-check';
import { expect, it } from 'vitest';
import { spread } from '../../../src/report/charts/spread.ts';

it('Labels keep their order and distance, stay in the range, and do not move without need', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 12 }), (wishes) => {
      const places = spread(wishes, 20, 0, 300);
      const sorted = [...places].sort((a, b) => a - b);
      expect(sorted[0]).toBeGreaterThanOrEqual(0);
      expect(sorted.at(-1)).toBeLessThanOrEqual(300);
      for (const [k, place] of sorted.entries()) {
        if (k > 0) expect(place - (sorted[k - 1] ?? Number.NaN)).toBeGreaterThanOrEqual(20 - 1e-9);
      }
      for (const [a, wishA] of wishes.entries()) {
        for (const [b, wishB] of wishes.entries()) {
          if (wishA < wishB) expect(places[a]).toBeLessThan(places[b] ?? Number.NaN);
        }
      }
      const order = [...wishes].sort((a, b) => a - b);
      if (order.every((wish, k) => k === 0 || wish - (order[k - 1] ?? 0) >= 20)) expect(places).toEqual(wishes);
    }),
  );
});

it('Labels that want the same place share its surroundings', () => {
  expect(spread([100, 100, 100], 20, 0, 300)).toEqual([80, 100, 120]);
  expect(spread([100, 110], 20, 0, 300)).toEqual([95, 115]);
  expect(spread([0, 0], 20, 0, 300)).toEqual([0, 20]);
  expect(spread([], 20, 0, 300)).toEqual([]);
});
