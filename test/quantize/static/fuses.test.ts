import { describe, expect, test } from 'vitest';
import { NamedNet } from './nets.ts';
import { operatorCounts, Quantizer } from './quantized.ts';

const quantizer = new Quantizer();

/** Operator sets from the first in which all of these nets can be written. */
const [LEAST, ...OTHERS] = [13, 15, 17, 19, 21];

interface Case {
  readonly name: string;
  /** How often each operator runs. */
  readonly runs: Readonly<Record<string, number>>;
  readonly make: (net: NamedNet) => string | readonly string[];
}

const C = [8, 8, 3, 3];
const ONE = [8, 8, 1, 1];

/** Nets, and what runs of each, but for transposes: as many conversions as there are inputs and outputs on integers, and no layer in float. */
const NETS: readonly Case[] = [
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
  {
    name: 'transpose',
    runs: { QuantizeLinear: 1, QLinearConv: 1, MatMulIntegerToFloat: 1, DequantizeLinear: 1, Add: 1 },
    make: (n) => {
      const t = n.named('Transpose', 't', [n.conv('a', n.image(), C)], { perm: [0, 2, 3, 1] });
      return n.named('MatMul', 'm', [t, n.weight('mw', [8, 8])]);
    },
  },
  {
    name: 'reshape',
    runs: { QuantizeLinear: 1, QLinearConv: 2, Reshape: 1, DequantizeLinear: 1 },
    make: (n) => {
      const t = n.named('Reshape', 't', [n.conv('a', n.image(), C), n.integers('shape', [0, 8, 9, 4])]);
      return n.conv('b', t, C);
    },
  },
  {
    name: 'squeeze and unsqueeze',
    runs: { QuantizeLinear: 1, QLinearConv: 2, Unsqueeze: 1, Squeeze: 1, DequantizeLinear: 1 },
    make: (n) => {
      const t = n.overAxes('Unsqueeze', 'u', n.conv('a', n.image(), C), [2]);
      return n.conv('b', n.overAxes('Squeeze', 's', t, [2]), C);
    },
  },
  {
    name: 'slice',
    runs: { QuantizeLinear: 1, QLinearConv: 2, Slice: 1, DequantizeLinear: 1 },
    make: (n) => {
      const inputs = ['starts', 'ends', 'axes'].map((name, i) => n.integers(name, [[1, 5, 1][i] ?? 0]));
      return n.conv('b', n.named('Slice', 's', [n.conv('a', n.image(), C), ...inputs]), [8, 4, 3, 3]);
    },
  },
  {
    name: 'gather',
    runs: { QuantizeLinear: 1, QLinearConv: 2, Gather: 1, DequantizeLinear: 1 },
    make: (n) =>
      n.conv(
        'b',
        n.named('Gather', 'g', [n.conv('a', n.image(), C), n.integers('at', [0, 3, 5, 1])], { axis: 1 }),
        [8, 4, 3, 3],
      ),
  },
  {
    name: 'split',
    runs: { QuantizeLinear: 1, QLinearConv: 3, Split: 1, DequantizeLinear: 2, Concat: 1 },
    make: (n) => {
      const parts = n.nodes(
        'Split',
        [n.conv('a', n.image(), C), n.integers('sizes', [4, 4])],
        2,
        { axis: 1 },
        { name: `${n.prefix}split` },
      );
      const [p = '', q = ''] = parts;
      return n.named('Concat', 'cc', [n.conv('b', p, [8, 4, 3, 3]), n.conv('c', q, [8, 4, 3, 3])], { axis: 1 });
    },
  },
  {
    name: 'depth to space',
    runs: { QuantizeLinear: 1, QLinearConv: 2, DepthToSpace: 1, DequantizeLinear: 1 },
    make: (n) => n.conv('b', n.named('DepthToSpace', 'd', [n.conv('a', n.image(), C)], { blocksize: 2 }), [8, 2, 3, 3]),
  },
  {
    name: 'resize',
    runs: { QuantizeLinear: 1, QLinearConv: 2, Resize: 1, DequantizeLinear: 1 },
    make: (n) => {
      const scales = n.constant(`${n.prefix}scales`, 'float32', [4], [1, 1, 2, 2]);
      return n.conv(
        'b',
        n.named('Resize', 'z', [n.conv('a', n.image(), C), '', scales], {
          mode: 'nearest',
          nearest_mode: 'floor',
          coordinate_transformation_mode: 'asymmetric',
        }),
        C,
      );
    },
  },
  {
    name: 'shared weight',
    runs: { QuantizeLinear: 1, QLinearConv: 4, DequantizeLinear: 1 },
    make: (n) => {
      const a = n.conv('a', n.image(), C);
      const w = n.weight('w', C);
      const b = n.named('Conv', 'b', [n.named('Relu', 'r', [a]), w, n.vector('bb', 8)], { pads: [1, 1, 1, 1] });
      const c = n.named('Conv', 'c', [b, w, n.vector('cb', 8)], { pads: [1, 1, 1, 1] });
      return n.conv('d', c, ONE);
    },
  },
  {
    name: 'two consumers',
    runs: { QuantizeLinear: 1, QLinearConv: 3, DequantizeLinear: 2 },
    make: (n) => {
      const a = n.conv('a', n.image(), C);
      return [n.conv('b', a, C), n.conv('c', a, C)];
    },
  },
  {
    name: 'also an output',
    runs: { QuantizeLinear: 1, QLinearConv: 2, DequantizeLinear: 2 },
    make: (n) => {
      const a = n.conv('a', n.image(), C);
      return [a, n.conv('b', a, C)];
    },
  },
  {
    name: 'output behind Relu',
    runs: { QuantizeLinear: 1, QLinearConv: 2, DequantizeLinear: 2 },
    make: (n) => {
      const a = n.named('Relu', 'r', [n.conv('a', n.image(), C)]);
      return [a, n.conv('b', a, C)];
    },
  },
  {
    name: 'input read twice',
    runs: { QuantizeLinear: 1, QLinearConv: 2, DequantizeLinear: 2, Tanh: 1 },
    make: (n) => {
      const x = n.image();
      return [n.conv('a', x, C), n.conv('b', x, C), n.named('Tanh', 'tanh', [x])];
    },
  },
];

/** How often operators run, but for those that bring elements into the order that the runtime wants. */
async function runsOf(net: NamedNet): Promise<Record<string, number>> {
  const { fusion, optimised } = await quantizer.fuse(net);
  expect(fusion.overruled).toEqual([]);
  const { Transpose: _, ...found } = operatorCounts(optimised);
  return found;
}

describe('what quantizing emits, the runtime runs on integers', { timeout: 60_000 }, () => {
  test.each(NETS)('$name', async ({ make, runs }) => {
    const n = new NamedNet({ opset: LEAST });
    n.give(...[make(n)].flat());
    expect(await runsOf(n)).toEqual(runs);
  });

  // Side by side in one model, which is loaded sooner than many.
  test.each(OTHERS)('all of them with operator set %i', async (opset) => {
    const n = new NamedNet({ opset });
    const sums: Record<string, number> = {};
    for (const { name, make, runs } of NETS) {
      n.prefix = `${name}:`;
      n.give(...[make(n)].flat());
      for (const [opType, count] of Object.entries(runs)) sums[opType] = (sums[opType] ?? 0) + count;
    }
    expect(await runsOf(n)).toEqual(sums);
  });
});
