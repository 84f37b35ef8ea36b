import { ModelBuilder } from '../support/build.ts';
import { createRandom, type Random } from '../support/random.ts';

/** A net whose constants are few small numbers, so that channels are zero, constant or alike by chance; as data. */
export interface ChannelNet {
  readonly seed: number;
  /** Names in STEPS. */
  readonly steps: readonly string[];
  readonly head: 'conv' | 'gemm' | 'matmul';
}

/** What is between the layers so far. */
interface State {
  readonly b: ModelBuilder;
  readonly random: Random;
  readonly image: string;
  x: string;
  channels: number;
  constants: number;
}

const SIGNS = [-2, -1, 0, 1, 2] as const;

function pick<T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[random.below(choices.length)] ?? choices[0];
}

/** A constant whose elements are drawn from a few numbers. */
function constant(s: State, dims: readonly number[], numbers: readonly [number, ...number[]] = SIGNS): string {
  const size = dims.reduce((product, dim) => product * dim, 1);
  const values = Array.from({ length: size }, () => pick(s.random, numbers));
  return s.b.constant(`c${s.constants++}`, 'float32', dims, values);
}

function whole(s: State, values: readonly number[]): string {
  return s.b.constant(`c${s.constants++}`, 'int64', [values.length], values);
}

/** A number for each channel. */
function perChannel(s: State, numbers: readonly [number, ...number[]] = SIGNS): string {
  return constant(s, [1, s.channels, 1, 1], numbers);
}

function conv(s: State, to: number, kernel: number, pads = 0, group = 1, from = s.channels, x = s.x): string {
  const weight = constant(s, [to, from / group, kernel, kernel], [-1, 0, 1, 2, 0, 0.5]);
  const bias = s.random.uniform() < 0.7 ? [constant(s, [to], [0, 0, 1, -1, 2])] : [];
  return s.b.node('Conv', [x, weight, ...bias], { pads: [pads, pads, pads, pads], group });
}

const POOL = { kernel_shape: [2, 2], pads: [0, 0, 1, 1] } as const;

