import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import {
  ActivationStore,
  type HostTensor,
  makeInputs,
  RuntimeChild,
  RuntimeTimeout,
  runAll,
  runStage,
  type StageSum,
} from '../../src/runtime/index.ts';
import { ModelBuilder } from '../support/build.ts';
import type { ElementType } from '../support/build-tensor.ts';
import { addition, endless, floats, unary } from './models.ts';

const child = new RuntimeChild();
const folder = mkdtempSync(join(tmpdir(), 'onnx-prune-activations-'));
afterAll(async () => {
  await child.close();
  rmSync(folder, { recursive: true, force: true });
});

const AMPLE = 2 ** 30;
const stores = (memoryLimit = AMPLE, runtime = child): ActivationStore =>
  new ActivationStore(runtime, { folder, memoryLimit });

/** Files that activations are in now, of all stores. */
const files = (): string[] => readdirSync(folder).flatMap((name) => readdirSync(join(folder, name)));

const BATCHES = 5;
/** Batches of [4, 3] whose numbers are small and whole, so that sums of products are exact. */
const batches = Array.from({ length: BATCHES }, (_, batch) =>
  floats(
    [4, 3],
    Array.from({ length: 12 }, (_, i) => ((i * 7 + batch * 5) % 11) - 5),
  ),
);

async function filled(memoryLimit?: number, runtime = child): Promise<ActivationStore> {
  const store = stores(memoryLimit, runtime);
  for (const [batch, x] of batches.entries()) await store.put(batch, { x });
  return store;
}

/** A float32 value of the store in every batch, by way of sums that have one batch each. */
async function fetched(store: ActivationStore, name: string, runtime = child): Promise<readonly StageSum[]> {
  const b = new ModelBuilder();
  b.output(b.node('Identity', [b.input('x')], {}, { outputs: ['y'] }));
  const stage = { source: b.bytes(), batches: BATCHES, take: { x: name }, keep: {}, sum: ['y'], parts: BATCHES };
  return (await runStage(runtime, store, stage)).get('y') ?? [];
}

const numbers = (data: HostTensor['data']): number[] => Array.from(data, Number);

const asSums = (tensors: readonly (HostTensor | undefined)[]): unknown[] =>
  tensors.map((tensor) => ({ dims: tensor?.dims, data: Float64Array.from(numbers(tensor?.data ?? [])) }));

/** Layers of a net, x [N, 3] → h [N, 8] → y [N, 2], as one model or each by itself. */
function layers(from: 'x' | 'h', to: 'h' | 'y'): Uint8Array {
  const b = new ModelBuilder({ seed: 3 });
  const w = b.weight('w', [3, 8]);
  const v = b.weight('v', [8, 2]);
  let value = b.input(from, 'float32', ['N', from === 'x' ? 3 : 8]);
  if (from === 'x') value = b.node('Relu', [b.node('MatMul', [value, w])], {}, { outputs: ['h'] });
  if (to === 'y') value = b.node('Tanh', [b.node('MatMul', [value, v])], {}, { outputs: ['y'] });
  b.output(value, 'float32', ['N', to === 'h' ? 8 : 2]);
  return b.bytes();
}

const first = { source: layers('x', 'h'), batches: BATCHES, take: { x: 'x' }, keep: { h: 'middle' }, sum: [] };
const second = { source: layers('h', 'y'), batches: BATCHES, take: { h: 'middle' }, keep: { y: 'end' }, sum: [] };

