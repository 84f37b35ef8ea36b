import { afterAll, describe, expect, test } from 'vitest';
import {
  benchmark,
  compare,
  type HostTensor,
  openModel,
  prove,
  RuntimeChild,
  run,
  runAll,
  unsteadyOutputs,
} from '../../src/runtime/index.ts';
import { OutputMeasure } from '../../src/runtime/measure.ts';
import { judgeOutput } from '../../src/runtime/prove.ts';
import { ModelBuilder } from '../support/build.ts';
import { addition, floats, scratch, unary } from './models.ts';

const child = new RuntimeChild();
afterAll(() => child.close());
const write = scratch();
const patient = { timeout: 30_000 };

/** A layer of 1024 inputs, so that sums round, then `op`. */
function layer(op: string, scale = 1): Uint8Array {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', ['N', 1024]);
  const sums = b.node('MatMul', [x, b.weight('w', [1024, 64])]);
  const scaled = b.node('Mul', [sums, b.constant('scale', 'float32', [], [scale])]);
  b.output(b.node(op, [scaled], {}, { outputs: ['y'] }), op === 'ArgMax' ? 'int64' : 'float32');
  return b.bytes();
}

const wide = (seed: number): { x: HostTensor } => ({
  x: floats(
    [2, 1024],
    Array.from({ length: 2048 }, (_, i) => Math.sin(seed + i * i)),
  ),
});

describe('run', patient, () => {
  test('takes a path or bytes, several batches, and only the outputs wanted', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 2]);
    b.output(b.node('Neg', [x], {}, { outputs: ['a'] }), 'float32', ['N', 2]);
    b.output(b.node('Abs', [x], {}, { outputs: ['b'] }), 'float32', ['N', 2]);
    const batches = [{ x: floats([1, 2], [1, -2]) }, { x: floats([1, 2], [3, 4]), spare: floats([1], [0]) }];
    const results = await runAll(child, write('two.onnx', b.bytes()), batches, { outputs: ['b'] });
    expect(results).toEqual([{ b: floats([1, 2], [1, 2]) }, { b: floats([1, 2], [3, 4]) }]);
    expect(Object.keys(await run(child, b.bytes(), { x: floats([1, 2], [1, 2]) }))).toEqual(['a', 'b']);
    await expect(runAll(child, b.bytes(), batches, { outputs: ['c'] })).rejects.toMatchObject({
      code: 'bad-data',
      subject: 'c',
    });
  });

  test.each<[string, Readonly<Record<string, HostTensor>>, RegExp]>([
    ['no data', {}, /Input "x" of the model got no data; the data holds nothing/],
    [
      'another type',
      { x: { type: 'int32', dims: [1, 3], data: new Int32Array(3) } },
      /expects float32 \[N, 3\], but the data is int32/,
    ],
    ['another size', { x: floats([1, 4], [1, 2, 3, 4]) }, /expects float32 \[N, 3\], but the data is float32 \[1, 4\]/],
    ['too few elements', { x: floats([2, 3], [1, 2]) }, /dims \[2, 3\] but 2 elements/],
    [
      'the wrong array',
      { x: { type: 'float32', dims: [1, 3], data: new Float64Array(3) } },
      /float32 but its data is a Float64Array/,
    ],
    ['an unknown type', { x: { type: 'float', dims: [1, 3], data: new Float32Array(3) } }, /element type float, which/],
  ])('refuses %s', async (_, feeds, message) => {
    await expect(run(child, unary('Relu'), feeds)).rejects.toMatchObject({
      code: 'bad-data',
      subject: 'x',
      message: expect.stringMatching(message),
    });
  });

  test('takes batches without a sample', async () => {
    const { y } = await run(child, unary('Relu'), { x: floats([0, 3], []) });
    expect(y).toEqual(floats([0, 3], []));
  });
});

describe('openModel', patient, () => {
  test('keeps a model for many batches, until it is closed', async () => {
    const model = await openModel(child, unary('Neg'));
    expect(model.info.inputs[0]).toEqual({ name: 'x', isTensor: true, type: 'float32', dims: ['N', 3] });
    for (const n of [1, 2]) {
      const { y } = await model.run({ x: floats([1, 3], [n, 2, 3]) }, { outputs: ['y'] });
      expect(y).toEqual(floats([1, 3], [-n, -2, -3]));
    }
    await model.close();
    await model.close();
    await expect(model.run({ x: floats([1, 3], [1, 2, 3]) })).rejects.toMatchObject({ code: 'internal' });
  });
});

