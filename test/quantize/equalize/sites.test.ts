import { afterAll, describe, expect, test } from 'vitest';
import { exportModel, type Model } from '../../../src/ir/model.ts';
import { encodeModel } from '../../../src/onnx/codec.ts';
import { ruleOf } from '../../../src/ops/rules.ts';
import { equalizeWeights } from '../../../src/quantize/equalize/equalize.ts';
import { type ScaledConstant, scaleConstant } from '../../../src/quantize/equalize/scaled-constant.ts';
import { equalizableSites } from '../../../src/quantize/equalize/sites.ts';
import { type Outputs, RuntimeChild, run } from '../../../src/runtime/index.ts';
import { type GraphBuilder, ModelBuilder } from '../../support/build.ts';
import { expectAlike, inputsOf, normalised } from '../../support/model-parts.ts';
import { createRandom } from '../../support/random.ts';
import { affine, conv, decomposedNorm, gemm, image, matMul, op, rows, tokens } from './nets.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

const outputsOf = (model: Model): Promise<Outputs> =>
  run(child, encodeModel(exportModel(model)), inputsOf(model, 2), { optimization: 'disabled' });

/** Constants that take factors, as "operator:input". */
const named = (constants: readonly ScaledConstant[]): string =>
  constants.map(({ node, input }) => `${node.opType}:${input}`).join(' ');

const described = (model: Model): string[] =>
  equalizableSites(model.graph, ruleOf).map(({ makers, readers }) => `${named(makers)} | ${named(readers)}`);

const GEMM = 'Gemm:1 Gemm:2';
const CONV = 'Conv:1 Conv:2';
const MATMUL = 'MatMul:1 Add:1';
const relu = (b: ModelBuilder, x: string): string => op(b, 'Relu', x);
const MICROSOFT = { domains: { 'com.microsoft': 1 } };

/** A layer, something behind it, and a layer that reads it. */
const between = (middle: (b: ModelBuilder, x: string) => string): ModelBuilder =>
  image((b, x) => conv(b, middle(b, conv(b, x, 'a', 3, 8)), 'b', 8, 4));
const betweenRows = (middle: (b: ModelBuilder, x: string) => string): ModelBuilder =>
  rows((b, x) => gemm(b, middle(b, gemm(b, x, 'a', 6, 8)), 'b', 8, 4));
const normedBy = (norm: (b: ModelBuilder, x: string) => string, options = {}): ModelBuilder =>
  tokens((b, x) => matMul(b, norm(b, x), 'w', 6, 4), options);

const silu = (b: ModelBuilder, x: string): string => b.node('Mul', [x, op(b, 'Sigmoid', x)]);

