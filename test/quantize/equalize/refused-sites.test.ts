import { afterAll, describe, expect, test } from 'vitest';
import { exportModel, type Model } from '../../../src/ir/model.ts';
import { encodeModel } from '../../../src/onnx/codec.ts';
import { ruleOf } from '../../../src/ops/rules.ts';
import { equalizeWeights } from '../../../src/quantize/equalize/equalize.ts';
import { scaleConstant } from '../../../src/quantize/equalize/scaled-constant.ts';
import { equalizableSites } from '../../../src/quantize/equalize/sites.ts';
import { type Outputs, RuntimeChild, run } from '../../../src/runtime/index.ts';
import { type GraphBuilder, ModelBuilder } from '../../support/build.ts';
import { inputsOf, normalised } from '../../support/model-parts.ts';
import { described } from './described.ts';
import { between, conv, gemm, image, matMul, op, relu, rows, tokens } from './nets.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

const outputsOf = (model: Model): Promise<Outputs> =>
  run(child, encodeModel(exportModel(model)), inputsOf(model, 2), { optimization: 'disabled' });

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
