import {
  conv,
  divisorOf,
  fresh,
  type Image,
  imageOf,
  integers,
  type Layer,
  next,
  pick,
  project,
  reshape,
  type State,
  tokensOf,
  transpose,
  weight,
} from './generated-parts.ts';

type Build = (state: State, x: Image, layer: Layer) => Image;

/** [directions, batch, hidden] of zeros, the batch read at run time. */
function zeroState(s: State, steps: string, directions: number, hidden: number): string {
  const batch = s.b.node('Gather', [s.b.node('Shape', [steps]), integers(s, [1])]);
  const shape = s.b.node('Concat', [integers(s, [directions]), batch, integers(s, [hidden])], { axis: 0 });
  return s.b.node('ConstantOfShape', [shape]);
}

/** Gates end to end in the weights of each operator. */
const GATES = { RNN: 1, GRU: 3, LSTM: 4 } as const;

function recurrent(s: State, x: Image, opType: keyof typeof GATES, { a, b }: Layer): Image {
  const [hidden, gates, directions] = [2 + (a % 5), GATES[opType], 1 + (b % 2)];
  const steps = transpose(s, tokensOf(s, x), 1, 0, 2);
  const inputs = [
    steps,
    weight(s, [directions, gates * hidden, x.channels], x.channels),
    weight(s, [directions, gates * hidden, hidden], hidden),
    b % 3 === 0 ? '' : weight(s, [directions, 2 * gates * hidden]),
    ...(b > 4 ? ['', zeroState(s, steps, directions, hidden)] : []),
  ];
  while (inputs.at(-1) === '') inputs.pop();
  const attributes = {
    hidden_size: hidden,
    direction: directions === 2 ? 'bidirectional' : a > 4 ? 'reverse' : 'forward',
  };
  const [y = '', last = ''] = s.b.nodes(opType, inputs, 2, attributes);
  const all = a % 3 === 0 ? s.b.node('Add', [y, s.b.node('Tanh', [last])]) : y;
  // [steps, directions, batch, hidden]
  const tokens = reshape(s, transpose(s, all, 2, 0, 1, 3), x.side * x.side, directions * hidden);
  return imageOf(s, x, tokens, directions * hidden);
}

/** softmax(q · kᵀ) · v of [N, H, T, d], heads folded again: [N, T, H · d]. */
function attend(s: State, q: string, k: string, v: string, features: number): string {
  const scores = s.b.node('Softmax', [s.b.node('MatMul', [q, transpose(s, k, 0, 1, 3, 2)])], { axis: -1 });
  const mixed = transpose(s, s.b.node('MatMul', [scores, v]), 0, 2, 1, 3);
  return s.b.node('Reshape', [mixed, integers(s, [0, 0, features])]);
}