/** Nets, and what takes factors in each. */
const FOUND: Readonly<Record<string, [ModelBuilder, string[]]>> = {
  'two layers': [betweenRows((_, x) => x), [`${GEMM} | Gemm:1`]],
  'two layers and a rectifier': [betweenRows(relu), [`${GEMM} | Gemm:1`]],
  'a product with an Add behind it': [
    tokens((b, x) => matMul(b, relu(b, matMul(b, x, 'a', 6, 8)), 'b', 8, 4)),
    [`${MATMUL} | MatMul:1`],
  ],
  'a chain of three': [
    rows((b, x) => gemm(b, relu(b, gemm(b, relu(b, gemm(b, x, 'a', 6, 9)), 'b', 9, 8)), 'c', 8, 4)),
    [`${GEMM} | Gemm:1`, `${GEMM} | Gemm:1`],
  ],
  'a LeakyRelu': [between((b, x) => op(b, 'LeakyRelu', x, { alpha: { float: 0.1 } })), [`${CONV} | Conv:1`]],
  'a PRelu, whose slopes stay': [
    between((b, x) => b.node('PRelu', [x, b.weight('slope', [8, 1, 1])])),
    [`${CONV} | Conv:1`],
  ],
  'a maximum with zero': [
    between((b, x) => b.node('Max', [x, b.constant('zero', 'float32', [], [0])])),
    [`${CONV} | Conv:1`],
  ],
  'a maximum with a number per channel': [
    between((b, x) => b.node('Max', [x, b.weight('floor', [8, 1, 1])])),
    [`${CONV} Max:1 | Conv:1`],
  ],
  'a depthwise layer between two others': [
    image((b, x) => conv(b, relu(b, conv(b, relu(b, conv(b, x, 'a', 3, 8)), 'd', 8, 8, 8)), 'b', 8, 4)),
    [`${CONV} | Conv:1`, `${CONV} | Conv:1`],
  ],
  'a depthwise layer that makes two of each': [
    image((b, x) => conv(b, relu(b, conv(b, relu(b, conv(b, x, 'a', 3, 8)), 'd', 8, 16, 8)), 'b', 16, 4)),
    [`${CONV} | Conv:1`, `${CONV} | Conv:1`],
  ],
  'a layer in groups': [
    image((b, x) => conv(b, relu(b, conv(b, relu(b, conv(b, x, 'a', 3, 8)), 'g', 8, 6, 2)), 'b', 6, 4)),
    [`${CONV} | Conv:1`, `${CONV} | Conv:1`],
  ],
  'transposed layers': [
    between((b, x) => {
      const up = b.node('ConvTranspose', [relu(b, x), b.weight('up', [8, 5, 2, 2]), b.vector('up.bias', 5)], {});
      return b.node('ConvTranspose', [relu(b, up), b.weight('on', [5, 8, 2, 2])], {});
    }),
    [`${CONV} | ConvTranspose:1`, 'ConvTranspose:1 ConvTranspose:2 | ConvTranspose:1', 'ConvTranspose:1 | Conv:1'],
  ],
  'a pool and a Flatten': [
    image((b, x) => {
      const pooled = b.node('MaxPool', [relu(b, conv(b, x, 'a', 3, 8))], { kernel_shape: [2, 2], strides: [2, 2] });
      return gemm(b, op(b, 'Flatten', pooled), 'w', 8 * 16, 4);
    }),
    [`${CONV} | Gemm:1`],
  ],
  'a mean over positions, read twice': [
    image((b, x) => {
      const made = relu(b, conv(b, x, 'a', 3, 8));
      const mean = op(b, 'GlobalAveragePool', made);
      return b.node('Add', [conv(b, made, 'b', 8, 4), conv(b, mean, 'c', 8, 4)]);
    }),
    [`${CONV} | Conv:1 Conv:1`],
  ],
  'axes in another order': [
    image((b, x) => {
      const last = op(b, 'Transpose', relu(b, conv(b, x, 'a', 3, 8)), { perm: [0, 2, 3, 1] });
      return matMul(b, last, 'w', 8, 4);
    }),
    [`${CONV} | MatMul:1`],
  ],
  'a residual sum': [
    image((b, x) => {
      const first = relu(b, conv(b, x, 'a', 3, 8));
      const sum = relu(b, b.node('Add', [first, conv(b, first, 'b', 8, 8)]));
      return conv(b, sum, 'c', 8, 4);
    }),
    [`${CONV} ${CONV} | Conv:1 Conv:1`],
  ],
  'parts laid side by side': [
    image((b, x) => {
      const both = b.node('Concat', [relu(b, conv(b, x, 'a', 3, 8)), conv(b, x, 'b', 3, 5)], { axis: 1 });
      return conv(b, both, 'c', 13, 4);
    }),
    [`${CONV} ${CONV} | Conv:1`],
  ],
  'parts cut out': [
    image((b, x) => {
      const parts = b.nodes('Split', [relu(b, conv(b, x, 'a', 3, 8))], 2, { axis: 1 });
      const [one = '', other = ''] = parts;
      return b.node('Add', [conv(b, one, 'b', 4, 4), conv(b, other, 'c', 4, 4)]);
    }),
    [`${CONV} | Conv:1 Conv:1`],
  ],
  'a gate, which stays': [
    tokens((b, x) => {
      const gated = b.node('Mul', [silu(b, matMul(b, x, 'g', 6, 8)), b.node('MatMul', [x, b.weight('up', [6, 8])])]);
      return matMul(b, gated, 'down', 8, 4);
    }),
    ['MatMul:1 | MatMul:1'],
  ],
  'a gain behind what cannot have factors': [
    tokens((b, x) => {
      const gained = b.node('Mul', [op(b, 'Sigmoid', matMul(b, x, 'a', 6, 8)), b.weight('gain', [8])]);
      return matMul(b, gained, 'w', 8, 4);
    }),
    ['Mul:1 | MatMul:1'],
  ],
  'layer normalization': [
    normedBy((b, x) => b.node('LayerNormalization', [x, ...affine(b, 'n', 6)])),
    ['LayerNormalization:1 LayerNormalization:2 | MatMul:1'],
  ],
  'layer normalization that three layers read': [
    tokens((b, x) => {
      const normed = b.node('LayerNormalization', [x, ...affine(b, 'n', 6)]);
      const [q, k, v] = ['q', 'k', 'v'].map((name) => matMul(b, normed, name, 6, 6)) as [string, string, string];
      const scores = b.node('MatMul', [q, b.node('Transpose', [k], { perm: [0, 2, 1] })]);
      return b.node('MatMul', [op(b, 'Softmax', scores), v]);
    }),
    ['LayerNormalization:1 LayerNormalization:2 | MatMul:1 MatMul:1 MatMul:1'],
  ],
  'layer normalization in pieces': [normedBy((b, x) => decomposedNorm(b, x, 'n', 6)), ['Mul:1 Add:1 | MatMul:1']],
  'a normalization by the root of the mean square': [
    normedBy((b, x) => b.node('SimplifiedLayerNormalization', [x, affine(b, 'n', 6)[0]])),
    ['SimplifiedLayerNormalization:1 | MatMul:1'],
  ],
  'a normalization of a sum': [
    normedBy(
      (b, x) =>
        b.node(
          'SkipLayerNormalization',
          [x, op(b, 'Neg', op(b, 'Exp', x)), ...affine(b, 'n', 6)],
          {},
          {
            domain: 'com.microsoft',
          },
        ),
      MICROSOFT,
    ),
    ['SkipLayerNormalization:2 SkipLayerNormalization:3 | MatMul:1'],
  ],
  'a batch normalization': [
    image((b, x) => {
      const statistics = [b.vector('mean', 3), b.vector('variance', 3, { positive: true })];
      const normed = b.node('BatchNormalization', [x, ...affine(b, 'n', 3), ...statistics]);
      return conv(b, relu(b, normed), 'c', 3, 4);
    }),
    ['BatchNormalization:1 BatchNormalization:2 | Conv:1'],
  ],
  'a normalization of instances': [
    image((b, x) => conv(b, relu(b, b.node('InstanceNormalization', [x, ...affine(b, 'n', 3)])), 'c', 3, 4)),
    ['InstanceNormalization:1 InstanceNormalization:2 | Conv:1'],
  ],
};