describe('segments that are run one after the other', { timeout: 60_000 }, () => {
  test.each([
    ['memory', AMPLE],
    ['files', 0],
    ['both', 300],
  ])('give what the whole net gives, bit by bit, through %s', async (_, limit) => {
    const whole = await runAll(
      child,
      layers('x', 'y'),
      batches.map((x) => ({ x })),
    );
    const store = await filled(limit);
    const seen: string[] = [];
    await runStage(child, store, first, { onProgress: (done, total) => seen.push(`${done}/${total}`) });
    await runStage(child, store, second);
    expect(await fetched(store, 'end')).toEqual(asSums(whole.map(({ y }) => y)));
    expect(seen).toEqual(['1/5', '2/5', '3/5', '4/5', '5/5']);
    await store.close();
  });

  test('leave activations that outlive their session and whatever runs after it', async () => {
    const store = await filled();
    await runStage(child, store, first);
    const before = await fetched(store, 'middle');
    const noise = makeInputs([{ name: 'x', type: 'float32', dims: [1024, 3] }], { seed: 2, batch: 1, dims: new Map() });
    for (let i = 0; i < 20; i++) await runAll(child, layers('x', 'y'), [noise, noise]);
    expect(await fetched(store, 'middle')).toEqual(before);
    expect(new Set(before.flatMap(({ data }) => [...data])).size).toBeGreaterThan(20);
    await store.close();
  });

  test('may feed one activation to several inputs, and replace it', async () => {
    const b = new ModelBuilder();
    b.output(b.node('Sub', [b.input('p'), b.node('Neg', [b.input('q')])], {}, { outputs: ['twice'] }));
    const stage = { source: b.bytes(), batches: BATCHES, take: { p: 'x', q: 'x' }, keep: { twice: 'x' }, sum: [] };
    for (const limit of [AMPLE, 0]) {
      const store = await filled(limit);
      const before = await store.usage();
      await runStage(child, store, stage);
      expect(await store.usage()).toEqual(before);
      const doubled = batches.map(({ dims, data }) =>
        floats(
          dims,
          numbers(data).map((value) => 2 * value),
        ),
      );
      expect(await fetched(store, 'x')).toEqual(asSums(doubled));
      await store.close();
    }
  });

  const types: ElementType[] = ['float32', 'float64', 'float16', 'int8', 'uint8', 'int16', 'uint16', 'int32'];
  types.push('uint32', 'int64', 'uint64', 'bool', 'string');
  test.each(types)('carry %s unchanged', async (type) => {
    const spec = { name: 'x', type, dims: ['N', 3], bound: 2 } as const;
    const { x } = makeInputs([spec], { seed: 4, batch: 5, dims: new Map() });
    if (x === undefined) throw new Error('nothing was made');
    for (const limit of [AMPLE, 0]) {
      const store = stores(limit);
      await store.put(0, { x, other: x });
      // From outside into the store, through a model, back into the store, and through another.
      const copy = { source: unary('Identity', type), batches: 1, take: { x: 'x' }, keep: { y: 'copy' }, sum: [] };
      await runStage(child, store, copy);
      const same = { source: agreement(type), batches: 1, take: { p: 'copy', q: 'other' }, keep: {}, sum: ['same'] };
      const sums = await runStage(child, store, same);
      expect(sums.get('same')).toEqual([{ dims: [5, 3], data: new Float64Array(15).fill(1) }]);
      await store.close();
    }
  });
});

/** 1 where two values of a type are equal, 0 elsewhere. */
function agreement(type: ElementType): Uint8Array {
  const b = new ModelBuilder({ opset: 19 });
  const [p, q] = [b.input('p', type, ['N', 3]), b.input('q', type, ['N', 3])];
  // onnxruntime compares no small types; all of their values are float32 values, too.
  const direct = ['string', 'bool', 'float64', 'int64'].includes(type);
  const operand = (value: string): string => (direct ? value : b.node('Cast', [value], { to: 1 }));
  const equal = b.node('Equal', [operand(p), operand(q)]);
  b.output(b.node('Cast', [equal], { to: 1 }, { outputs: ['same'] }), 'float32', ['N', 3]);
  return b.bytes();
}

/** gram = xᵀ x and total = Σ x over the rows, in `type`. */
function moments(type: 'float32' | 'float64' = 'float32'): Uint8Array {
  const b = new ModelBuilder();
  const x = b.node('Cast', [b.input('x', 'float32', ['N', 3])], { to: type === 'float32' ? 1 : 11 });
  const t = b.node('Transpose', [x]);
  b.output(b.node('MatMul', [t, x], {}, { outputs: ['gram'] }), type, [3, 3]);
  b.output(
    b.node('ReduceSum', [x, b.constant('axis', 'int64', [1], [0])], { keepdims: 0 }, { outputs: ['total'] }),
    type,
  );
  return b.bytes();
}

/** Σ over rows of all given batches of xᵢ xⱼ, and of xᵢ. */
function expectedMoments(of: readonly HostTensor[]): { gram: StageSum; total: StageSum } {
  const rows = of.flatMap(({ data }) => [0, 3, 6, 9].map((at) => Array.from(data.slice(at, at + 3), Number)));
  const over = (value: (row: number[]) => number): number => rows.reduce((sum, row) => sum + value(row), 0);
  const axis = [0, 1, 2];
  const gram = axis.flatMap((i) => axis.map((j) => over((row) => (row[i] ?? Number.NaN) * (row[j] ?? Number.NaN))));
  return {
    gram: { dims: [3, 3], data: Float64Array.from(gram) },
    total: { dims: [3], data: Float64Array.from(axis.map((i) => over((row) => row[i] ?? Number.NaN))) },
  };
}

