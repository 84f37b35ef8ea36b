import { afterAll, describe, expect, test } from 'vitest';
import { decodeModel } from '../../src/onnx/codec.ts';
import { inferShapes, RuntimeChild, type TensorFact } from '../../src/runtime/index.ts';
import { buildSkeleton } from '../../src/runtime/skeleton.ts';
import { ModelBuilder } from '../support/build.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

function facts(bytes: Uint8Array): Promise<ReadonlyMap<string, TensorFact>> {
  return inferShapes(decodeModel(bytes), child);
}

function convNet(options: ConstructorParameters<typeof ModelBuilder>[0] = {}): ModelBuilder {
  const b = new ModelBuilder(options);
  const x = b.input('x', 'float32', ['N', 3, 8, 8]);
  const conv = b.node('Conv', [x, b.weight('w', [16, 3, 3, 3]), b.vector('b', 16)], {}, { outputs: ['conv'] });
  const relu = b.node('Relu', [conv], {}, { outputs: ['relu'] });
  const flat = b.node('Flatten', [relu], {}, { outputs: ['flat'] });
  const dense = b.weight('dense', [10, 576]);
  b.output(b.node('Gemm', [flat, dense], { transB: 1 }, { outputs: ['y'] }), 'float32', ['N', 10]);
  return b;
}

const CONV_FACTS: Readonly<Record<string, TensorFact>> = {
  x: { type: 'float32', dims: ['N', 3, 8, 8] },
  w: { type: 'float32', dims: [16, 3, 3, 3] },
  b: { type: 'float32', dims: [16] },
  conv: { type: 'float32', dims: ['N', 16, 6, 6] },
  relu: { type: 'float32', dims: ['N', 16, 6, 6] },
  flat: { type: 'float32', dims: ['N', 576] },
  dense: { type: 'float32', dims: [10, 576] },
  y: { type: 'float32', dims: ['N', 10] },
};

