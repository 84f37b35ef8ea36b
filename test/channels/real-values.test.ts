import { describe, expect, test } from 'vitest';
import { buildChannelMap } from '../../src/channels/build.ts';
import type { ChannelMap } from '../../src/channels/group.ts';
import { realValuesOf } from '../../src/channels/real-values.ts';
import { criterionNamed, scoreGroup } from '../../src/criteria/criteria.ts';
import { importModel } from '../../src/ir/model.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import type { Attributes } from '../support/build.ts';
import { ModelBuilder } from '../support/build.ts';

/** The weight [3, 2] of three channels, as it is stored and as it is meant. */
const STORED = [3, -4, 10, 1, -6, 8];
const SCALES = [0.5, 4, 0.125];
const ZEROS = [1, -2, 0];
const MEANT = STORED.map((integer, i) => {
  const channel = Math.floor(i / 2);
  return (SCALES[channel] ?? 0) * (integer - (ZEROS[channel] ?? 0));
});

const turned = (rows: readonly number[]): number[] =>
  [0, 1].flatMap((column) => [0, 1, 2].map((i) => rows[2 * i + column] ?? 0));

/** Builds nodes whose types are declared, since nothing is run here. */
class Typed extends ModelBuilder {
  constructor() {
    super({ opset: 13, domains: { 'com.microsoft': 1 } });
  }

  made(
    opType: string,
    inputs: readonly string[],
    type: 'float32' | 'int8' | 'int32',
    dims: readonly (number | string)[],
    attributes: Attributes = {},
    domain = '',
  ): string {
    return this.valueInfo(this.node(opType, inputs, attributes, { domain }), type, dims);
  }

  /** A scale and a zero point for each channel. */
  parameters(dims: readonly number[] = [3]): readonly [string, string] {
    return [this.constant('scale', 'float32', dims, SCALES), this.constant('zero', 'int8', dims, ZEROS)];
  }

  /** A scale and a zero point for a whole tensor. */
  single(name: string, zero = 0): readonly [string, string] {
    return [this.constant(`${name}_scale`, 'float32', [], [0.1]), this.constant(`${name}_zero`, 'int8', [], [zero])];
  }
}

