import { describe, expect, test } from 'vitest';
import { refit } from '../../../src/recover/sparse/refit.ts';
import { applyMask } from '../../../src/recover/sparse/select-mask.ts';
import { sparseGpt } from '../../../src/recover/sparse/sparse-gpt.ts';
import { outputError, reluLayer } from './layers.ts';

describe('the sweep over columns', () => {
  // Columns with small weights come first, and all others follow: what those take over is the least squares solution.
  test.each([
    ['amounts', 5, 60, 20],
    ['amounts over many blocks', 3, 150, 50],
  ])('of %s gives least squares weights where all that leaves comes first', (_, rows, columns, small) => {
    const layer = reluLayer({ rows, columns, seed: 6 });
    const weights = layer.weights.map((weight, i) =>
      (i % columns) % 3 === 0 ? Math.sign(weight) * 1e-4 : Math.sign(weight) + weight,
    );
    const moved = { ...layer, weights };
    const found = sparseGpt({ ...moved, share: { kind: 'amount', zeros: rows * small, per: 'layer' } });
    expect([...found.mask]).toEqual([...weights].map((_, i) => Number((i % columns) % 3 !== 0)));
    const wanted = refit(moved, applyMask(weights, found.mask), found.mask, { tolerance: 0, steps: 2000 });
    const scale = 1e-4;
    const worst = Math.max(...found.weights.map((weight, i) => Math.abs(weight - (wanted[i] ?? Number.NaN))));
    expect(worst).toBeLessThan(1e-6 * scale);
    // The weights did move by what left, so the comparison says something.
    const moves = found.weights.map((weight, i) => (found.mask[i] === 1 ? Math.abs(weight - (weights[i] ?? 0)) : 0));
    expect(Math.max(...moves)).toBeGreaterThan(1e-2 * scale);
  });

  test('is better than the same zeros without what the others take over', () => {
    const layer = reluLayer({ rows: 12, columns: 100, seed: 7 });
    for (const per of ['layer', 'row'] as const) {
      const { weights, mask } = sparseGpt({ ...layer, share: { kind: 'amount', zeros: 720, per } });
      expect(outputError(layer, weights)).toBeLessThan(0.8 * outputError(layer, applyMask(layer.weights, mask)));
    }
  });
});