/** Operators whose sums the runtime takes in an order that depends on where numbers lie in memory, so that no run is like another. */
const UNSTEADY: ReadonlySet<string> = new Set(['InstanceNormalization', 'ReduceMean', 'ReduceSum']);

function expectSame(model: Model, found: Outputs, expected: Outputs): void {
  const isSteady = [...model.graph.nodes].every(({ opType }) => !UNSTEADY.has(opType));
  if (isSteady) expect(found).toEqual(expected);
  else for (const [name, tensor] of Object.entries(expected)) expectAlike(found[name], tensor, name, 1e-6);
}

describe('channels can have factors, and the outputs stay the same to the last bit', { timeout: 30_000 }, () => {
  test.each(Object.entries(FOUND))('%s', async (_, [net, expected]) => {
    const model = await normalised(net.bytes(), child);
    const before = await outputsOf(model);
    expect(described(model)).toEqual(expected);
    const random = createRandom(3);
    for (const { channels, makers, readers } of equalizableSites(model.graph, ruleOf)) {
      const factors = Float64Array.from({ length: channels }, () => 2 ** (random.below(11) - 5));
      for (const maker of makers) scaleConstant(maker, factors);
      for (const reader of readers)
        scaleConstant(
          reader,
          factors.map((factor) => 1 / factor),
        );
    }
    expectSame(model, await outputsOf(model), before);
    const { sites } = equalizeWeights(model.graph, ruleOf);
    expect(sites.some(({ scaled }) => scaled > 0)).toBe(true);
    expectSame(model, await outputsOf(model), before);
  });
});

const clip = (b: ModelBuilder, x: string): string =>
  b.node('Clip', [x, b.constant('low', 'float32', [], [0]), b.constant('high', 'float32', [], [6])]);

