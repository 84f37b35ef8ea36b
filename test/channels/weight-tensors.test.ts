import { afterAll, describe, expect, test } from 'vitest';
import { type WeightTensor, weightTensorsOf } from '../../src/channels/weight-tensors.ts';
import type { Graph } from '../../src/ir/graph.ts';
import { importModel } from '../../src/ir/model.ts';
import { labelOf } from '../../src/ir/node.ts';
import { normalise } from '../../src/normalise/normalise.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { createEngine, RuntimeChild } from '../../src/runtime/index.ts';
import { featureNet, imageNet } from '../ops/nets.ts';
import { recurrent } from '../ops/recurrent-layers.ts';
import { branching, looping, scanning } from '../support/bodies.ts';
import { ModelBuilder } from '../support/build.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

async function graphOf(b: ModelBuilder): Promise<Graph> {
  const model = importModel(decodeModel(b.bytes()));
  await normalise(model, createEngine(child));
  return model.graph;
}

async function weightsOf(b: ModelBuilder): Promise<WeightTensor[]> {
  return weightTensorsOf(await graphOf(b), ruleOf);
}

/** `KIND rows columns` of each, with what is out of the ordinary. */
async function outline(b: ModelBuilder): Promise<Record<string, string>> {
  const describe = ({ kind, rows, columns, groups, isDepthwise }: WeightTensor): string =>
    [kind, rows ?? '-', columns ?? '-', groups > 1 ? `${groups} groups` : '', isDepthwise ? 'depthwise' : '']
      .filter((part) => part !== '')
      .join(' ');
  return Object.fromEntries((await weightsOf(b)).map((each) => [each.name, describe(each)]));
}

