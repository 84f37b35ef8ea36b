import { describe, expect, it } from 'vitest';
import type { PruneOptions } from '../../src/options/prune-options.ts';
import type { SensitivityRow, StudyPoint } from '../../src/report/study.ts';
import { suggest } from '../../src/study/suggest.ts';

const row = (name: string, bears: number): SensitivityRow => ({ name, nodes: [], size: 8, points: [], bears });
const sumOf = ({ layers = [] }: PruneOptions): number => layers.reduce((sum, { amount }) => sum + Number(amount), 0);
const pointOf = (recipe: PruneOptions): StudyPoint => ({
  amount: sumOf(recipe),
  reached: sumOf(recipe),
  figures: null,
  problem: null,
});

/** Suggests for rows that together bear so much. */
async function suggested(rows: readonly SensitivityRow[], most: number) {
  const tried: number[] = [];
  const suggestion = await suggest({
    rows,
    base: { criterion: 'l2' },
    measure: async (recipe) => {
      tried.push(sumOf(recipe));
      return pointOf(recipe);
    },
    holds: ({ amount }) => amount <= most,
  });
  return { suggestion, tried };
}

describe('A suggestion', () => {
  it('is what each bears alone where all together bear it', async () => {
    const { suggestion, tried } = await suggested([row('a', 0.5), row('b', 0), row('c', 0.25)], 1);
    expect(suggestion).toMatchObject({ scale: 1, holds: true });
    expect(suggestion?.recipe).toEqual({
      criterion: 'l2',
      layers: [
        { match: 'a', amount: 0.5 },
        { match: 'c', amount: 0.25 },
      ],
    });
    expect(tried).toHaveLength(1);
  });

  it('is scaled down to what all bear together, to a part in 32', async () => {
    const { suggestion } = await suggested([row('a', 0.5), row('b', 0.5)], 0.3);
    expect(suggestion?.holds).toBe(true);
    expect(suggestion?.scale).toBeLessThanOrEqual(0.3);
    expect(suggestion?.scale).toBeGreaterThan(0.3 - 1 / 32);
    expect(suggestion?.point.amount).toBeCloseTo(suggestion?.scale ?? 0);
  });

  it('says so where nothing that was tried holds', async () => {
    const { suggestion, tried } = await suggested([row('a', 0.5)], -1);
    expect(suggestion?.holds).toBe(false);
    expect(tried).toHaveLength(6);
    expect(suggestion?.scale).toBe(1 / 32);
  });

  it('is none where nothing bears anything', async () => {
    expect(await suggested([row('a', 0), row('b', 0)], 1)).toEqual({ suggestion: null, tried: [] });
  });
});