/** Ways to write the weight "first" that makes three channels of rows [N, 2] or of an image [N, 2, 4, 4]. */
const FORMS: Readonly<Record<string, (b: Typed) => string>> = {
  'DequantizeLinear along axis 0'(b) {
    const stored = b.constant('first', 'int8', [3, 2], STORED);
    const weight = b.made('DequantizeLinear', [stored, ...b.parameters()], 'float32', [3, 2], { axis: 0 });
    return b.made('Gemm', [b.input('rows', 'float32', ['N', 2]), weight], 'float32', ['N', 3], { transB: 1 });
  },
  "the runtime's own DequantizeLinear"(b) {
    const stored = b.constant('first', 'int8', [3, 2], STORED);
    const weight = b.made(
      'DequantizeLinear',
      [stored, ...b.parameters()],
      'float32',
      [3, 2],
      { axis: 0 },
      'com.microsoft',
    );
    return b.made('Gemm', [b.input('rows', 'float32', ['N', 2]), weight], 'float32', ['N', 3], { transB: 1 });
  },
  'a Transpose before DequantizeLinear'(b) {
    const stored = b.made('Transpose', [b.constant('first', 'int8', [3, 2], STORED)], 'int8', [2, 3], { perm: [1, 0] });
    const weight = b.made('DequantizeLinear', [stored, ...b.parameters()], 'float32', [2, 3], { axis: 1 });
    return b.made('MatMul', [b.input('rows', 'float32', ['N', 2]), weight], 'float32', ['N', 3]);
  },
  QLinearConv(b) {
    const stored = b.constant('first', 'int8', [3, 2, 1, 1], STORED);
    const inputs = [
      b.input('image', 'int8', ['N', 2, 4, 4]),
      ...b.single('x'),
      stored,
      ...b.parameters(),
      ...b.single('y'),
    ];
    return b.made('QLinearConv', inputs, 'int8', ['N', 3, 4, 4]);
  },
  ConvInteger(b) {
    const stored = b.constant('first', 'int8', [3, 2, 1, 1], STORED);
    const zeros = [b.single('x')[1], b.parameters()[1]];
    const sums = b.made('ConvInteger', [b.input('image', 'int8', ['N', 2, 4, 4]), stored, ...zeros], 'int32', [
      'N',
      3,
      4,
      4,
    ]);
    const real = b.made('Cast', [sums], 'float32', ['N', 3, 4, 4], { to: 1 });
    const scales = b.constant('scales', 'float32', [1, 3, 1, 1], SCALES);
    const both = b.made('Mul', [b.input('scale_of_x', 'float32', []), scales], 'float32', [1, 3, 1, 1]);
    return b.made('Mul', [both, real], 'float32', ['N', 3, 4, 4]);
  },
  QLinearMatMul(b) {
    const stored = b.constant('first', 'int8', [2, 3], turned(STORED));
    const inputs = [b.input('rows', 'int8', ['N', 2]), ...b.single('x'), stored, ...b.parameters(), ...b.single('y')];
    return b.made('QLinearMatMul', inputs, 'int8', ['N', 3]);
  },
  'QLinearMatMul with parameters of rank 2'(b) {
    const stored = b.constant('first', 'int8', [2, 3], turned(STORED));
    const inputs = [
      b.input('rows', 'int8', ['N', 2]),
      ...b.single('x'),
      stored,
      ...b.parameters([1, 3]),
      ...b.single('y'),
    ];
    return b.made('QLinearMatMul', inputs, 'int8', ['N', 3]);
  },
  MatMulInteger(b) {
    const stored = b.constant('first', 'int8', [2, 3], turned(STORED));
    const zeros = [b.single('x')[1], b.parameters()[1]];
    const sums = b.made('MatMulInteger', [b.input('rows', 'int8', ['N', 2]), stored, ...zeros], 'int32', ['N', 3]);
    const real = b.made('Cast', [sums], 'float32', ['N', 3], { to: 1 });
    return b.made('Mul', [real, b.constant('scales', 'float32', [3], SCALES)], 'float32', ['N', 3]);
  },
  QGemm(b) {
    const stored = b.constant('first', 'int8', [3, 2], STORED);
    const inputs = [b.input('rows', 'int8', ['N', 2]), ...b.single('x'), stored, ...b.parameters()];
    return b.made('QGemm', inputs, 'float32', ['N', 3], { transB: 1 }, 'com.microsoft');
  },
  MatMulIntegerToFloat(b) {
    const stored = b.constant('first', 'int8', [2, 3], turned(STORED));
    const [scale, zero] = b.single('x');
    const [scales, zeros] = b.parameters();
    const inputs = [b.input('rows', 'int8', ['N', 2]), stored, scale, scales, zero, zeros];
    return b.made('MatMulIntegerToFloat', inputs, 'float32', ['N', 3], {}, 'com.microsoft');
  },
  DynamicQuantizeMatMul(b) {
    const stored = b.constant('first', 'int8', [2, 3], turned(STORED));
    const inputs = [b.input('rows', 'float32', ['N', 2]), stored, ...b.parameters()];
    return b.made('DynamicQuantizeMatMul', inputs, 'float32', ['N', 3], {}, 'com.microsoft');
  },
  'a table that is looked up before it is dequantized'(b) {
    const stored = b.constant('first', 'int8', [2, 3], turned(STORED));
    const rows = b.made('Gather', [stored, b.input('ids', 'int64', ['N'])], 'int8', ['N', 3]);
    return b.made('DequantizeLinear', [rows, ...b.parameters()], 'float32', ['N', 3], { axis: 1 });
  },
};

function mapOf(form: (b: Typed) => string): ChannelMap {
  const b = new Typed();
  b.output(b.node('ReduceSum', [form(b), b.constant('axes', 'int64', [1], [1])], { keepdims: 0 }), 'float32');
  return buildChannelMap(importModel(decodeModel(b.bytes())).graph, ruleOf);
}

describe('integers that stand for real numbers rank by those', () => {
  test.each(Object.entries(FORMS))('%s', (_, form) => {
    const map = mapOf(form);
    const [group] = map.groups;
    const weight = group?.members.find(({ role }) => role === 'out')?.axis.value;
    if (group === undefined || weight === undefined) throw new Error('no group');
    expect(weight.name).toBe('first');
    const real = [...realValuesOf(map, weight)];
    expect(weight.tensor?.dims[0] === 3 ? real : [0, 1, 2].flatMap((i) => [real[i], real[3 + i]])).toEqual(MEANT);

    const norms = [0, 1, 2].map((i) => Math.hypot(MEANT[2 * i] ?? 0, MEANT[2 * i + 1] ?? 0));
    const mean = norms.reduce((sum, norm) => sum + norm, 0) / 3;
    const evidence = { map, seed: 0, floatsOf: (value: typeof weight) => realValuesOf(map, value) };
    const { scores } = scoreGroup(criterionNamed('l2'), group, evidence);
    expect([...scores]).toEqual(norms.map((norm) => expect.closeTo(norm / mean, 6)));
  });

  test('sums that nothing scales leave the integers as they are', () => {
    const map = mapOf((b) => {
      const stored = b.constant('first', 'int8', [2, 3], STORED);
      return b.made('MatMulInteger', [b.input('rows', 'int8', ['N', 2]), stored], 'int32', ['N', 3]);
    });
    const weight = map.groups[0]?.members[0]?.axis.value;
    expect(weight && [...realValuesOf(map, weight)]).toEqual(STORED);
  });
});
