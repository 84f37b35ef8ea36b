import type { FusedNet } from './layer-nets.ts';

const C = [8, 8, 3, 3];
const ONE = [8, 8, 1, 1];

/** Nets where elements are moved, and values have several readers. */
export const MOVING_NETS: readonly FusedNet[] = [
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
    name: 'tile',
    runs: { QuantizeLinear: 1, QLinearConv: 2, Tile: 1, DequantizeLinear: 1 },
    make: (n) => n.conv('b', n.named('Tile', 't', [n.conv('a', n.image(), C), n.integers('copies', [1, 1, 2, 1])]), C),
  },
  {
    name: 'expand',
    runs: { QuantizeLinear: 1, QLinearConv: 2, QLinearGlobalAveragePool: 1, Expand: 1, DequantizeLinear: 1 },
    make: (n) => {
      const mean = n.named('GlobalAveragePool', 'g', [n.conv('a', n.image(), C)]);
      return n.conv('b', n.named('Expand', 'e', [mean, n.integers('shape', [1, 8, 4, 4])]), C);
    },
  },
  {
    name: 'largest',
    runs: { QuantizeLinear: 1, QLinearConv: 2, ReduceMax: 1, DequantizeLinear: 1 },
    make: (n) => {
      const a = n.conv('a', n.image(), C);
      // Axes are an attribute before operator set 18, and an input since.
      const r = n.opset < 18 ? n.named('ReduceMax', 'r', [a], { axes: [2] }) : n.overAxes('ReduceMax', 'r', a, [2]);
      return n.conv('b', r, C);
    },
  },
  {
    name: 'choice',
    runs: { QuantizeLinear: 1, QLinearConv: 3, QLinearWhere: 1, DequantizeLinear: 1 },
    make: (n) => {
      const x = n.image();
      const [a, b] = [n.conv('a', x, C), n.conv('b', x, C)];
      const which = n.constant(`${n.prefix}which`, 'bool', [1, 8, 1, 1], [1, 0, 1, 1, 0, 0, 1, 0]);
      return n.conv('c', n.named('Where', 'w', [which, a, b]), ONE);
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