describe('constants of a graph', { timeout: 60_000 }, () => {
  test('are weights of convolutions, plain, grouped, depthwise and transposed, or their biases', async () => {
    const net = imageNet((b, x) => {
      const many = b.node('Conv', [x, b.weight('many', [8, 2, 1, 1])], { group: 4 });
      const grouped = b.node('Conv', [many, b.weight('grouped', [8, 4, 1, 1])], { group: 2 });
      const depthwise = b.node('Conv', [grouped, b.weight('depthwise', [8, 1, 3, 3])], {
        group: 8,
        pads: [1, 1, 1, 1],
      });
      const up = b.node('ConvTranspose', [depthwise, b.weight('up', [8, 6, 1, 1])]);
      const wide = b.node('Conv', [up, b.weight('wide', [8, 6, 1, 1])]);
      const narrow = b.node('ConvTranspose', [wide, b.weight('up_grouped', [8, 4, 1, 1])], { group: 2 });
      return b.node('ConvTranspose', [narrow, b.weight('up_many', [8, 2, 1, 1])], { group: 4 });
    });
    expect(await outline(net)).toEqual({
      first: 'weight 0 1',
      first_bias: 'bias - -',
      many: 'weight 0 1',
      grouped: 'weight 0 1',
      depthwise: 'weight 0 - depthwise',
      up: 'weight 1 0',
      wide: 'weight 0 1',
      up_grouped: 'weight 1 0 2 groups',
      up_many: 'weight 1 0 4 groups',
      last: 'weight 0 1',
      last_bias: 'bias - -',
    });
  });

  test('are weights of matrix products on either side', async () => {
    const net = featureNet((b, x) => {
      const plain = b.node('Gemm', [x, b.weight('plain', [8, 6]), b.vector('bias', 6)]);
      const left = b.node('Transpose', [plain], { perm: [1, 0] });
      const product = b.node('MatMul', [b.weight('left', [8, 6]), left]);
      return b.node('Transpose', [product], { perm: [1, 0] });
    });
    expect(await outline(net)).toEqual({
      first: 'weight 0 1',
      first_bias: 'bias - -',
      plain: 'weight 1 0',
      bias: 'bias - -',
      left: 'weight 0 1',
      last: 'weight 1 0',
    });
  });

  test('are parameters of normalizations, slopes and other vectors', async () => {
    const net = imageNet((b, x) => {
      const parameters = ['gain', 'offset', 'mean'].map((name) => b.vector(name, 8));
      const normal = b.node('BatchNormalization', [x, ...parameters, b.vector('variance', 8, { positive: true })]);
      const bent = b.node('PRelu', [normal, b.weight('slope', [8, 1, 1])]);
      return b.node('Mul', [bent, b.constant('half', 'float32', [], [0.5])]);
    });
    const found = await outline(net);
    for (const name of ['gain', 'offset', 'mean', 'variance']) expect(found[name]).toBe('normalization - -');
    expect(found['slope']).toBe('other - -');
    expect(Object.keys(found)).not.toContain('half');
  });

  test('are weights of recurrent layers, both of the inputs and of the state', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', [6, 2, 8]);
    for (const opType of ['LSTM', 'GRU', 'RNN']) {
      const [y = ''] = recurrent(b, x, { opType, bias: true, states: 'constant', peepholes: opType === 'LSTM' });
      b.output(y, 'float32');
    }
    const found = await outline(b);
    for (const name of ['lstm', 'gru', 'rnn']) {
      expect([found[`${name}_w`], found[`${name}_r`]]).toEqual(['weight 1 2', 'weight 1 2']);
      for (const part of ['b', 'h']) expect(found[`${name}_${part}`], `${name}_${part}`).toBe('other - -');
    }
    expect(found['lstm_p']).toBe('other - -');
  });

  test('are embeddings where they are looked up, even if a layer sums with them too', async () => {
    const b = new ModelBuilder();
    const ids = b.input('ids', 'int64', ['N', 3]);
    const positions = b.node('Gather', [b.weight('positions', [10, 4]), ids]);
    const x = b.node('Add', [b.node('Gather', [b.weight('table', [10, 4]), ids]), positions]);
    const turned = b.node('Transpose', ['table'], { perm: [1, 0] });
    b.output(b.node('MatMul', [x, turned], {}, { name: 'project' }), 'float32');
    expect(await outline(b)).toEqual({ positions: 'embedding - -', table: 'embedding 0 1' });
  });

  test('behind conversions are those that the file holds, with axes of their own', async () => {
    const b = new ModelBuilder();
    const half = b.weight('half', [6, 5], { dtype: 'float16' });
    const turned = b.node('Transpose', [b.node('Cast', [half], { to: 1 })], { perm: [1, 0] });
    const x = b.node('MatMul', [b.input('x', 'float32', ['N', 5]), turned], {}, { name: 'read' });
    const kernel = b.node('Cast', [b.weight('kernel', [6, 1, 1, 1], { dtype: 'float16' })], { to: 1 });
    const image = b.node('Reshape', [x, b.constant('shape', 'int64', [4], [-1, 6, 1, 1])]);
    b.output(b.node('Conv', [image, kernel], { group: 6 }, { name: 'each' }), 'float32');
    expect(await outline(b)).toEqual({ half: 'weight 0 1', kernel: 'weight 0 - depthwise' });
    const readers = (await weightsOf(b)).map(({ nodes }) => nodes.map(labelOf));
    expect(readers).toEqual([['read'], ['each']]);
  });

  test('that are weights stored as integers are listed, and their scales are no weights', async () => {
    const b = new ModelBuilder({ opset: 13 });
    const stored = b.constant(
      'stored',
      'int8',
      [5, 6],
      Array.from({ length: 30 }, (_, i) => i - 15),
    );
    const scale = b.constant('scale', 'float32', [6], [1, 2, 3, 4, 5, 6]);
    const weight = b.node('DequantizeLinear', [stored, scale], { axis: 1 });
    b.output(b.node('MatMul', [b.input('x', 'float32', ['N', 5]), weight]), 'float32');
    const found = await outline(b);
    expect(found['stored']).toBe('weight 1 0');
    expect(found['scale'] ?? 'other - -').toBe('other - -');
  });

  test.each([
    ['If', branching, ['first', 'last', 'yes.up', 'yes.down', 'no.up', 'no.down']],
    ['Loop', looping, ['first', 'last', 'body.up', 'body.down']],
    ['Scan', scanning, ['first', 'last', 'cell.up', 'cell.down']],
  ] as const)('are found inside %s', async (_, build, names) => {
    const weights = (await weightsOf(build())).filter(({ kind }) => kind === 'weight');
    expect(weights.map(({ name }) => name)).toEqual(names);
    for (const { rows, columns } of weights) expect([rows, columns]).toEqual([1, 0]);
  });

  test('come once for each tensor, with all initializers and readers, in the order of the file', async () => {
    const b = new ModelBuilder();
    const first = b.weight('second', [4, 4]);
    const shared = b.weight('shared', [4, 4]);
    const x = b.node('MatMul', [b.input('x', 'float32', ['N', 4]), shared], {}, { name: 'a' });
    const y = b.node('MatMul', [b.node('MatMul', [x, first], {}, { name: 'b' }), shared], {}, { name: 'c' });
    b.output(y, 'float32');
    const graph = await graphOf(b);
    const tied = [...graph.initializers].find(({ name }) => name === 'shared');
    const copy = graph.addInitializer('copy', tied?.tensor ?? expect.fail());
    const last = [...graph.nodes].find(({ name }) => name === 'c') ?? expect.fail();
    graph.setInput(last, 1, copy);
    const found = weightTensorsOf(graph, ruleOf);
    expect(found.map(({ index, values }) => [index, ...values.map(({ name }) => name)])).toEqual([
      [0, 'second'],
      [1, 'shared', 'copy'],
    ]);
    expect(found[1]?.nodes.map(labelOf)).toEqual(['a', 'c']);
  });

  test('that are used transposed by one of two layers have no one axis that is summed over', async () => {
    const b = new ModelBuilder();
    const weight = b.weight('both', [4, 4]);
    const x = b.node('Gemm', [b.input('x', 'float32', ['N', 4]), weight], { transB: 1 });
    b.output(b.node('Gemm', [x, weight]), 'float32');
    expect(await outline(b)).toEqual({ both: 'weight 0 -' });
  });
});
