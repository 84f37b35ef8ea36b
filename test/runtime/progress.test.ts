import { afterAll, describe, expect, test } from 'vitest';
import { benchmark, compare, profileModel, RuntimeChild, runAll } from '../../src/runtime/index.ts';
import { addition, floats, unary } from './models.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** What a request tells. */
async function told(ask: (onProgress: (done: number, total: number) => void) => Promise<unknown>): Promise<number[][]> {
  const all: number[][] = [];
  await ask((done, total) => void all.push([done, total]));
  return all;
}

const x = { x: floats([1, 3], [1, 2, 3]) };
const models = [unary('Relu'), unary('Neg')];

describe('progress', { timeout: 30_000 }, () => {
  test.each<[string, number, (onProgress: (done: number, total: number) => void) => Promise<unknown>]>([
    ['run', 4, (onProgress) => runAll(child, unary('Relu'), [x, x, x, x], { onProgress })],
    ['compare', 3, (onProgress) => compare(child, unary('Relu'), unary('Neg'), [x, x, x], { onProgress })],
    ['profile', 13, (onProgress) => profileModel(child, unary('Relu'), [x], { runs: 10, onProgress })],
    ['benchmark by rounds', 20, (onProgress) => benchmark(child, models, [x], { rounds: 20, minMs: 1, onProgress })],
    ['benchmark by time', 2, (onProgress) => benchmark(child, models, [x], { rounds: 2, minMs: 350, onProgress })],
    [
      'benchmark out of time',
      900,
      (onProgress) => benchmark(child, models, [x], { rounds: 900, budgetMs: 0, onProgress }),
    ],
  ])('of %s grows to its end', async (_, total, ask) => {
    const all = await told(ask);
    expect(all.at(-1)).toEqual([total, total]);
    for (const [index, [done = 0, of]] of all.entries()) {
      expect(of).toBe(total);
      expect(done).toBeGreaterThanOrEqual(all[index - 1]?.[0] ?? 0);
    }
  });

  test('is throttled', async () => {
    const start = performance.now();
    const all = await told((onProgress) => runAll(child, unary('Relu'), Array(3000).fill(x), { onProgress }));
    expect(all.length).toBeLessThanOrEqual(2 + (performance.now() - start) / 100);
  });

  test('that throws ends the request with its reason, and the next one is served', async () => {
    const reason = new Error('enough');
    const onProgress = (): never => {
      throw reason;
    };
    await expect(
      compare(child, addition([1]), addition([1]), [{ x: floats([1, 1], [1]) }], { onProgress }),
    ).rejects.toBe(reason);
    await expect(runAll(child, unary('Relu'), [x])).resolves.toHaveLength(1);
  });
});