describe('compare', patient, () => {
  const x = { x: floats([2, 2], [1, 0, 0, 1]) };

  test('measures the distance of two models', async () => {
    const { outputs, accuracy } = await compare(child, addition([0, 0]), addition([0, 2]), [x, x]);
    expect(accuracy).toBeUndefined();
    expect(outputs).toHaveLength(1);
    expect(outputs[0]).toMatchObject({
      name: 'y',
      dims: [2, 2],
      count: 8,
      maxAbsError: 2,
      argmaxAgreement: 0.5,
      relativeL2: 2,
    });
  });

  test('counts right answers', async () => {
    const labels = [{ type: 'int64', dims: [2], data: BigInt64Array.of(0n, 1n) }];
    const { accuracy } = await compare(child, addition([0, 0]), addition([0, 2]), [x], { labels });
    expect(accuracy).toMatchObject({ output: 'y', total: 2, hitsA: 2, hitsB: 1 });
    await expect(compare(child, addition([0, 0]), addition([0, 2]), [x, x], { labels })).rejects.toMatchObject({
      code: 'bad-data',
    });
  });

  test('a model is identical to itself, also with other settings for each side', async () => {
    const { outputs } = await compare(child, layer('Relu'), layer('Relu'), [wide(1)], {
      a: { threads: 2 },
      b: { threads: 1 },
    });
    expect(outputs[0]?.identical).toBe(true);
  });

  test('pairs outputs of other names by position, and reports what B lacks', async () => {
    const renamed = new ModelBuilder();
    const input = renamed.input('x', 'float32', ['N', 2]);
    renamed.output(renamed.node('Identity', [input], {}, { outputs: ['z'] }), 'float32', ['N', 2]);
    expect((await compare(child, addition([0, 0]), renamed.bytes(), [x])).outputs[0]).toMatchObject({
      name: 'y',
      identical: true,
    });
    renamed.output(renamed.node('Neg', [input], {}, { outputs: ['more'] }), 'float32', ['N', 2]);
    const { outputs, notes } = await compare(child, addition([0, 0]), renamed.bytes(), [x]);
    expect(outputs[0]?.problem).toMatch(/no such output/);
    expect(notes).toEqual(['the other model has further outputs, held against nothing: "z", "more"']);
  });

  test('pairs by position only outputs that the other model has not by name, and says so', async () => {
    const multiples = (of: Readonly<Record<string, number>>): Uint8Array => {
      const b = new ModelBuilder();
      const input = b.input('x', 'float32', ['N', 2]);
      for (const [name, factor] of Object.entries(of)) {
        const scale = b.constant(`by ${factor}`, 'float32', [], [factor]);
        b.output(b.node('Mul', [input, scale], {}, { outputs: [name] }), 'float32', ['N', 2]);
      }
      return b.bytes();
    };
    const { outputs, notes } = await compare(child, multiples({ a: 1, b: 2 }), multiples({ b: 2, c: 1 }), [x]);
    expect(outputs.map(({ name, identical }) => [name, identical])).toEqual([
      ['a', true],
      ['b', true],
    ]);
    expect(notes).toEqual([
      'output "a" is held against "c" of the other model by position, for it has none of that name',
    ]);
    expect((await compare(child, multiples({ a: 1 }), multiples({ b: 2, a: 1 }), [x])).outputs).toMatchObject([
      { name: 'a', identical: true },
    ]);
  });

  test('needs data', async () => {
    await expect(compare(child, layer('Relu'), layer('Relu'), [])).rejects.toMatchObject({ code: 'bad-data' });
  });
});

describe('unsteadyOutputs', patient, () => {
  const optimizations = ['disabled', 'disabled', 'all'] as const;

  test('are those of random numbers, and no others', async () => {
    const b = new ModelBuilder();
    const input = b.input('x', 'float32', ['N', 1024]);
    b.output(b.node('Abs', [input], {}, { outputs: ['same'] }), 'float32', ['N', 1024]);
    b.output(b.node('RandomNormalLike', [input], {}, { outputs: ['other'] }), 'float32', ['N', 1024]);
    const found = await unsteadyOutputs(child, b.bytes(), [wide(1), wide(2)], { optimizations });
    expect(found.map(({ name }) => name)).toEqual(['other']);
    expect(found[0]?.error).toBeGreaterThan(0.1);
  });

  test('are none where sums round otherwise, or the model does not run', async () => {
    expect(await unsteadyOutputs(child, layer('Softmax'), [wide(1)], { optimizations })).toEqual([]);
    expect(await unsteadyOutputs(child, layer('Relu'), [{ x: floats([1], [1]) }], { optimizations })).toEqual([]);
  });
});

