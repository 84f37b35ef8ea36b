import { expect, test } from 'vitest';
import { buildChannelMap } from '../../src/channels/build.ts';
import { importModel } from '../../src/ir/model.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import type { Attributes } from '../support/build.ts';
import { found, free, testCases } from './cases.ts';
import {
  type Grid,
  type Narrow,
  QuantizedBuilder,
  quantizedRowNet,
  straight,
  type WeightForm,
} from './quantized-nets.ts';

const microsoft = { domain: 'com.microsoft' };
const uint8PerChannel: WeightForm = { type: 'uint8', perChannel: true };
const uint8PerTensor: WeightForm = { type: 'uint8', perChannel: false };
const int8PerTensor: WeightForm = { type: 'int8', perChannel: false };

testCases('QLinearMatMul', {
  'with scales per column': free(quantizedRowNet(straight)),
  'with one scale': free(quantizedRowNet(straight, { weights: int8PerTensor })),
  'with zero points per column': free(quantizedRowNet(straight, { weights: uint8PerChannel })),
  'with one zero point that is not zero': free(quantizedRowNet(straight, { weights: uint8PerTensor })),
  'of int8 activations': free(quantizedRowNet(straight, { activation: 'int8' })),
  'of two activations': found(quantizedRowNet(product, { read: 6 }), 'first 8', 'right 6'),
  'with parameters of the rank of the weight': free(flat()),
  'with a weight on the left': found(leftWeight(), 'first 8'),
});

/** The made value [N, 6, 8] with another one [N, 8, 6], both computed: a product that "last" reads. */
function product(b: QuantizedBuilder, x: string, grid: Grid): readonly [string, Grid] {
  const turned = b.node('Transpose', [x], { perm: [0, 2, 1] });
  const [right, other] = b.qLinearMatMul(turned, grid, 'right', [6, 6]);
  const to = b.grid(0.3);
  const inputs = [x, grid.scale, grid.zero, right, other.scale, other.zero, to.scale, to.zero];
  return [b.node('QLinearMatMul', inputs), to];
}

/** Parameters [1, columns] instead of [columns]. */
function flat(): QuantizedBuilder {
  const b = new QuantizedBuilder();
  const rows = b.grid(0.02);
  const x = b.quantize(b.input('rows', 'float32', ['N', 5]), rows);
  const layer = (from: string, grid: Grid, name: string, dims: readonly [number, number]): [string, Grid] => {
    const to = b.grid(0.08);
    const [weight] = b.quantized(name, dims);
    const scale = b.constant(`${name}_scales`, 'float32', [1, dims[1]], Array(dims[1]).fill(0.01));
    const zero = b.constant(`${name}_zeros`, 'int8', [1, dims[1]], Array(dims[1]).fill(0));
    const parameters = [weight, scale, zero];
    return [b.node('QLinearMatMul', [from, grid.scale, grid.zero, ...parameters, to.scale, to.zero]), to];
  };
  b.output(b.dequantize(...layer(...layer(x, rows, 'first', [5, 8]), 'last', [8, 4])), 'float32');
  return b;
}

/** The weight "last" [4, 8] times the made value [8, N]. */
function leftWeight(): QuantizedBuilder {
  const b = new QuantizedBuilder({ activation: 'int8', weights: int8PerTensor });
  const rows = b.grid(0.02);
  const [made, grid] = b.qLinearMatMul(b.quantize(b.input('rows', 'float32', ['N', 5]), rows), rows, 'first', [5, 8]);
  const to = b.grid(0.08);
  const turned = b.node('Transpose', [made], { perm: [1, 0] });
  const left = b.quantized('last', [4, 8]);
  const y = b.node('QLinearMatMul', [...left, turned, grid.scale, grid.zero, to.scale, to.zero]);
  b.output(b.dequantize(y, to), 'float32');
  return b;
}

test('QLinearMatMul with a zero point for each row, which onnxruntime does not run', () => {
  const b = new QuantizedBuilder();
  const rows = b.grid(0.02);
  const x = b.input('rows', b.activation, [6, 5]);
  const [made, grid] = b.qLinearMatMul(x, rows, 'first', [5, 8]);
  b.valueInfo(made, b.activation, [6, 8]);
  const zeros = b.constant('row_zeros', b.activation, [6], Array(6).fill(117));
  const to = b.grid(0.08);
  const y = b.node('QLinearMatMul', [made, grid.scale, zeros, ...b.quantized('last', [8, 4], 1), to.scale, to.zero]);
  b.output(y, b.activation, [6, 4]);
  const { groups, refusals } = buildChannelMap(importModel(decodeModel(b.bytes())).graph, ruleOf);
  expect(groups).toEqual([]);
  expect(refusals[0]).toMatchObject({ reason: 'QLinearMatMul has a zero point for each row of its first operand' });
});

