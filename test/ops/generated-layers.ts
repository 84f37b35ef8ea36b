import {
  type Build,
  conv,
  divisorOf,
  fresh,
  type Image,
  integers,
  type Layer,
  like,
  next,
  pick,
  reshape,
  type State,
  scaled,
  transpose,
  weight,
} from './generated-parts.ts';

const ACTIVATIONS = ['Relu', 'Tanh', 'Sigmoid', 'Elu', 'HardSigmoid', 'Abs', 'Softplus', 'Neg'];

function partner(state: State, layer: Layer): Image {
  return pick(state, layer.with);
}

/** What a layer may be, by name. */
export const LAYERS: Readonly<Record<string, Build>> = {
  conv: (s, x, { a, b }) => conv(s, x, 2 + a, b % 2 === 0 ? 1 : 3),
  strided: (s, x, { a }) => (x.side < 4 ? x : { ...conv(s, x, 2 + a, 3, { strides: [2, 2] }), side: x.side / 2 }),
  depthwise: (s, x, { b }) => conv(s, x, x.channels * (1 + (b % 2)), 3, {}, x.channels),
  grouped: (s, x, { a, b }) => {
    const group = divisorOf(x.channels, b);
    return conv(s, x, group * (1 + (a % 4)), 3, {}, group);
  },
  transposed: (s, x, { a }) => {
    if (x.side > 4) return x;
    const name = s.b.node('ConvTranspose', [x.name, weight(s, [x.channels, 2 + a, 2, 2], x.channels)], {
      strides: [2, 2],
    });
    return next(x, name, { channels: 2 + a, side: x.side * 2 });
  },
  tied: (s, x, { b }) => {
    const w = weight(s, [x.channels, x.channels, 1, 1]);
    const one = s.b.node('Conv', [x.name, w]);
    return next(
      x,
      b % 2 === 0
        ? s.b.node('Conv', [s.b.node('Tanh', [one]), w])
        : s.b.node('Add', [one, s.b.node('Conv', [s.b.node('Neg', [x.name]), w])]),
    );
  },
  batchNorm: (s, x) =>
    next(
      x,
      s.b.node('BatchNormalization', [
        x.name,
        ...[0, 1, 2].map(() => weight(s, [x.channels])),
        s.b.vector(fresh(s, 'v'), x.channels, { positive: true }),
      ]),
    ),
  instanceNorm: (s, x) =>
    next(x, s.b.node('InstanceNormalization', [x.name, weight(s, [x.channels]), weight(s, [x.channels])])),
  groupNorm: (s, x, { b }) => {
    const groups = divisorOf(x.channels, b);
    const rows = s.b.node('InstanceNormalization', [
      reshape(s, x.name, groups, -1),
      weight(s, [groups]),
      weight(s, [groups]),
    ]);
    return next(x, s.b.node('Mul', [reshape(s, rows, x.channels, x.side, x.side), weight(s, [x.channels, 1, 1])]));
  },
  lpNorm: (s, x) => next(x, s.b.node('LpNormalization', [x.name], { axis: 1 })),
  activation: (s, x, { a }) => next(x, s.b.node(ACTIVATIONS[a % ACTIVATIONS.length] ?? 'Relu', [x.name])),
  prelu: (s, x) => next(x, s.b.node('PRelu', [x.name, weight(s, [x.channels, 1, 1])])),
  softmax: (s, x, { b }) => next(x, s.b.node('Softmax', [x.name], { axis: 1 + (b % 3) })),
  add: (s, x, layer) =>
    next(x, s.b.node(layer.a % 2 === 0 ? 'Add' : 'Max', [x.name, like(s, partner(s, layer), x).name])),
  multiply: (s, x, layer) =>
    next(x, s.b.node('Mul', [x.name, s.b.node('Sigmoid', [like(s, partner(s, layer), x).name])])),
  where: (s, x, layer) => {
    const other = like(s, partner(s, layer), x);
    return next(x, s.b.node('Where', [s.b.node('Greater', [x.name, other.name]), x.name, other.name]));
  },
  concat: (s, x, layer) => {
    const other = partner(s, layer);
    const fitting = other.side === x.side ? other : scaled(s, other, x.side);
    return next(x, s.b.node('Concat', [x.name, fitting.name], { axis: layer.b % 2 === 0 ? 1 : -3 }), {
      channels: x.channels + other.channels,
    });
  },
  split: (s, x, { a }) => {
    if (x.channels < 2) return x;
    const first = 1 + (a % (x.channels - 1));
    const names = s.b.nodes('Split', [x.name, integers(s, [first, x.channels - first])], 2, { axis: 1 });
    return names.map((name, i) => next(x, name, { channels: i === 0 ? first : x.channels - first }));
  },
  halves: (s, x) => {
    if (x.channels % 2 !== 0) return x;
    const names = s.b.nodes('Split', [x.name], 2, { axis: 1, ...(s.opset >= 18 ? { num_outputs: 2 } : {}) });
    return names.map((name) => next(x, name, { channels: x.channels / 2 }));
  },
  slice: (s, x, { a, b }) => {
    const start = a % x.channels;
    const end = Math.min(x.channels, start + 1 + b);
    return next(
      x,
      s.b.node('Slice', [x.name, ...[[start], [end - x.channels || 2 ** 31], [1]].map((list) => integers(s, list))]),
      { channels: end - start },
    );
  },
  gather: (s, x, { a }) => {
    const indices = Array.from({ length: 2 + a }, () => s.random.below(2 * x.channels) - x.channels);
    return next(x, s.b.node('Gather', [x.name, integers(s, indices)], { axis: 1 }), { channels: indices.length });
  },
  padChannels: (s, x, { a, b }) =>
    next(x, s.b.node('Pad', [x.name, integers(s, [0, a % 3, 0, 0, 0, b % 3, 0, 0])]), {
      channels: x.channels + (a % 3) + (b % 3),
    }),
  gate: (s, x, { a }) => {
    const pooled = { ...x, name: s.b.node('GlobalAveragePool', [x.name]), side: 1 };
    const squeezed = conv(s, pooled, 1 + a);
    const gain = conv(s, { ...squeezed, name: s.b.node('Relu', [squeezed.name]) }, x.channels);
    return next(x, s.b.node('Mul', [x.name, s.b.node('Sigmoid', [gain.name])]));
  },
  attend: (s, x) =>
    next(
      x,
      s.b.node('Mul', [
        x.name,
        s.b.node('Sigmoid', [s.opset >= 13 ? s.b.node('ReduceSum', [x.name, integers(s, [1])]) : x.name]),
      ]),
    ),
  shuffle: (s, x, { b }) => {
    const groups = divisorOf(x.channels, b);
    const apart = reshape(s, x.name, groups, x.channels / groups, x.side, x.side);
    return next(x, reshape(s, transpose(s, apart, 0, 2, 1, 3, 4), -1, x.side, x.side));
  },
  toSpace: (s, x, { b }) =>
    x.channels % 4 !== 0 || x.side > 4
      ? x
      : next(x, s.b.node('DepthToSpace', [x.name], { blocksize: 2, mode: b % 2 === 0 ? 'DCR' : 'CRD' }), {
          channels: x.channels / 4,
          side: x.side * 2,
        }),
  toDepth: (s, x) =>
    x.channels > 6 || x.side < 4
      ? x
      : next(x, s.b.node('SpaceToDepth', [x.name], { blocksize: 2 }), { channels: x.channels * 4, side: x.side / 2 }),
  pool: (s, x, { b }) =>
    x.side < 4
      ? x
      : next(
          x,
          s.b.node(b % 2 === 0 ? 'MaxPool' : 'AveragePool', [x.name], { kernel_shape: [2, 2], strides: [2, 2] }),
          { side: x.side / 2 },
        ),
  resize: (s, x) => (x.side > 4 ? x : scaled(s, x, x.side * 2)),
  channelsLast: (s, x, { a }) => {
    const last = s.b.node('MatMul', [transpose(s, x.name, 0, 2, 3, 1), weight(s, [x.channels, 2 + a], x.channels)]);
    return next(x, transpose(s, s.b.node('Add', [last, weight(s, [2 + a])]), 0, 3, 1, 2), { channels: 2 + a });
  },
  mixPixels: (s, x) => {
    const pixels = x.side * x.side;
    const mixed = s.b.node('MatMul', [reshape(s, x.name, x.channels, pixels), weight(s, [pixels, pixels])]);
    return next(x, reshape(s, mixed, x.channels, x.side, x.side));
  },
  layerNorm: (s, x) => {
    if (s.opset < 17) return x;
    const tokens = s.b.node('LayerNormalization', [transpose(s, x.name, 0, 2, 3, 1), weight(s, [x.channels])]);
    return next(x, transpose(s, tokens, 0, 3, 1, 2));
  },
  attention: (s, x, { a, b }) => {
    const [heads, depth, pixels] = [1 + (a % 3), 1 + (b % 3), x.side * x.side];
    const tokens = transpose(s, reshape(s, x.name, x.channels, pixels), 0, 2, 1);
    const project = (): string =>
      transpose(
        s,
        reshape(
          s,
          s.b.node('MatMul', [tokens, weight(s, [x.channels, heads * depth], x.channels)]),
          pixels,
          heads,
          depth,
        ),
        0,
        2,
        1,
        3,
      );
    const scores = s.b.node('MatMul', [project(), transpose(s, project(), 0, 1, 3, 2)]);
    const merged = reshape(
      s,
      transpose(s, s.b.node('MatMul', [s.b.node('Softmax', [scores], { axis: -1 }), project()]), 0, 2, 1, 3),
      pixels,
      heads * depth,
    );
    const out = s.b.node('MatMul', [merged, weight(s, [heads * depth, x.channels], heads * depth)]);
    return next(x, s.b.node('Add', [x.name, reshape(s, transpose(s, out, 0, 2, 1), x.channels, x.side, x.side)]));
  },
  copy: (s, x) => next(x, s.b.node('Identity', [x.name])),
};