describe('prove', patient, () => {
  test('passes for equal models', async () => {
    const proof = await prove(child, layer('Relu'), layer('Relu'), [wide(1), wide(2)]);
    expect(proof).toEqual({
      passed: true,
      outputs: [
        {
          name: 'y',
          type: 'float32',
          error: 0,
          limit: 1e-4,
          passed: true,
          reason: 'rounding of float32 sums',
          informative: true,
        },
      ],
    });
  });

  test('passes for differences of rounding, and fails for those beyond', async () => {
    expect((await prove(child, layer('Relu'), layer('Relu', 1 + 1e-5), [wide(1)])).passed).toBe(true);
    const proof = await prove(child, layer('Relu'), layer('Relu', 1.01), [wide(1)]);
    expect(proof.passed).toBe(false);
    expect(proof.outputs[0]?.error).toBeCloseTo(0.01, 4);
  });

  test('grants a model eight times its own rounding noise, up to a cap', () => {
    const output = new OutputMeasure('y');
    output.add(floats([2], [1, 2]), floats([2], [1.002, 2]));
    const result = output.result();
    expect(judgeOutput(result)).toMatchObject({ passed: false, limit: 1e-4 });
    expect(judgeOutput(result, 1e-7)).toMatchObject({ passed: false, limit: 1e-4, reason: 'rounding of float32 sums' });
    expect(judgeOutput(result, 1e-4)).toMatchObject({ passed: false, limit: 8e-4 });
    expect(judgeOutput(result, 2e-4)).toMatchObject({ passed: true, reason: 'rounding noise of this model is 2.0e-4' });
    expect(judgeOutput(result, 1).limit).toBe(1e-2);
    expect(judgeOutput(result, undefined, new Set(['float16']))).toMatchObject({ passed: true, limit: 2e-2 });
    // Integers inside excuse nothing by themselves, but raise what noise may excuse.
    expect(judgeOutput(result, undefined, new Set(['integers'])).limit).toBe(1e-4);
    expect(judgeOutput(result, 1, new Set(['integers'])).limit).toBe(5e-2);
    expect(judgeOutput(result, Number.POSITIVE_INFINITY)).toMatchObject({ passed: false, limit: 1e-4 });
  });

  test('wants integers equal', async () => {
    expect((await prove(child, layer('ArgMax'), layer('ArgMax'), [wide(1)])).outputs[0]).toMatchObject({
      type: 'int64',
      error: 0,
      limit: 0,
    });
    const proof = await prove(child, layer('ArgMax'), layer('ArgMax', -1), [wide(1)]);
    expect(proof).toMatchObject({ passed: false, outputs: [{ limit: 0, reason: 'equal' }] });
  });

  test('wants NaN at the same places', async () => {
    const x = { x: floats([1, 3], [-1, 1, 4]) };
    expect((await prove(child, unary('Sqrt'), unary('Sqrt'), [x])).passed).toBe(true);
    const proof = await prove(child, unary('Sqrt'), unary('Abs'), [x]);
    expect(proof).toMatchObject({
      passed: false,
      outputs: [{ error: Number.POSITIVE_INFINITY, reason: expect.stringContaining('NaN') }],
    });
  });

  test('fails for another shape', async () => {
    const proof = await prove(child, unary('Relu'), unary('Transpose'), [{ x: floats([2, 3], [1, 2, 3, 4, 5, 6]) }]);
    expect(proof).toMatchObject({ passed: false, outputs: [{ reason: 'shape [2, 3] against [3, 2]' }] });
  });

  test('says when equality means little', async () => {
    const x = { x: floats([1, 3], [-1, -2, -3]) };
    expect((await prove(child, unary('Relu'), unary('Relu'), [x])).outputs[0]).toMatchObject({
      passed: true,
      informative: false,
    });
  });
});

describe('benchmark', patient, () => {
  test('times models against the first', async () => {
    const settings = { rounds: 6, minMs: 1, budgetMs: 5000 };
    const result = await benchmark(
      child,
      [layer('Relu'), layer('Relu'), unary('Relu')],
      [{ ...wide(1) }],
      settings,
    ).catch((e: unknown) => e);
    // The third model does not take this data.
    expect(result).toMatchObject({ code: 'bad-data' });
    const { models, rounds, threads } = await benchmark(
      child,
      [layer('Relu'), layer('Neg')],
      [wide(1), wide(2)],
      settings,
    );
    expect(rounds).toBe(6);
    expect(threads).toBe(1);
    expect(models).toHaveLength(2);
    for (const { median, p10, p90, min, runs, burst, loadMs } of models) {
      expect(min).toBeGreaterThan(0);
      expect(min <= p10 && p10 <= median && median <= p90).toBe(true);
      expect(burst).toBeGreaterThanOrEqual(1);
      expect(runs).toBe(burst * rounds);
      expect(loadMs).toBeGreaterThan(0);
    }
    expect(models[0]?.speedUp).toBeUndefined();
    const { median = 0, p25 = 0, p75 = 0, significant } = models[1]?.speedUp ?? {};
    expect(p25 <= median && median <= p75).toBe(true);
    expect(significant).toBe(p25 > 1 || p75 < 1);
  });

  test('takes several sessions of a model that loads quickly, and one where loading would take longer than the runs', async () => {
    const x = [{ x: floats([1, 3], [1, 2, 3]) }];
    expect((await benchmark(child, [unary('Relu')], x, { minMs: 800 })).sessions).toBe(4);
    expect((await benchmark(child, [unary('Relu')], x, { minMs: 0.1 })).sessions).toBe(1);
  });

  test('keeps to its budget, but takes five rounds', async () => {
    const { rounds } = await benchmark(child, [unary('Relu')], [{ x: floats([1, 3], [1, 2, 3]) }], {
      budgetMs: 0,
      threads: 2,
    });
    expect(rounds).toBe(5);
  });

  test('needs models and data', async () => {
    await expect(benchmark(child, [], [wide(1)])).rejects.toMatchObject({ code: 'bad-data' });
    await expect(benchmark(child, [layer('Relu')], [])).rejects.toMatchObject({ code: 'bad-data' });
  });
});