describe('inferShapes', { timeout: 30_000 }, () => {
  test.each([
    ['initializers', {}],
    ['Constant nodes', { weightsAs: 'constant' }],
    ['initializers that are inputs, as before IR version 4', { irVersion: 3, opset: 11, initializersAsInputs: true }],
  ] as const)('knows every value of a net with %s', async (_, options) => {
    expect(Object.fromEntries(await facts(convNet(options).bytes()))).toEqual(CONV_FACTS);
  });

  test('needs no data file', async () => {
    const { model } = convNet().externalBytes('elsewhere.bin');
    expect(Object.fromEntries(await facts(model))).toEqual(CONV_FACTS);
  });

  test('leaves the model as it was', async () => {
    const bytes = convNet({ weightsAs: 'constant' }).bytes();
    const model = decodeModel(bytes);
    await inferShapes(model, child);
    expect(model).toEqual(decodeModel(bytes));
  });

  test('keeps small integer constants, through which shapes flow', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 6, 4]);
    const shape = b.constant('shape', 'int64', [3], [0, 3, 8]);
    b.output(b.node('Reshape', [x, shape], {}, { outputs: ['y'] }), 'float32', undefined);
    expect((await facts(b.bytes())).get('y')?.dims?.slice(1)).toEqual([3, 8]);
  });

  test('tells scalars from unknown ranks', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', [2, 3]);
    const u = b.node('Reshape', [x, b.input('shape', 'int64', ['k'])], {}, { outputs: ['unknown'] });
    const s = b.node('ReduceSum', [x], { keepdims: 0 }, { outputs: ['scalar'] });
    b.output(b.node('Add', [u, s], {}, { outputs: ['y'] }), 'float32', undefined);
    const known = await facts(b.bytes());
    expect(known.get('scalar')).toEqual({ type: 'float32', dims: [] });
    expect(known.get('unknown')).toEqual({ type: 'float32' });
    expect(known.get('y')).toEqual({ type: 'float32' });
  });

  test('leaves dims open that nobody knows', async () => {
    const b = new ModelBuilder();
    const n = b.node('NonZero', [b.input('x', 'float32', ['N', 3])], {}, { outputs: ['n'] });
    b.output(b.node('Identity', [n], {}, { outputs: ['y'] }), 'int64', [2, undefined]);
    const { type, dims } = (await facts(b.bytes())).get('n') ?? {};
    expect(type).toBe('int64');
    expect(dims?.[0]).toBe(2);
    expect(typeof dims?.[1]).not.toBe('number');
  });

  test('leaves sequences out and knows the rest', async () => {
    const b = new ModelBuilder();
    const parts = b.node('SplitToSequence', [b.input('x', 'float32', ['N', 3])], { axis: 0 }, { outputs: ['parts'] });
    b.output(b.node('ConcatFromSequence', [parts], { axis: 0 }, { outputs: ['y'] }), 'float32', ['N', 3]);
    const known = await facts(b.bytes());
    expect([...known.keys()]).toEqual(['x', 'y']);
  });

  test('finds its way round values of types that JavaScript does not have', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 3]);
    const names = Array.from({ length: 20 }, (_, i) => b.node('Relu', [x], {}, { outputs: [`r${i}`] }));
    const half = b.node('Cast', [names[7] ?? x], { to: 16 }, { outputs: ['half'] });
    b.output(b.node('Cast', [half], { to: 1 }, { outputs: ['y'] }), 'float32', ['N', 3]);
    const known = await facts(b.bytes());
    for (const name of [...names, 'y']) expect(known.get(name)).toEqual({ type: 'float32', dims: ['N', 3] });
    expect(known.get('half')).toEqual({ type: 'bfloat16', dims: ['N', 3] });
  });

  test('sees through inputs and weights of such types', async () => {
    const b = new ModelBuilder();
    const x = b.node('Cast', [b.input('x', 'bfloat16', ['N', 100])], { to: 1 }, { outputs: ['wide'] });
    const w = b.node('Cast', [b.weight('w', [100, 5], { dtype: 'bfloat16' })], { to: 1 }, { outputs: ['weight'] });
    b.output(b.node('MatMul', [x, w], {}, { outputs: ['y'] }), 'float32', ['N', 5]);
    expect(Object.fromEntries(await facts(b.bytes()))).toEqual({
      x: { type: 'bfloat16', dims: ['N', 100] },
      wide: { type: 'float32', dims: ['N', 100] },
      w: { type: 'bfloat16', dims: [100, 5] },
      weight: { type: 'float32', dims: [100, 5] },
      y: { type: 'float32', dims: ['N', 5] },
    });
  });

  test('weights that a subgraph captures stay visible to it', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 100]);
    b.weight('w', [100, 100]);
    const condition = b.input('condition', 'bool', []);
    const branch = (op: string) => {
      const g = b.subgraph(op);
      g.output(g.node(op, [g.node('MatMul', ['x', 'w'])]), 'float32', ['N', 100]);
      return { graph: g };
    };
    const both = { then_branch: branch('Relu'), else_branch: branch('Neg') };
    const picked = b.node('If', [condition], both, { outputs: ['picked'] });
    b.output(b.node('Abs', [picked], {}, { outputs: ['y'] }), 'float32', ['N', 100]);
    expect((await facts(b.bytes())).get('picked')).toEqual({ type: 'float32', dims: ['N', 100] });
    expect(x).toBe('x');
  });

  test('refuses what onnxruntime refuses, on one line', async () => {
    const b = new ModelBuilder({ domains: { acme: 1 } });
    const x = b.input('x', 'float32', ['N', 3]);
    b.output(b.node('Polish', [x], {}, { domain: 'acme', outputs: ['y'] }), 'float32', ['N', 3]);
    const error = await facts(b.bytes()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'runtime-refused',
      message: expect.stringMatching(/^onnxruntime refuses [^\n]*acme[^\n]*$/),
    });
  });
});

describe('buildSkeleton', () => {
  test('is small', () => {
    const model = decodeModel(convNet().bytes());
    const skeleton = buildSkeleton(model);
    expect(skeleton.model.graph?.initializer?.map((tensor) => tensor.name)).toEqual(['b']);
    expect(skeleton.values).toEqual(['conv', 'relu', 'flat']);
    expect(skeleton.inputs).toEqual(['x']);
  });
});
