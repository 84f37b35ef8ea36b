import { describe, expect, test } from 'vitest';
import { measureFootprint } from '../../src/runtime/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { addition, floats, scratch, unary } from './models.ts';

const write = scratch();
const MEGA = 2 ** 20;

/** y = the sum of x stretched to `millions` × 4 MiB: small as a file, large as it runs. */
function stretched(millions: number): Uint8Array {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', [1, 1]);
  const wide = b.node('Expand', [x, b.constant('shape', 'int64', [2], [millions, MEGA])]);
  b.output(b.node('ReduceSum', [b.node('Exp', [wide])], { keepdims: 0 }, { outputs: ['y'] }), 'float32', []);
  return b.bytes();
}

describe('measureFootprint', { timeout: 60_000 }, () => {
  test('tells the memory that a model takes as it runs, in a process of its own each time', async () => {
    const x = { x: floats([1, 1], [0]) };
    const large = await measureFootprint(write('large.onnx', stretched(50)), x);
    const small = await measureFootprint(write('small.onnx', stretched(1)), x);
    expect(small.peakBytes).toBeGreaterThanOrEqual(small.baseBytes);
    expect(large.peakBytes - large.baseBytes).toBeGreaterThan(200 * MEGA);
    expect(large.peakBytes - small.peakBytes).toBeGreaterThan(150 * MEGA);
    expect(Math.abs(large.baseBytes - small.baseBytes)).toBeLessThan(100 * MEGA);
  });

  test('times loads, one at least, and tells how far it is', async () => {
    const told: [number, number][] = [];
    const options = { onProgress: (done: number, total: number) => void told.push([done, total]) };
    const x = { x: floats([1, 2], [0, 0]) };
    const { loads, loadMs } = await measureFootprint(addition([1, 2]), x, options);
    expect(loads).toBe(5);
    expect(loadMs).toBeGreaterThan(0);
    expect(told.at(-1)).toEqual([6, 6]);
    expect((await measureFootprint(addition([1, 2]), x, { budgetMs: 0, threads: 2 })).loads).toBe(1);
  });

  test('is refused as running is', async () => {
    await expect(measureFootprint(unary('Relu'), {})).rejects.toMatchObject({ code: 'bad-data' });
    await expect(measureFootprint(Uint8Array.of(1, 2, 3), {})).rejects.toMatchObject({ code: 'runtime-refused' });
  });
});