/** What may stand between two layers, by name. */
export const STEPS: Readonly<Record<string, (s: State) => string>> = {
  relu: (s) => s.b.node('Relu', [s.x]),
  abs: (s) => s.b.node('Abs', [s.x]),
  neg: (s) => s.b.node('Neg', [s.x]),
  sigmoid: (s) => s.b.node('Sigmoid', [s.x]),
  leaky: (s) => s.b.node('LeakyRelu', [s.x], { alpha: { float: pick(s.random, [0.1, -0.5]) } }),
  slope: (s) => s.b.node('PRelu', [s.x, constant(s, [s.channels, 1, 1], [0, 0.5, -1, 1])]),
  multiply: (s) => s.b.node('Mul', [s.x, perChannel(s)]),
  divide: (s) => s.b.node('Div', [s.x, perChannel(s, [-2, 1, 2])]),
  add: (s) => s.b.node('Add', [s.x, perChannel(s)]),
  subtract: (s) => s.b.node('Sub', [s.x, perChannel(s)]),
  subtractFrom: (s) => s.b.node('Sub', [perChannel(s), s.x]),
  power: (s) => s.b.node('Pow', [s.x, perChannel(s, [1, 2, 2, 3])]),
  atLeast: (s) => s.b.node('Max', [s.x, pick(s.random, [constant(s, [], [0, 1]), perChannel(s)])]),
  atMostItself: (s) => s.b.node('Min', [s.x, s.b.node('Mul', [s.x, perChannel(s)])]),
  square: (s) => s.b.node('Mul', [s.x, s.x]),
  meanOfBoth: (s) => s.b.node('Mean', [s.x, s.b.node('Abs', [s.x])]),
  sum: (s) => s.b.node('Sum', [s.x, perChannel(s), s.b.node('Relu', [s.x])]),
  clip: (s) => s.b.node('Clip', [s.x, constant(s, [], [-1, 0]), constant(s, [], [6])]),
  shared: (s) => s.b.node('Mul', [s.x, s.b.node('ReduceMean', [s.image], { axes: [1, 2, 3] })]),
  normalize: (s) =>
    s.b.node('BatchNormalization', [
      s.x,
      ...[SIGNS, SIGNS, SIGNS].map((numbers) => constant(s, [s.channels], numbers)),
      constant(s, [s.channels], [0, 1, 3]),
    ]),
  maximum: (s) => s.b.node('MaxPool', [s.x], POOL),
  average: (s) => s.b.node('AveragePool', [s.x], POOL),
  averageOfZerosToo: (s) => s.b.node('AveragePool', [s.x], { ...POOL, count_include_pad: 1 }),
  norm: (s) => s.b.node('LpPool', [s.x], POOL),
  resize: (s) =>
    s.b.node('Resize', [s.x, '', constant(s, [4], [1])], { mode: pick(s.random, ['linear', 'nearest', 'cubic']) }),
  both: (s) => {
    const other = s.b.node(pick(s.random, ['Neg', 'Relu', 'Identity']), [s.x]);
    s.channels *= 2;
    return s.b.node('Concat', [s.x, other], { axis: 1 });
  },
  swap: (s) => {
    const first = 1 + s.random.below(s.channels - 1);
    const [left = '', right = ''] = s.b.nodes('Split', [s.x, whole(s, [first, s.channels - first])], 2, { axis: 1 });
    return s.b.node('Concat', [right, left], { axis: 1 });
  },
  pickOut: (s) => {
    const places = Array.from({ length: s.channels }, () => s.random.below(2 * s.channels) - s.channels);
    return s.b.node('Gather', [s.x, whole(s, places)], { axis: 1 });
  },
  backwards: (s) => s.b.node('Slice', [s.x, whole(s, [-1]), whole(s, [-100]), whole(s, [1]), whole(s, [-1])]),
  choose: (s) => {
    const flags = Array.from({ length: s.channels }, () => s.random.below(2));
    const condition = s.b.constant(`c${s.constants++}`, 'bool', [1, s.channels, 1, 1], flags);
    return s.b.node('Where', [condition, s.x, s.b.node('Neg', [s.x])]);
  },
  depthwise: (s) => conv(s, s.channels, 1, 0, s.channels),
  depthwiseBeyond: (s) => conv(s, s.channels, 3, 1, s.channels),
  grouped: (s) => (s.channels % 2 === 0 ? conv(s, s.channels, 1, 0, 2) : conv(s, s.channels, 1)),
  layer: (s) => {
    const to = pick(s.random, [4, 6]);
    const made = conv(s, to, pick(s.random, [1, 3]), 1);
    s.channels = to;
    return made;
  },
  transposed: (s) => {
    const to = pick(s.random, [4, 6]);
    const made = s.b.node('ConvTranspose', [s.x, constant(s, [s.channels, to, 1, 1], [-1, 0, 1, 2])]);
    s.channels = to;
    return made;
  },
};

/** image [2,2,4,4] → Conv 6 → the steps → a layer of random weights. */
export function buildChannelNet({ seed, steps, head }: ChannelNet): ModelBuilder {
  const random = createRandom(seed);
  const b = new ModelBuilder({ opset: pick(random, [13, 17]), seed });
  const image = b.input('image', 'float32', [2, 2, 4, 4]);
  const s: State = { b, random, image, x: image, channels: 2, constants: 0 };
  s.x = conv(s, 6, 1);
  s.channels = 6;
  for (const name of steps) s.x = STEPS[name]?.(s) ?? s.x;
  if (head === 'conv') b.output(b.node('Conv', [s.x, b.weight('last', [3, s.channels, 1, 1])]), 'float32');
  else {
    const flat = b.node('Flatten', [
      b.node(pick(random, ['GlobalAveragePool', 'GlobalMaxPool', 'GlobalLpPool']), [s.x]),
    ]);
    b.output(b.node(head === 'gemm' ? 'Gemm' : 'MatMul', [flat, b.weight('last', [s.channels, 3])]), 'float32');
  }
  return b;
}
