import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alignmentOnTheWay } from '../../src/budget/align.ts';
import { type BudgetOptions, type Candidate, planQuotas } from '../../src/budget/plan.ts';

/** Groups that lose units round by round: the scores of those that are left. */
interface Widths {
  readonly scores: readonly (readonly number[])[];
  /** Whether amounts are shared by losses, which are running sums of scores. */
  readonly lossy: boolean;
}

const unaligned = { block: 1, strict: false } as const;

function candidatesOf({ scores, lossy }: Widths, before: readonly number[] | undefined): Candidate[] {
  return scores.map((list, i) => {
    let sum = 0;
    const losses = Float64Array.from([0, ...list.toSorted((a, b) => a - b).slice(0, -1)], (each) => (sum += each));
    const group = {
      name: `g${i}`,
      first: 0,
      count: list.length,
      members: [],
      places: [],
      part: undefined,
      mixers: [],
      blockedWidth: 1,
    };
    return { group, scores: Float64Array.from(list), before: before?.[i], losses: lossy ? losses : undefined };
  });
}

/** How many units stay of each group after some rounds, as `shareOfRound` shares the amount out; aligned in the last. */
function keptAfter(rounds: number, widths: Widths, options: BudgetOptions): number[] {
  const before = widths.scores.map(({ length }) => length);
  let { scores } = widths;
  for (let round = 1; round <= rounds; round++) {
    const amount = round === rounds ? options.amount : 1 - (1 - options.amount) ** (round / rounds);
    const quotas = planQuotas(candidatesOf({ ...widths, scores }, round === 1 ? undefined : before), {
      ...options,
      amount,
      alignment: round === rounds ? options.alignment : alignmentOnTheWay(options.alignment),
    });
    // The least leave; scores stay what they are.
    scores = scores.map((list, i) => list.toSorted((a, b) => b - a).slice(0, quotas[i]?.keep));
  }
  return scores.map(({ length }) => length);
}

const widths = fc.record({
  scores: fc.array(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 30 }), {
    minLength: 1,
    maxLength: 4,
  }),
  lossy: fc.boolean(),
});
const fractions = fc.integer({ min: 0, max: 20 }).map((each) => each / 20);
const total = (counts: readonly number[]): number => counts.reduce((sum, each) => sum + each, 0);

describe('after several rounds as many units are left as after one', () => {
  test('of each group, where each loses the amount', () => {
    fc.assert(
      fc.property(widths, fractions, fractions, fc.integer({ min: 2, max: 6 }), (each, amount, maxRatio, rounds) => {
        const options = { amount, maxRatio, scope: 'uniform', alignment: unaligned } as const;
        expect(keptAfter(rounds, each, options)).toEqual(keptAfter(1, each, options));
      }),
    );
  });

  test('of all together, where they share it', () => {
    fc.assert(
      fc.property(widths, fractions, fractions, fc.integer({ min: 2, max: 6 }), (each, amount, maxRatio, rounds) => {
        const options = { amount, maxRatio, scope: 'global', alignment: unaligned } as const;
        expect(total(keptAfter(rounds, each, options))).toBe(total(keptAfter(1, each, options)));
      }),
    );
  });

  test('and no group loses more than the cap allows of what there was', () => {
    fc.assert(
      fc.property(widths, fractions, fractions, fc.integer({ min: 2, max: 6 }), (each, amount, maxRatio, rounds) => {
        const kept = keptAfter(rounds, each, { amount, maxRatio, scope: 'global', alignment: unaligned });
        kept.forEach((count, i) => {
          const before = each.scores[i]?.length ?? 0;
          expect(count).toBeGreaterThanOrEqual(Math.ceil(before * (1 - maxRatio) - 1e-9));
        });
      }),
    );
  });

  test('in blocks, though widths on the way fill none', () => {
    const one: Widths = { scores: [Array.from({ length: 64 }, (_, i) => i + 1)], lossy: false };
    for (const strict of [true, false]) {
      for (let percent = 1; percent < 95; percent++) {
        const options = {
          amount: percent / 100,
          maxRatio: 1,
          scope: 'uniform',
          alignment: { block: 16, strict },
        } as const;
        const [kept = 0] = keptAfter(3, one, options);
        const [once = 0] = keptAfter(1, one, options);
        expect(kept % (strict ? 16 : 4), `${percent} %`).toBe(0);
        // What is gone before the last round does not come back.
        if (strict) expect(kept).toBe(once);
        else expect(Math.abs(kept - once)).toBeLessThanOrEqual(8);
      }
    }
  });
});