/** Nets in which nothing can have factors, though two layers stand one behind the other. */
const REFUSED: Readonly<Record<string, ModelBuilder>> = {
  'a bounded rectifier': between(clip),
  'a sigmoid': between((b, x) => op(b, 'Sigmoid', x)),
  'an output of the model': between((b, x) => b.output(relu(b, x), 'float32')),
  'a reader that is no layer': image((b, x) => {
    const made = relu(b, conv(b, x, 'a', 3, 8));
    return b.node('Concat', [conv(b, made, 'b', 8, 8), op(b, 'Sigmoid', made)], { axis: 1 });
  }),
  'a sum with the input': image((b, x) => conv(b, b.node('Add', [x, conv(b, x, 'a', 3, 3)]), 'b', 3, 4)),
  'a number added to all channels': between((b, x) => b.node('Add', [x, b.constant('one', 'float32', [], [1])])),
  'a square': between((b, x) => b.node('Mul', [x, x])),
  'a weight that others read too': rows((b, x) => {
    const w = b.weight('w', [6, 6]);
    const twice = b.node('Gemm', [relu(b, b.node('Gemm', [x, w])), w]);
    return b.node('Gemm', [op(b, 'Sigmoid', twice), w]);
  }),
  'numbers that a caller may override': (() => {
    const b = new ModelBuilder({ seed: 5 });
    const x = b.input('x', 'float32', ['N', 6]);
    b.input('a', 'float32', [8, 6]);
    b.output(gemm(b, relu(b, gemm(b, x, 'a', 6, 8)), 'b', 8, 4));
    return b;
  })(),
  halves: image((b, x) => conv(b, relu(b, conv(b, x, 'a', 3, 8)), 'b', 8, 4), { dtype: 'float16' }),
  'a border of another number': between((b, x) =>
    b.node('Pad', [x, b.constant('pads', 'int64', [8], [0, 0, 1, 1, 0, 0, 1, 1]), b.constant('c', 'float32', [], [1])]),
  ),
  'heads that are cut out of channels': tokens((b, x) => {
    const made = b.node('Reshape', [matMul(b, x, 'a', 6, 8), b.constant('s', 'int64', [4], [0, 0, 2, 4])]);
    return matMul(b, made, 'b', 4, 4);
  }),
  'a body that reads it': rows((b, x) => {
    const made = gemm(b, x, 'a', 6, 8);
    const body = (): GraphBuilder => {
      const inner = b.subgraph();
      inner.output(inner.node('Sigmoid', [made]), 'float32');
      return inner;
    };
    const flag = b.node('Greater', [b.node('ReduceSum', [x], { keepdims: 0 }), b.constant('zero', 'float32', [], [0])]);
    const branch = b.node('If', [flag], { then_branch: { graph: body() }, else_branch: { graph: body() } });
    return b.node('Concat', [gemm(b, made, 'b', 8, 4), branch], { axis: 1 });
  }),
};

describe('channels cannot have factors', { timeout: 30_000 }, () => {
  test.each(Object.entries(REFUSED))('%s', async (_, net) => {
    const model = await normalised(net.bytes(), child);
    expect(described(model)).toEqual([]);
    expect(equalizeWeights(model.graph, ruleOf)).toEqual({ sites: [] });
  });
});

test('a vector that another node reads too is kept for that one', async () => {
  const model = await normalised(
    rows((b, x) => {
      const shared = gemm(b, relu(b, gemm(b, x, 'a', 6, 8)), 'b', 8, 4);
      return b.node('Concat', [shared, op(b, 'Sigmoid', gemm(b, x, 'c', 6, 8))], { axis: 1 });
    }).bytes(),
    child,
  );
  const gemms = [...model.graph.nodes].filter(({ opType }) => opType === 'Gemm');
  const first = gemms.find(({ inputs }) => inputs[1]?.name === 'a');
  const other = gemms.find(({ inputs }) => inputs[1]?.name === 'c');
  if (first === undefined || other === undefined) throw new Error('a layer is missing');
  model.graph.setInput(other, 2, first.inputs[2]);
  const before = await outputsOf(model);
  const [site] = equalizableSites(model.graph, ruleOf);
  for (const maker of site?.makers ?? []) scaleConstant(maker, new Float64Array(8).fill(0.25));
  for (const reader of site?.readers ?? []) scaleConstant(reader, new Float64Array(8).fill(4));
  expect(first.inputs[2]).not.toBe(other.inputs[2]);
  expect(await outputsOf(model)).toEqual(before);
});
