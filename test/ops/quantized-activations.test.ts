import type { Attributes } from '../support/build.ts';
import { found, free, held, testCases } from './cases.ts';
import {
  type Grid,
  type QuantizedBuilder,
  type QuantizedMiddle,
  quantizedImageNet,
  quantizedRowNet,
} from './quantized-nets.ts';

const microsoft = { domain: 'com.microsoft' };

/** An operator with one quantized operand. */
function unary(opType: string, attributes: Attributes = {}): QuantizedMiddle {
  return (b, x, grid) => {
    const to = b.grid(0.04, b.activation === 'uint8' ? 100 : 3);
    return [b.node(opType, [x, grid.scale, grid.zero, to.scale, to.zero], attributes, microsoft), to];
  };
}

/** An operator with two: the made value, and what `other` makes. */
function binary(opType: string, other: QuantizedMiddle): QuantizedMiddle {
  return (b, x, grid) => {
    const [right, of] = other(b, x, grid);
    const to = b.grid(0.09, b.activation === 'uint8' ? 100 : 3);
    const inputs = [x, grid.scale, grid.zero, right, of.scale, of.zero, to.scale, to.zero];
    return [b.node(opType, inputs, {}, microsoft), to];
  };
}

/** A layer "second" of as many channels, beside what it reads. */
const second: QuantizedMiddle = (b, x, grid) => b.qLinearConv(x, grid, 'second', [8, 8, 1, 1]);

/** One gate for each channel: 1×1 of what was pooled. */
const gate: QuantizedMiddle = (b, x, grid) => {
  const [pooled, of] = unary('QLinearGlobalAveragePool')(b, x, grid);
  const [squeezed, small] = b.qLinearConv(pooled, of, 'squeeze', [4, 8, 1, 1]);
  return unary('QLinearSigmoid')(b, ...b.qLinearConv(squeezed, small, 'excite', [8, 4, 1, 1]));
};

/** A constant of these dims. */
function constant(dims: readonly number[]): QuantizedMiddle {
  return (b) => {
    const [name, scale, zero] = b.quantized('other', dims, 0, { type: b.activation, perChannel: false });
    return [name, { scale, zero }];
  };
}

const concat: QuantizedMiddle = (b, x, grid) => {
  const [left, one] = b.qLinearConv(x, grid, 'second', [6, 8, 1, 1]);
  const to = b.grid(0.07);
  const parts = [left, one.scale, one.zero, x, grid.scale, grid.zero];
  return [b.node('QLinearConcat', [to.scale, to.zero, ...parts], { axis: 1 }, microsoft), to];
};

const where: QuantizedMiddle = (b, x, grid) => {
  const [other, of] = second(b, x, grid);
  const to = b.grid(0.06);
  const mask = b.constant(
    'mask',
    'bool',
    [1, 1, 6, 6],
    Array.from({ length: 36 }, (_, i) => i % 2),
  );
  const inputs = [mask, x, grid.scale, grid.zero, other, of.scale, of.zero, to.scale, to.zero];
  return [b.node('QLinearWhere', inputs, {}, microsoft), to];
};

/** The same in the layout that the runtime's own QLinearConv knows. */
const channelsLast: QuantizedMiddle = (b, x, grid) => {
  const turned = b.node('Transpose', [x], { perm: [0, 2, 3, 1] });
  const last = { channels_last: 1 };
  const [made, of] = b.qLinearConv(turned, grid, 'second', [6, 8, 3, 3], last, microsoft);
  const [pooled, to] = unary('QLinearAveragePool', { ...last, kernel_shape: [2, 2] })(b, made, of);
  const largest = b.node('NhwcMaxPool', [pooled], { kernel_shape: [2, 2] }, microsoft);
  const [whole, end] = unary('QLinearGlobalAveragePool', last)(b, largest, to);
  return [b.node('Transpose', [whole], { perm: [0, 3, 1, 2] }), end];
};

const both = ['uint8', 'int8'] as const;

for (const activation of both) {
  testCases(`quantized activations of ${activation}`, {
    'QLinearAdd of a residual': free(quantizedImageNet(binary('QLinearAdd', second), { activation })),
    'QLinearAdd of a constant for each channel': free(
      quantizedImageNet(binary('QLinearAdd', constant([8, 1, 1])), { activation }),
    ),
    'QLinearAdd of one constant': free(quantizedImageNet(binary('QLinearAdd', constant([1])), { activation })),
    'QLinearMul by a gate': found(
      quantizedImageNet(binary('QLinearMul', gate), { activation }),
      'first 8',
      'squeeze 4',
    ),
    QLinearSigmoid: free(quantizedImageNet(unary('QLinearSigmoid'), { activation })),
    QLinearLeakyRelu: free(quantizedImageNet(unary('QLinearLeakyRelu', { alpha: { float: 0.1 } }), { activation })),
    QLinearAveragePool: free(
      quantizedImageNet(unary('QLinearAveragePool', { kernel_shape: [2, 2], strides: [2, 2] }), { activation }),
    ),
    QLinearGlobalAveragePool: free(quantizedImageNet(unary('QLinearGlobalAveragePool'), { activation })),
    QLinearConcat: found(quantizedImageNet(concat, { activation, read: 14 }), 'first 8', 'second 6'),
    QLinearWhere: free(quantizedImageNet(where, { activation })),
    'QLinearSoftmax over positions': free(
      quantizedImageNet(unary('QLinearSoftmax', { axis: 3, opset: 13 }), { activation }),
    ),
  });
}

testCases('quantized activations', {
  'channels last': found(quantizedImageNet(channelsLast, { read: 6 }), 'first 8', 'second 6'),
  'QLinearSoftmax over channels': held(
    quantizedRowNet(unary('QLinearSoftmax', { axis: 2, opset: 13 })),
    /mixes its channels/,
  ),
  'MaxPool and Reshape between': free(quantizedImageNet(plain)),
});

/** Operators of plain ONNX that take integers as they are. */
function plain(b: QuantizedBuilder, x: string, grid: Grid): readonly [string, Grid] {
  const pooled = b.node('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
  const shape = b.constant('flat', 'int64', [4], [0, 0, 1, 9]);
  return [b.node('Reshape', [pooled, shape]), grid];
}
