import type { Attributes } from '../support/build.ts';
import { found, free, testCases } from './cases.ts';
import {
  QuantizedBuilder,
  type QuantizedMiddle,
  quantizedImageNet,
  straight,
  type WeightForm,
} from './quantized-nets.ts';

/** A QLinearConv "second" between "first" (8 channels) and "last". */
function conv(dims: readonly number[], attributes: Attributes = {}, bias = true): QuantizedMiddle {
  return (b, x, grid) => b.qLinearConv(x, grid, 'second', dims, attributes, { bias });
}

const padded = { pads: [1, 1, 1, 1] };
const uint8PerChannel: WeightForm = { type: 'uint8', perChannel: true };
const uint8PerTensor: WeightForm = { type: 'uint8', perChannel: false };
const int8PerTensor: WeightForm = { type: 'int8', perChannel: false };

testCases('QLinearConv', {
  'with scales per channel': free(quantizedImageNet(straight)),
  'with one scale': free(quantizedImageNet(straight, { weights: int8PerTensor })),
  'with zero points per channel': free(quantizedImageNet(straight, { weights: uint8PerChannel })),
  'with one zero point that is not zero': free(quantizedImageNet(straight, { weights: uint8PerTensor })),
  'of int8 activations': free(quantizedImageNet(straight, { activation: 'int8' })),
  'with integers for output': free(quantizedImageNet(straight, { integers: true })),
  'that is padded with zero points': found(
    quantizedImageNet(conv([6, 8, 3, 3], padded), { read: 6 }),
    'first 8',
    'second 6',
  ),
  'without bias': found(quantizedImageNet(conv([6, 8, 3, 3], {}, false), { read: 6 }), 'first 8', 'second 6'),
  depthwise: free(quantizedImageNet(conv([8, 1, 3, 3], { ...padded, group: 8 }))),
  'depthwise with multiplier 2': free(quantizedImageNet(conv([16, 1, 3, 3], { ...padded, group: 8 }), { read: 16 })),
  'grouped, wide': found(quantizedImageNet(conv([8, 4, 3, 3], { group: 2 })), 'first 4', 'second 4'),
  'grouped, narrow': found(quantizedImageNet(conv([12, 2, 3, 3], { group: 4 }), { read: 12 }), 'first 4'),
  'read twice, as numbers of two grids': found(twice(), 'first 8'),
});

/** Two layers read one value, each with parameters of its own. */
function twice(): QuantizedBuilder {
  const b = new QuantizedBuilder();
  const image = b.grid(0.02);
  const x = b.quantize(b.input('image', 'float32', ['N', 3, 6, 6]), image);
  const [made, grid] = b.qLinearConv(x, image, 'first', [8, 3, 3, 3]);
  const other = b.grid(0.07, 90);
  b.output(b.dequantize(...b.qLinearConv(made, grid, 'left', [4, 8, 1, 1])), 'float32');
  b.output(b.dequantize(...b.qLinearConv(made, other, 'right', [4, 8, 1, 1])), 'float32');
  return b;
}

/** A real value → DynamicQuantizeLinear → ConvInteger → real numbers again. */
function dynamic(b: QuantizedBuilder, x: string, name: string, dims: readonly number[], form: WeightForm): string {
  const [quantized = '', scale = '', zero = ''] = b.nodes('DynamicQuantizeLinear', [x], 3);
  const [weight, weightScale, weightZero] = b.quantized(name, dims, 0, form);
  const group = (dims[1] ?? 1) === 1 ? { group: dims[0] ?? 1 } : {};
  // onnxruntime takes one zero point for a weight here, or none.
  const zeros = form.perChannel ? [zero] : [zero, weightZero];
  const sums = b.node('ConvInteger', [quantized, weight, ...zeros], { ...padded, ...group });
  const over = form.perChannel
    ? b.node('Reshape', [weightScale, b.constant(`${name}_dims`, 'int64', [3], [-1, 1, 1])])
    : weightScale;
  return b.node('Mul', [b.node('Cast', [sums], { to: 1 }), b.node('Mul', [scale, over])]);
}

function dynamicNet(form: WeightForm, middle: readonly number[]): QuantizedBuilder {
  const b = new QuantizedBuilder();
  const x = b.input('image', 'float32', ['N', 3, 6, 6]);
  const made = b.node('Relu', [
    b.node('Add', [dynamic(b, x, 'first', [8, 3, 3, 3], form), b.weight('bias', [8, 1, 1])]),
  ]);
  b.output(dynamic(b, dynamic(b, made, 'second', middle, form), 'last', [4, middle[0] ?? 1, 3, 3], form), 'float32');
  return b;
}

testCases('ConvInteger', {
  'of uint8 weights': found(dynamicNet(uint8PerTensor, [6, 8, 3, 3]), 'first 8', 'second 6'),
  'of int8 weights with scales per channel': found(
    dynamicNet({ type: 'int8', perChannel: true }, [6, 8, 3, 3]),
    'first 8',
    'second 6',
  ),
  depthwise: free(dynamicNet(uint8PerTensor, [8, 1, 3, 3])),
});
