import { describe, expect, test } from 'vitest';
import { imageNet } from '../ops/nets.ts';
import { products, prune, zerosOf } from '../transforms/pruned-weights.ts';

describe('a criterion', { timeout: 60_000 }, () => {
  test('by lot is the same for a seed, whatever else is pruned, and another for another', async () => {
    const all = await prune(
      imageNet((_, x) => x),
      { criterion: 'random' },
    );
    const last = await prune(
      imageNet((_, x) => x),
      { criterion: 'random', exclude: ['first'] },
    );
    expect(last.after['last']).toEqual(all.after['last']);
    const other = await prune(
      imageNet((_, x) => x),
      { criterion: 'random', seed: 2 },
    );
    expect(other.after['last']).not.toEqual(all.after['last']);
    expect(zerosOf(other)).toEqual(zerosOf(all));
    const again = await prune(all.model, { criterion: 'random' });
    expect(again.report.zeroed).toBe(0);
  });

  test('of one’s own ranks by what it returns, negative numbers included, and zeros go first', async () => {
    const criterion = {
      name: 'signed',
      score: (_: unknown, values: Float32Array | Float64Array) => Float32Array.from(values, (value) => -value),
    };
    const { after, report } = await prune(products({ w: [1, -2, 3, 0] }), { criterion });
    expect([after['w'], report.criterion]).toEqual([[1, -2, 0, 0], 'signed']);
    const below = await prune(products({ w: [1, -2, 3, 0.5] }), {
      criterion,
      how: { kind: 'threshold', threshold: -0.75 },
    });
    expect(below.after['w']).toEqual([0, -2, 0, 0.5]);
  });

  test('of one’s own may give the weights themselves back', async () => {
    const criterion = { name: 'w', score: (_: unknown, values: Float32Array | Float64Array) => values as Float32Array };
    const { after } = await prune(products({ w: [1, -2, 3, 4] }), { criterion });
    expect(after['w']).toEqual([0, 0, 3, 4]);
  });

  test('of one’s own that is not finite, or gives too few, is refused by name', async () => {
    const failing = (scores: readonly number[]) => ({ name: 'broken', score: () => Float32Array.from(scores) });
    await expect(prune(products({ w: [1, -2, 3] }), { criterion: failing([0, Number.NaN, 1]) })).rejects.toMatchObject({
      code: 'bad-option',
      subject: 'broken',
      message: expect.stringContaining('"broken" gives NaN for element 1 of weight "w", which is -2'),
    });
    await expect(prune(products({ w: [1, -2, 3] }), { criterion: failing([0]) })).rejects.toMatchObject({
      code: 'internal',
    });
  });

  test('other than the magnitude does not go with layer-adaptive scores', async () => {
    const how = { kind: 'amount', amount: 0.5, scope: 'lamp' } as const;
    await expect(prune(products({ w: [1, 2] }), { how, criterion: 'random' })).rejects.toMatchObject({
      code: 'bad-option',
      subject: '--scope',
    });
  });
});
