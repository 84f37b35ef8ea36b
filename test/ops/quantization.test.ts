import { expect, test } from 'vitest';
import { buildChannelMap } from '../../src/channels/build.ts';
import { importModel } from '../../src/ir/model.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { countMacs } from '../../src/ops/macs.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { type Attributes, ModelBuilder } from '../support/build.ts';

/** What is left away of a node is not built, so nothing here is run: onnxruntime would refuse it. */
type Form = (b: ModelBuilder, x: string, scale: string, zero: string) => string;

const microsoft = { domain: 'com.microsoft' };

/** image int8 [2, 3, 4, 4] → QLinearConv "first" → [2, 8, 4, 4] → the form under test. */
function net(form: Form, dims: readonly number[]): ModelBuilder {
  const b = new ModelBuilder({ domains: { 'com.microsoft': 1 } });
  const [scale, zero] = [b.constant('scale', 'float32', [], [0.1]), b.constant('zero', 'int8', [], [3])];
  const weight = b.constant('first', 'int8', [8, 3, 1, 1], Array(24).fill(1));
  const inputs = [b.input('image', 'int8', [2, 3, 4, 4]), scale, zero, weight, scale, zero, scale, zero];
  const made = b.valueInfo(b.node('QLinearConv', inputs), 'int8', [2, 8, 4, 4]);
  b.output(b.valueInfo(form(b, made, scale, zero), 'int8', dims), 'int8', dims);
  return b;
}

const vector = (b: ModelBuilder, name = 'scales'): string => b.constant(name, 'float32', [8], Array(8).fill(0.1));

const REFUSED: Readonly<Record<string, readonly [form: Form, reason: string]>> = {
  'a scale for each channel at QLinearSigmoid': [
    (b, x, scale, zero) => b.node('QLinearSigmoid', [x, vector(b), zero, scale, zero], {}, microsoft),
    'QLinearSigmoid has scales or zero points that are not known to be single numbers',
  ],
  'a scale of unknown shape at QLinearAdd': [
    (b, x, scale, zero) => {
      const own = b.input('own', 'float32');
      return b.node('QLinearAdd', [x, own, zero, x, scale, zero, scale, zero], {}, microsoft);
    },
    'QLinearAdd has scales or zero points that are not known to be single numbers',
  ],
  'a scale of the data for each channel at QLinearConv': [
    (b, x, scale, zero) => {
      const weight = b.constant('last', 'int8', [8, 8, 1, 1], Array(64).fill(1));
      return b.node('QLinearConv', [x, vector(b), zero, weight, scale, zero, scale, zero]);
    },
    'QLinearConv has scales or zero points that are not known to be single numbers',
  ],
  'a scale of the weight of unknown shape at QLinearConv': [
    (b, x, scale, zero) => {
      const weight = b.constant('last', 'int8', [8, 8, 1, 1], Array(64).fill(1));
      return b.node('QLinearConv', [x, scale, zero, weight, b.input('own', 'float32'), zero, scale, zero]);
    },
    'the rank of a scale or zero point at QLinearConv is unknown',
  ],
};

test.each(Object.entries(REFUSED))('%s is not followed', (_, [form, reason]) => {
  const { groups, refusals } = buildChannelMap(importModel(decodeModel(net(form, [2, 8, 4, 4]).bytes())).graph, ruleOf);
  expect(groups).toEqual([]);
  expect(refusals.map((refusal) => `${refusal.axis.value.name}: ${refusal.reason}`)).toContain(`first: ${reason}`);
});

/** One node over the value [2, 8, 4, 4] and a weight, and how much it multiplies besides the 2·8·3·4·4 before it. */
const MACS: Readonly<Record<string, readonly [form: Form, dims: readonly number[], macs: number]>> = {
  QLinearConv: [weighted('QLinearConv', [6, 8, 3, 3], { pads: [1, 1, 1, 1] }), [2, 6, 4, 4], 2 * 6 * 8 * 9 * 16],
  'QLinearConv with channels last': [
    weighted('QLinearConv', [6, 4, 1, 1], { channels_last: 1 }, 'com.microsoft'),
    [2, 8, 4, 6],
    2 * 6 * 4 * 32,
  ],
  QLinearMatMul: [weighted('QLinearMatMul', [4, 5]), [2, 8, 4, 5], 2 * 8 * 4 * 4 * 5],
  ConvInteger: [
    (b, x) => b.node('ConvInteger', [x, b.constant('last', 'int8', [6, 8, 1, 1], Array(48).fill(1))]),
    [2, 6, 4, 4],
    2 * 6 * 8 * 16,
  ],
  QAttention: [
    (b, x, scale) => {
      const flat = b.valueInfo(
        b.node('Reshape', [x, b.constant('flat', 'int64', [3], [2, 8, 16])]),
        'int8',
        [2, 8, 16],
      );
      const weight = b.constant('last', 'int8', [16, 36], Array(576).fill(1));
      const inputs = [flat, weight, b.vector('bias', 36), scale, scale];
      return b.node('QAttention', inputs, { num_heads: 4 }, microsoft);
    },
    [2, 8, 12],
    2 * (8 * 16 * 36 + 2 * 8 * 8 * 12),
  ],
  MatMulInteger: [
    (b, x) => b.node('MatMulInteger', [x, b.constant('last', 'int8', [4, 5], Array(20).fill(1))]),
    [2, 8, 4, 5],
    2 * 8 * 4 * 4 * 5,
  ],
};

function weighted(opType: string, dims: readonly number[], attributes: Attributes = {}, domain = ''): Form {
  return (b, x, scale, zero) => {
    const size = dims.reduce((product, dim) => product * dim, 1);
    const weight = b.constant('last', 'int8', dims, Array(size).fill(1));
    return b.node(opType, [x, scale, zero, weight, scale, zero, scale, zero], attributes, { domain });
  };
}

test.each(Object.entries(MACS))('%s counts as its float form', (_, [form, dims, macs]) => {
  const { graph } = importModel(decodeModel(net(form, dims).bytes()));
  expect(countMacs(graph)).toEqual({ macs: 2 * 8 * 3 * 16 + macs, unknown: 0 });
});