describe('sums', { timeout: 60_000 }, () => {
  const stage = { batches: BATCHES, take: { x: 'x' }, keep: {}, sum: ['gram', 'total'] };

  test.each(['float32', 'float64'] as const)('of %s outputs are those of all rows', async (type) => {
    const store = await filled();
    const sums = await runStage(child, store, { ...stage, source: moments(type) });
    const { gram, total } = expectedMoments(batches);
    expect([...sums]).toEqual([
      ['gram', [gram]],
      ['total', [total]],
    ]);
    await store.close();
  });

  test('are given part by part, with zeros for a part that no batch is in', async () => {
    const store = await filled();
    const source = moments();
    const sums = await runStage(child, store, { ...stage, source, parts: 2 });
    const parts = [0, 1].map((part) => expectedMoments(batches.filter((_, batch) => batch % 2 === part)));
    expect(sums.get('gram')).toEqual(parts.map(({ gram }) => gram));
    expect(sums.get('total')).toEqual(parts.map(({ total }) => total));
    const many = await runStage(child, store, { ...stage, source, parts: BATCHES + 1 });
    expect(many.get('total')).toHaveLength(BATCHES + 1);
    expect(many.get('total')?.[BATCHES]).toEqual({ dims: [3], data: new Float64Array(3) });
    await store.close();
  });

  test('are those of every so many batches where that is enough', async () => {
    const store = await filled();
    const sums = await runStage(child, store, { ...stage, source: moments(), step: 2 });
    expect(sums.get('gram')).toEqual([expectedMoments(batches.filter((_, batch) => batch % 2 === 0)).gram]);
    const first = await runStage(child, store, { ...stage, source: moments(), step: BATCHES });
    expect(first.get('total')).toEqual([expectedMoments(batches.slice(0, 1)).total]);
    await store.close();
  });

  test('are kept in float64: what float32 would lose is there', async () => {
    const store = stores();
    for (const [batch, value] of [2 ** 24, 1, 1].entries()) await store.put(batch, { x: floats([1, 1], [value]) });
    const stage = { source: addition([0]), batches: 3, take: { x: 'x' }, keep: {}, sum: ['y'] };
    const sums = await runStage(child, store, stage);
    expect(sums.get('y')).toEqual([{ dims: [1, 1], data: Float64Array.of(2 ** 24 + 2) }]);
    await store.close();
  });

  test('that are not finite are given out', async () => {
    const store = stores();
    await store.put(0, { x: floats([1, 3], [Number.NaN, Number.POSITIVE_INFINITY, 1]) });
    await store.put(1, { x: floats([1, 3], [1, 1, 1]) });
    const stage = { source: unary('Identity'), batches: 2, take: { x: 'x' }, keep: {}, sum: ['y'] };
    const [sum] = (await runStage(child, store, stage)).get('y') ?? [];
    expect(sum?.data).toEqual(Float64Array.of(Number.NaN, Number.POSITIVE_INFINITY, 2));
    await store.close();
  });

  test('of other types and of shapes that change are refused', async () => {
    const store = stores();
    const ids = { type: 'int64', dims: [1, 3], data: BigInt64Array.of(1n, 2n, 3n) };
    await store.put(0, { ids, x: floats([1, 3], [1, 2, 3]) });
    await store.put(1, { ids, x: floats([2, 3], [1, 2, 3, 4, 5, 6]) });
    const stage = { batches: 2, keep: {}, sum: ['y'] };
    const whole = { ...stage, source: unary('Identity', 'int64'), take: { x: 'ids' } };
    await expect(runStage(child, store, whole)).rejects.toMatchObject({
      code: 'bad-data',
      message: 'Output "y" is int64, but only float32 and float64 are summed; cast it inside the model.',
    });
    const ragged = { ...stage, source: unary('Identity'), take: { x: 'x' } };
    await expect(runStage(child, store, ragged)).rejects.toMatchObject({
      code: 'bad-data',
      message: expect.stringMatching(/^Output "y" is \[2, 3\] in batch 1 but \[1, 3\] in those before/),
    });
    await store.close();
  });
});

