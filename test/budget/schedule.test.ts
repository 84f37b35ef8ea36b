import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sparsitiesOf } from '../../src/budget/schedule.ts';

describe('the sparsities of a schedule', () => {
  test('are the final one from the first step on where it is constant', () => {
    expect(sparsitiesOf({ kind: 'constant', steps: 3, initial: 0.2 }, 0.8)).toEqual([0.8, 0.8, 0.8]);
  });

  test('follow the cubic of the polynomial', () => {
    const [first, second, third, last] = sparsitiesOf({ kind: 'polynomial', steps: 4, initial: 0.1 }, 0.9);
    expect(first).toBeCloseTo(0.9 - 0.8 * 0.75 ** 3, 12);
    expect(second).toBeCloseTo(0.8, 12);
    expect(third).toBeCloseTo(0.9 - 0.8 / 64, 12);
    expect(last).toBe(0.9);
  });

  test('never fall, and end at the final one exactly', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('constant' as const, 'polynomial' as const),
        fc.integer({ min: 1, max: 30 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (kind, steps, initial, final) => {
          const sparsities = sparsitiesOf({ kind, steps, initial }, final);
          expect(sparsities).toHaveLength(steps);
          expect(sparsities.at(-1)).toBe(final);
          sparsities.reduce((before, each) => {
            expect(each).toBeGreaterThanOrEqual(before);
            return each;
          }, 0);
        },
      ),
    );
  });
});