/** Layers over the pixels of an image as a sequence, and copies of channels. */
export const SEQUENCE_LAYERS: Readonly<Record<string, Build>> = {
  lstm: (s, x, layer) => recurrent(s, x, 'LSTM', layer),
  gru: (s, x, layer) => recurrent(s, x, 'GRU', layer),
  rnn: (s, x, layer) => recurrent(s, x, 'RNN', layer),
  packedAttention: (s, x, { a, b }) => {
    const [heads, depth, pixels] = [1 + (a % 3), 1 + (b % 3), x.side * x.side];
    const features = heads * depth;
    const qkv = project(s, tokensOf(s, x), x.channels, 3 * features);
    const heady = (value: string): string => transpose(s, reshape(s, value, pixels, heads, depth), 0, 2, 1, 3);
    let parts: string[];
    if (a % 2 === 0) {
      const apart = transpose(s, reshape(s, qkv, pixels, 3, heads, depth), 2, 0, 3, 1, 4);
      parts = [0, 1, 2].map((i) =>
        s.b.node('Gather', [apart, s.b.constant(fresh(s, 'i'), 'int64', [], [i])], { axis: 0 }),
      );
    } else {
      parts = s.b.nodes('Split', [qkv, integers(s, [features, features, features])], 3, { axis: -1 }).map(heady);
    }
    const [q = '', k = '', v = ''] = parts;
    const out = project(s, attend(s, q, k, v, features), features, x.channels);
    return next(x, s.b.node('Add', [x.name, imageOf(s, x, out, x.channels).name]));
  },
  groupedAttention: (s, x, { a, b }) => {
    const [groups, copies, depth, pixels] = [1 + (a % 2), 2, 1 + (b % 3), x.side * x.side];
    const tokens = tokensOf(s, x);
    const heady = (heads: number): string =>
      transpose(s, reshape(s, project(s, tokens, x.channels, heads * depth), pixels, heads, depth), 0, 2, 1, 3);
    const repeat = (value: string): string => {
      if (b % 2 === 0) return s.b.node('Tile', [value, integers(s, [1, copies, 1, 1])]);
      const apart = s.b.node('Unsqueeze', [value, integers(s, [2])]);
      const wide = s.b.node('Expand', [apart, integers(s, [1, 1, copies, 1, 1])]);
      return reshape(s, wide, groups * copies, pixels, depth);
    };
    const features = groups * copies * depth;
    const mixed = attend(s, heady(groups * copies), repeat(heady(groups)), repeat(heady(groups)), features);
    return imageOf(s, x, project(s, mixed, features, 2 + b), 2 + b);
  },
  einsum: (s, x, { a }) => {
    const name = s.b.node('Einsum', [x.name, weight(s, [x.channels, 2 + a], x.channels)], {
      equation: 'nchw,co->nohw',
    });
    return next(x, name, { channels: 2 + a });
  },
  einsumOfTwo: (s, x, layer) => {
    const other = pick(s, layer.with);
    if (other.side !== x.side) return x;
    // How alike the channels of the two are, and the other's channels mixed by that.
    const alike = s.b.node('Einsum', [x.name, other.name], { equation: 'nchw,ndhw->ncd' });
    const mixed = s.b.node('Softmax', [alike], { axis: layer.a % 2 === 0 ? 1 : 2 });
    return next(x, s.b.node('Einsum', [mixed, other.name], { equation: 'ncd,ndhw->nchw' }));
  },
  einsumHeads: (s, x, { a, b }) => {
    const [heads, depth] = [1 + (a % 3), 1 + (b % 3)];
    const apart = s.b.node('Einsum', [x.name, weight(s, [x.channels, heads, depth], x.channels)], {
      equation: 'ncij,ceo->neoij',
    });
    return next(x, reshape(s, s.b.node('Tanh', [apart]), heads * depth, x.side, x.side), { channels: heads * depth });
  },
  tile: (s, x, { a }) => {
    const copies = 1 + (a % 3);
    return next(x, s.b.node('Tile', [x.name, integers(s, [1, copies, 1, 1])]), { channels: x.channels * copies });
  },
  expand: (s, x, { a, b }) => {
    if (b % 2 === 0) return next(x, s.b.node('Expand', [x.name, integers(s, [1, x.channels, 1, 1])]));
    const one = conv(s, x, 1);
    const wide = s.b.node('Expand', [one.name, integers(s, [1, 2 + a, 1, 1])]);
    return next(x, s.b.node('Mul', [wide, weight(s, [2 + a, 1, 1])]), { channels: 2 + a });
  },
  windows: (s, x) => {
    if (x.side < 4) return x;
    const half = x.side / 2;
    const last = transpose(s, x.name, 0, 2, 3, 1);
    const apart = s.b.node('Reshape', [last, integers(s, [-1, 2, half, 2, half, x.channels])]);
    const rows = s.b.node('Reshape', [
      transpose(s, apart, 0, 1, 3, 2, 4, 5),
      integers(s, [-1, half * half, x.channels]),
    ]);
    const mixed = s.b.node('Add', [rows, project(s, s.b.node('Tanh', [rows]), x.channels, x.channels)]);
    const back = s.b.node('Reshape', [mixed, integers(s, [-1, 2, 2, half, half, x.channels])]);
    const whole = s.b.node('Reshape', [
      transpose(s, back, 0, 1, 3, 2, 4, 5),
      integers(s, [-1, x.side, x.side, x.channels]),
    ]);
    return next(x, transpose(s, whole, 0, 3, 1, 2));
  },
  shuffledHalves: (s, x, { b }) => {
    const groups = divisorOf(x.channels, b);
    const apart = reshape(s, x.name, groups, x.channels / groups, x.side * x.side);
    return next(x, reshape(s, transpose(s, apart, 0, 2, 1, 3), x.channels, x.side, x.side));
  },
};
