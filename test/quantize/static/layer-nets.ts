import type { NamedNet } from './nets.ts';

/** A net of which everything but its ends runs on integers. */
export interface FusedNet {
  readonly name: string;
  /** How often each operator runs, but for transposes. */
  readonly runs: Readonly<Record<string, number>>;
  readonly make: (net: NamedNet) => string | readonly string[];
}

const C = [8, 8, 3, 3];
const ONE = [8, 8, 1, 1];

/** Layers and what joins their outputs. */
export const LAYER_NETS: readonly FusedNet[] = [
  {
    name: 'conv',
    runs: { QuantizeLinear: 1, QLinearConv: 2, DequantizeLinear: 1 },
    make: (n) => n.conv('b', n.conv('a', n.image(), C), C),
  },
  {
    name: 'conv without a bias',
    runs: { QuantizeLinear: 1, QLinearConv: 2, DequantizeLinear: 1 },
    make: (n) => n.conv('b', n.conv('a', n.image(), C, {}, false), C, {}, false),
  },
  {
    name: 'conv and Relu',
    runs: { QuantizeLinear: 1, QLinearConv: 2, DequantizeLinear: 1 },
    make: (n) => n.conv('b', n.named('Relu', 'r', [n.conv('a', n.image(), C)]), C),
  },
  {
    name: 'conv and Clip',
    runs: { QuantizeLinear: 1, QLinearConv: 2, DequantizeLinear: 1 },
    make: (n) =>
      n.conv('b', n.named('Clip', 'r', [n.conv('a', n.image(), C), n.scalar('least', 0), n.scalar('most', 6)]), C),
  },
  {
    name: 'conv and Clip on both sides of zero',
    runs: { QuantizeLinear: 1, QLinearConv: 2, DequantizeLinear: 1 },
    make: (n) =>
      n.conv('b', n.named('Clip', 'r', [n.conv('a', n.image(), C), n.scalar('least', -1), n.scalar('most', 1)]), C),
  },
  {
    name: 'depthwise',
    runs: { QuantizeLinear: 1, QLinearConv: 3, DequantizeLinear: 1 },
    make: (n) => n.conv('c', n.conv('b', n.conv('a', n.image(), ONE), [8, 1, 3, 3], { group: 8 }), ONE),
  },
  {
    name: 'dilated',
    runs: { QuantizeLinear: 1, QLinearConv: 2, DequantizeLinear: 1 },
    make: (n) => n.conv('b', n.conv('a', n.image(), C, { dilations: [2, 2], pads: [2, 2, 2, 2] }), ONE),
  },
  {
    name: 'strided',
    runs: { QuantizeLinear: 1, QLinearConv: 2, DequantizeLinear: 1 },
    make: (n) => n.conv('b', n.conv('a', n.image(), C, { strides: [2, 2] }), ONE),
  },
  {
    name: 'auto_pad',
    runs: { QuantizeLinear: 1, QLinearConv: 2, DequantizeLinear: 1 },
    make: (n) => n.conv('b', n.conv('a', n.image(), C, { auto_pad: 'SAME_UPPER', strides: [2, 2] }), ONE),
  },
  {
    name: '1-D',
    runs: { QuantizeLinear: 1, QLinearConv: 2, DequantizeLinear: 1 },
    make: (n) => n.conv('b', n.conv('a', n.input('x', 'float32', ['N', 8, 12]), [8, 8, 3]), [8, 8, 3]),
  },
  {
    name: '3-D',
    runs: { QuantizeLinear: 1, QLinearConv: 2, DequantizeLinear: 1 },
    make: (n) => n.conv('b', n.conv('a', n.input('x', 'float32', ['N', 8, 4, 4, 4]), [8, 8, 3, 3, 3]), [8, 8, 1, 1, 1]),
  },
  {
    name: 'residual',
    runs: { QuantizeLinear: 1, QLinearConv: 3, QLinearAdd: 1, DequantizeLinear: 1 },
    make: (n) => {
      const a = n.conv('a', n.image(), C);
      const b = n.named('Relu', 'r', [n.conv('b', a, C)]);
      return n.conv('c', n.named('Add', 'add', [a, b]), C);
    },
  },
  {
    name: 'gate',
    runs: {
      QuantizeLinear: 1,
      QLinearConv: 4,
      QLinearGlobalAveragePool: 1,
      QLinearSigmoid: 1,
      QLinearMul: 1,
      DequantizeLinear: 1,
    },
    make: (n) => {
      const a = n.conv('a', n.image(), C);
      const pooled = n.named('GlobalAveragePool', 'pool', [a]);
      const squeezed = n.named('Relu', 'r', [n.conv('s', pooled, [4, 8, 1, 1])]);
      const gate = n.named('Sigmoid', 'sigmoid', [n.conv('e', squeezed, [8, 4, 1, 1])]);
      return n.conv('b', n.named('Mul', 'mul', [a, gate]), C);
    },
  },
  {
    name: 'concat',
    runs: { QuantizeLinear: 1, QLinearConv: 3, QLinearConcat: 1, DequantizeLinear: 1 },
    make: (n) => {
      const x = n.image();
      const a = n.conv('a', x, C);
      const b = n.named('Relu', 'r', [n.conv('b', a, C)]);
      return n.conv('c', n.named('Concat', 'concat', [a, b], { axis: 1 }), [8, 16, 1, 1]);
    },
  },
  {
    name: 'leaky',
    runs: { QLinearConv: 2, QLinearLeakyRelu: 1, QuantizeLinear: 1, DequantizeLinear: 1 },
    make: (n) => n.conv('b', n.named('LeakyRelu', 'leaky', [n.conv('a', n.image(), C)], { alpha: { float: 0.2 } }), C),
  },
  {
    name: 'silu',
    runs: { QuantizeLinear: 1, QLinearConv: 2, QLinearSigmoid: 1, QLinearMul: 1, DequantizeLinear: 1 },
    make: (n) => {
      const a = n.conv('a', n.image(), C);
      return n.conv('b', n.named('Mul', 'mul', [a, n.named('Sigmoid', 'sigmoid', [a])]), C);
    },
  },
  {
    name: 'max pool',
    runs: { QuantizeLinear: 1, QLinearConv: 2, NhwcMaxPool: 1, DequantizeLinear: 1 },
    make: (n) =>
      n.conv(
        'b',
        n.named('MaxPool', 'pool', [n.conv('a', n.image(), C)], { kernel_shape: [2, 2], strides: [2, 2] }),
        C,
      ),
  },
  {
    name: 'flatten and gemm',
    runs: { QuantizeLinear: 1, QLinearConv: 1, Flatten: 1, QGemm: 1 },
    make: (n) => {
      const flat = n.named('Flatten', 'flat', [n.conv('a', n.image(), C)]);
      return n.named('Gemm', 'gemm', [flat, n.weight('gw', [288, 5]), n.vector('gb', 5)]);
    },
  },
  {
    name: 'flatten and gemm, transB',
    runs: { QuantizeLinear: 1, QLinearConv: 1, Flatten: 1, QGemm: 1 },
    make: (n) => {
      const flat = n.named('Flatten', 'flat', [n.conv('a', n.image(), C)]);
      return n.named('Gemm', 'gemm', [flat, n.weight('gw', [5, 288]), n.vector('gb', 5)], { transB: 1 });
    },
  },
  {
    name: 'flatten and gemm without bias',
    runs: { QuantizeLinear: 1, QLinearConv: 1, Flatten: 1, QGemm: 1 },
    make: (n) => {
      const flat = n.named('Flatten', 'flat', [n.conv('a', n.image(), C)]);
      return n.named('Gemm', 'gemm', [flat, n.weight('gw', [5, 288])], { transB: 1 });
    },
  },
  {
    name: 'gemm of a transposed matrix',
    runs: { QuantizeLinear: 1, QGemm: 1 },
    make: (n) => {
      const inputs = [n.input('x', 'float32', [16, 4]), n.weight('gw', [16, 5]), n.weight('gb', [1, 5])];
      return n.named('Gemm', 'gemm', inputs, { transA: 1 });
    },
  },
  {
    name: 'gemm with a bias of one number',
    runs: { QuantizeLinear: 1, QGemm: 1 },
    make: (n) =>
      n.named('Gemm', 'gemm', [n.input('x', 'float32', [4, 16]), n.weight('gw', [16, 5]), n.scalar('gb', 0.5)]),
  },
  {
    name: 'gemm with a factor',
    runs: { QuantizeLinear: 1, QGemm: 1 },
    make: (n) => {
      const inputs = [n.input('x', 'float32', [4, 16]), n.weight('gw', [16, 5]), n.vector('gb', 5)];
      return n.named('Gemm', 'gemm', inputs, { alpha: { float: 0.5 }, beta: { float: 2 } });
    },
  },
  {
    name: 'gemm and relu and gemm',
    runs: { QuantizeLinear: 1, QGemm: 2 },
    make: (n) => {
      const x = n.input('x', 'float32', ['N', 16]);
      const a = n.named('Relu', 'r', [n.named('Gemm', 'g', [x, n.weight('gw', [16, 16]), n.vector('gb', 16)])]);
      return n.named('Gemm', 'h', [a, n.weight('hw', [16, 16]), n.vector('hb', 16)]);
    },
  },
  {
    name: 'matmul',
    runs: { QGemm: 2, QuantizeLinear: 1 },
    make: (n) => {
      const x = n.input('x', 'float32', [4, 16]);
      return n.named('MatMul', 'm', [
        n.named('Relu', 'r', [n.named('MatMul', 'l', [x, n.weight('lw', [16, 16])])]),
        n.weight('mw', [16, 8]),
      ]);
    },
  },
  {
    name: 'matmul 3-D',
    runs: { QuantizeLinear: 1, Reshape: 2, QGemm: 1 },
    make: (n) => {
      const x = n.input('x', 'float32', [2, 4, 16]);
      return n.named('MatMul', 'm', [x, n.weight('mw', [16, 8])]);
    },
  },
  {
    name: 'matmul 3-D and Add',
    runs: { QuantizeLinear: 1, Reshape: 2, QGemm: 1 },
    make: (n) => {
      const x = n.input('x', 'float32', [2, 4, 16]);
      return n.named('Add', 'add', [n.named('MatMul', 'm', [x, n.weight('mw', [16, 8])]), n.vector('mb', 8)]);
    },
  },
  {
    name: 'matmul open and Add',
    runs: { QuantizeLinear: 1, MatMulIntegerToFloat: 1, DequantizeLinear: 1, Add: 1 },
    make: (n) => {
      const x = n.input('x', 'float32', ['N', 'T', 16]);
      return n.named('Add', 'add', [n.named('MatMul', 'm', [x, n.weight('mw', [16, 8])]), n.vector('mb', 8)]);
    },
  },
  {
    name: 'matmul, Add, Relu, MatMul',
    runs: { QGemm: 2, QuantizeLinear: 1 },
    make: (n) => {
      const x = n.input('x', 'float32', [4, 16]);
      const a = n.named('Add', 'add', [n.vector('lb', 16), n.named('MatMul', 'l', [x, n.weight('lw', [16, 16])])]);
      return n.named('MatMul', 'm', [n.named('Relu', 'r', [a]), n.weight('mw', [16, 8])]);
    },
  },
];