/** A QGemm "second" between "first" and "last". */
function qGemm(
  dims: readonly [number, number],
  attributes: Attributes,
  form: { real?: boolean; bias?: boolean },
): QuantizedBuilder {
  const b = new QuantizedBuilder();
  const rows = b.grid(0.02);
  const [made, grid] = b.qLinearMatMul(b.quantize(b.input('rows', 'float32', ['N', 5]), rows), rows, 'first', [5, 8]);
  const columns = attributes['transB'] === 1 ? 0 : 1;
  const to = b.grid(0.08);
  const inputs = [made, grid.scale, grid.zero, ...b.quantized('second', dims, columns)];
  inputs.push(form.bias === false ? '' : b.bias('second_bias', dims[columns] ?? 1));
  if (!form.real) inputs.push(to.scale, to.zero);
  const y = b.node('QGemm', inputs, attributes, microsoft);
  if (form.real) b.output(b.node('MatMul', [y, b.weight('last', [6, 4])]), 'float32');
  else b.output(b.dequantize(...b.qLinearMatMul(y, to, 'last', [6, 4])), 'float32');
  return b;
}

testCases('QGemm', {
  'with a transposed weight': found(qGemm([6, 8], { transB: 1 }, {}), 'first 8', 'second 6'),
  'with a plain weight and no bias': found(qGemm([8, 6], {}, { bias: false }), 'first 8', 'second 6'),
  'that makes real numbers': found(qGemm([6, 8], { transB: 1 }, { real: true }), 'first 8', 'second 6'),
});

/** A real value → DynamicQuantizeLinear → sums of integers → real numbers again. */
function dynamic(b: QuantizedBuilder, x: string, name: string, dims: readonly number[], form: WeightForm): string {
  const [quantized = '', scale = '', zero = ''] = b.nodes('DynamicQuantizeLinear', [x], 3);
  const [weight, weightScale, weightZero] = b.quantized(name, dims, dims.length - 1, form);
  const sums = b.node('MatMulInteger', [quantized, weight, zero, weightZero]);
  return b.node('Mul', [b.node('Cast', [sums], { to: 1 }), b.node('Mul', [scale, weightScale])]);
}

function dynamicNet(form: WeightForm): QuantizedBuilder {
  const b = new QuantizedBuilder();
  const x = b.input('rows', 'float32', ['N', 6, 5]);
  const made = b.node('Relu', [b.node('Add', [dynamic(b, x, 'first', [5, 8], form), b.vector('bias', 8)])]);
  b.output(dynamic(b, made, 'last', [8, 4], form), 'float32');
  return b;
}

/** Sums of integers without a zero point, of a weight of this type. */
function plainIntegers(activation: Narrow): QuantizedBuilder {
  const b = new QuantizedBuilder({ activation });
  const grid = b.grid(0.02, 0);
  const x = b.quantize(b.input('rows', 'float32', ['N', 5]), grid);
  const sums = b.node('MatMulInteger', [x, b.quantized('first', [5, 8], 1)[0]]);
  const made = b.quantize(b.node('Mul', [b.node('Cast', [sums], { to: 1 }), grid.scale]), grid);
  b.output(b.node('MatMulInteger', [made, b.quantized('last', [8, 4], 1)[0]]), 'int32');
  return b;
}

testCases('MatMulInteger', {
  'behind DynamicQuantizeLinear, scales per column': free(dynamicNet({ type: 'int8', perChannel: true })),
  'behind DynamicQuantizeLinear, one scale': free(dynamicNet(uint8PerTensor)),
  'behind DynamicQuantizeLinear, zero points per column': free(dynamicNet(uint8PerChannel)),
  'of uint8 without zero points': free(plainIntegers('uint8')),
  'of int8 without zero points': free(plainIntegers('int8')),
});

/** x → one of the runtime's own products, twice. */
function contrib(
  layer: (b: QuantizedBuilder, x: string, name: string, dims: readonly number[]) => string,
): QuantizedBuilder {
  const b = new QuantizedBuilder({ weights: uint8PerChannel });
  const x = b.input('rows', 'float32', ['N', 6, 5]);
  b.output(layer(b, b.node('Relu', [layer(b, x, 'first', [5, 8])]), 'last', [8, 4]), 'float32');
  return b;
}

testCases('products of the runtime', {
  DynamicQuantizeMatMul: free(
    contrib((b, x, name, dims) => {
      const bias = b.vector(`${name}_bias`, dims[1] ?? 1);
      return b.node('DynamicQuantizeMatMul', [x, ...b.quantized(name, dims, 1), bias], {}, microsoft);
    }),
  ),
  'DynamicQuantizeMatMul with one scale': free(
    contrib((b, x, name, dims) =>
      b.node('DynamicQuantizeMatMul', [x, ...b.quantized(name, dims, 1, uint8PerTensor)], {}, microsoft),
    ),
  ),
  MatMulIntegerToFloat: free(
    contrib((b, x, name, dims) => {
      const [quantized = '', scale = '', zero = ''] = b.nodes('DynamicQuantizeLinear', [x], 3);
      const [weight, weightScale, weightZero] = b.quantized(name, dims, 1);
      const bias = b.vector(`${name}_bias`, dims[1] ?? 1);
      const inputs = [quantized, weight, scale, weightScale, zero, weightZero, bias];
      return b.node('MatMulIntegerToFloat', inputs, {}, microsoft);
    }),
  ),
});