describe('a store', { timeout: 60_000 }, () => {
  const size = 4 * 12;

  test('keeps to its limit, puts what comes later into files, and gives both back', async () => {
    const store = await filled(3 * size);
    expect(await store.usage()).toEqual({ memory: 3 * size, disk: 2 * size });
    expect(files()).toHaveLength(2);
    await runStage(child, store, { ...first, keep: { h: 'middle' } });
    expect(await store.usage()).toEqual({ memory: 3 * size, disk: 2 * size + BATCHES * 4 * 32 });
    expect(files()).toHaveLength(2 + BATCHES);
    await store.drop(['x', 'never stored']);
    expect(await store.usage()).toEqual({ memory: 0, disk: BATCHES * 4 * 32 });
    expect(files()).toHaveLength(BATCHES);
    await expect(fetched(store, 'x')).rejects.toMatchObject({
      code: 'bad-data',
      message: 'No activations "x" are stored for batch 0; store them first, or ask for fewer batches.',
    });
    await store.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('has nothing to do with another store', async () => {
    const [one, other] = [await filled(), stores()];
    await other.put(0, { x: floats([1, 3], [7, 8, 9]) });
    await other.close();
    expect(await fetched(one, 'x')).toEqual(asSums(batches));
    await one.close();
    await expect(one.usage()).rejects.toMatchObject({ code: 'internal' });
    await expect(one.put(0, {})).rejects.toMatchObject({ code: 'internal' });
    await expect(runStage(child, one, first)).rejects.toMatchObject({ code: 'internal' });
    await one.close();
  });

  test('is not needed to be used before it is closed', async () => {
    const runtime = new RuntimeChild();
    await stores(AMPLE, runtime).close();
    expect(runtime.pid).toBeUndefined();
  });

  test('refuses tensors that are not what they say they are', async () => {
    const store = stores();
    const short = { ...floats([4], [1, 2, 3, 4]), dims: [5] };
    await expect(store.put(0, { good: floats([1], [1]), short })).rejects.toMatchObject({
      code: 'bad-data',
      subject: 'short',
    });
    expect(await store.usage()).toEqual({ memory: 0, disk: 0 });
    await store.close();
  });

  test('survives a stage that fails', async () => {
    const store = await filled();
    const wrong = { ...first, batches: BATCHES + 1 };
    await expect(runStage(child, store, wrong)).rejects.toMatchObject({ code: 'bad-data', subject: 'x' });
    await expect(runStage(child, store, { ...first, take: {} })).rejects.toThrow('Input "x" of the model got no data');
    await expect(runStage(child, store, { ...first, take: { x: 'toString' } })).rejects.toThrow('"toString"');
    await expect(runStage(child, store, { ...first, keep: { nothing: 'n' } })).rejects.toThrow(
      'no tensor output "nothing"',
    );
    await expect(runStage(child, store, { ...first, source: new Uint8Array(3) })).rejects.toMatchObject({
      code: 'runtime-refused',
    });
    for (const useless of [{ batches: 0 }, { batches: 1.5 }, { parts: 0 }, { keep: {} }]) {
      await expect(runStage(child, store, { ...first, ...useless })).rejects.toThrow('is of no use');
    }
    expect(await fetched(store, 'x')).toEqual(asSums(batches));
    await store.close();
  });

  test('lets go of the model, whether the stage succeeds or fails', async () => {
    const store = await filled();
    const requests = vi.spyOn(child, 'request');
    await runStage(child, store, first);
    await expect(runStage(child, store, { ...first, batches: BATCHES + 1 })).rejects.toMatchObject({ subject: 'x' });
    const opened = requests.mock.calls.flatMap(([kind, , params]) =>
      kind === 'stageOpen' && 'key' in params ? [params.key] : [],
    );
    requests.mockRestore();
    expect(opened).toHaveLength(2);
    for (const key of opened) {
      await expect(child.request('stageRun', 'it', { key, batch: 0 })).rejects.toMatchObject({ code: 'internal' });
    }
    await store.close();
  });

  test('survives an abort between batches', async () => {
    const store = await filled();
    const abort = new AbortController();
    const onProgress = (done: number): void => {
      if (done === 2) abort.abort(new Error('enough'));
    };
    await expect(runStage(child, store, first, { signal: abort.signal, onProgress })).rejects.toThrow('enough');
    expect(await store.usage()).toEqual({ memory: BATCHES * size + 2 * 4 * 32, disk: 0 });
    await store.close();
  });
});

describe('a stopped process', { timeout: 60_000 }, () => {
  const stage = { source: endless(), batches: 1, take: { x: 'x' }, keep: { y: 'y' }, sum: [] };

  test.each(['abort', 'time limit'])('takes its store along (%s), and another store can be used', async (how) => {
    const runtime = new RuntimeChild();
    const store = stores(0, runtime);
    await store.put(0, { x: floats([1], [1]) });
    if (how === 'abort') {
      const signal = AbortSignal.timeout(300);
      await expect(runStage(runtime, store, stage, { signal })).rejects.toMatchObject({ name: 'TimeoutError' });
    } else {
      await expect(runStage(runtime, store, stage, { deadlineMs: 300 })).rejects.toBeInstanceOf(RuntimeTimeout);
    }
    const gone = { code: 'internal', message: expect.stringContaining('are not kept any more') };
    await expect(store.usage()).rejects.toMatchObject(gone);
    await expect(store.put(0, { x: floats([1], [1]) })).rejects.toMatchObject(gone);
    await expect(fetched(store, 'x', runtime)).rejects.toMatchObject(gone);
    const next = await filled(0, runtime);
    expect(await fetched(next, 'x', runtime)).toEqual(asSums(batches));
    await Promise.all([store.close(), next.close()]);
    expect(readdirSync(folder)).toEqual([]);
    await runtime.close();
  });
});
