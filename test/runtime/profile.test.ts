import { mkdirSync, readdirSync } from 'node:fs';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { profileModel, RuntimeChild } from '../../src/runtime/index.ts';
import { nodeTimes } from '../../src/runtime/node-times.ts';
import { ModelBuilder } from '../support/build.ts';
import { floats, scratch } from './models.ts';

const child = new RuntimeChild();
afterAll(() => child.close());
const write = scratch();

function product(): Uint8Array {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', ['N', 64]);
  const y = b.node('MatMul', [x, b.weight('w', [64, 64])], {}, { name: 'product' });
  b.output(b.node('Softmax', [y], {}, { name: 'classes', outputs: ['y'] }), 'float32', ['N', 64]);
  return b.bytes();
}

const batch = { x: floats([2, 64], Array.from({ length: 128 }, Math.sin)) };

describe('times of nodes', { timeout: 30_000 }, () => {
  test('are given by the names and operators of the graph, and leave no file', async () => {
    const folder = `${write('beside', '')}-tmp`;
    mkdirSync(folder);
    vi.stubEnv('TMPDIR', folder);
    const times = await profileModel(child, product(), [batch], { runs: 4, threads: 1 }).finally(() =>
      vi.unstubAllEnvs(),
    );
    expect(times.map(({ name, operator }) => [name, operator])).toEqual([
      ['product', 'MatMul'],
      ['classes', 'Softmax'],
    ]);
    for (const { microseconds } of times) expect(microseconds).toBeGreaterThanOrEqual(0);
    expect(readdirSync(folder).filter((name) => name.startsWith('onnx-prune'))).toEqual([]);
  });

  test('need data that fit', async () => {
    await expect(profileModel(child, product(), [])).rejects.toMatchObject({ code: 'bad-data' });
    await expect(profileModel(child, product(), [{ x: floats([2, 3], [1, 2, 3, 4, 5, 6]) }])).rejects.toMatchObject({
      code: 'bad-data',
    });
  });
});

describe('a profile', () => {
  const event = (cat: string, name: string, ts: number, dur: number, operator?: string): unknown => ({
    cat,
    name,
    ts,
    dur,
    args: operator === undefined ? {} : { op_name: operator },
  });
  const node = (name: string, operator: string, ts: number, dur: number): unknown =>
    event('Node', `${name}_kernel_time`, ts, dur, operator);
  const runAt = (ts: number): unknown => event('Session', 'model_run', ts, 99);

  test('counts the faster half of the runs behind the first ones', () => {
    const durations = [50, 8, 4, 6, 30];
    const events = durations.flatMap((dur, run) => [runAt(run * 100), node('a', 'Add', run * 100 + 5, dur)]);
    expect(nodeTimes(events, 1)).toEqual([{ name: 'a', operator: 'Add', microseconds: 5 }]);
  });

  test('counts what runs bodies without them, and what is inside with all turns', () => {
    const events = [
      runAt(0),
      node('loop', 'Loop', 10, 50),
      node('inner', 'Add', 15, 10),
      node('inner', 'Add', 30, 20),
      node('last', 'Mul', 70, 5),
    ];
    expect(nodeTimes(events, 0)).toEqual([
      { name: 'loop', operator: 'Loop', microseconds: 20 },
      { name: 'inner', operator: 'Add', microseconds: 30 },
      { name: 'last', operator: 'Mul', microseconds: 5 },
    ]);
  });

  test('passes over what is no event of a node', () => {
    const events = [runAt(0), null, {}, event('Node', 'a_fence_before', 5, 1, 'Add'), event('Session', 'init', 6, 2)];
    expect(nodeTimes(events, 0)).toEqual([]);
    expect(nodeTimes('nonsense', 0)).toEqual([]);
  });
});
