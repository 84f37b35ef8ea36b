import { type GraphBuilder, ModelBuilder, type ModelOptions } from '../support/build.ts';

/** A Conv with weights of a name. */
export interface ConvOptions {
  readonly kernel?: number;
  readonly group?: number;
  readonly stride?: number;
  readonly bias?: boolean;
}

/** A Conv of so many channels to so many, "same" in size unless it strides. */
export function conv(
  b: GraphBuilder,
  x: string,
  name: string,
  [from, to]: readonly [number, number],
  { kernel = 3, group = 1, stride = 1, bias = true }: ConvOptions = {},
): string {
  const pad = (kernel - 1) / 2;
  const weight = b.weight(name, [to, from / group, kernel, kernel], {
    std: Math.sqrt(2 / ((from / group) * kernel ** 2)),
  });
  return b.node('Conv', [x, weight, ...(bias ? [b.vector(`${name}.bias`, to)] : [])], {
    pads: [pad, pad, pad, pad],
    strides: [stride, stride],
    group,
  });
}

/** A BatchNormalization, some of whose gains are negative. */
export function norm(b: GraphBuilder, x: string, name: string, channels: number): string {
  return b.node('BatchNormalization', [
    x,
    b.weight(`${name}.scale`, [channels], { std: 0.5, mean: 0.7 }),
    b.vector(`${name}.shift`, channels, { std: 0.3 }),
    b.vector(`${name}.mean`, channels),
    b.vector(`${name}.variance`, channels, { positive: true }),
  ]);
}

const relu = (b: GraphBuilder, x: string): string => b.node('Relu', [x]);

/** image [N, 3, 8, 8] → … → y */
function image(middle: (b: ModelBuilder, x: string) => string, options: ModelOptions = {}): ModelBuilder {
  const b = new ModelBuilder({ seed: 7, ...options });
  const type = b.elementType;
  b.output(middle(b, b.input('image', type, ['N', 3, 8, 8])), type);
  return b;
}

/** tokens [N, 6, 8] → … → y */
function tokens(middle: (b: ModelBuilder, x: string) => string, options: ModelOptions = {}): ModelBuilder {
  const b = new ModelBuilder({ seed: 7, ...options });
  b.output(middle(b, b.input('tokens', 'float32', ['N', 6, 8])), 'float32');
  return b;
}

function head(b: ModelBuilder, x: string, channels: number): string {
  const flat = b.node('Flatten', [b.node('GlobalAveragePool', [x])]);
  return b.node('Gemm', [flat, b.weight('head', [5, channels]), b.vector('head.bias', 5)], { transB: 1 });
}

/** Three convolutions and a classifier. */
export function plain(options: ModelOptions = {}): ModelBuilder {
  return image((b, x) => {
    const one = relu(b, conv(b, x, 'one', [3, 12]));
    const two = relu(b, conv(b, one, 'two', [12, 16], { stride: 2 }));
    return head(b, relu(b, conv(b, two, 'three', [16, 12])), 12);
  }, options);
}

/** Two residual blocks with normalization. */
export function residual(): ModelBuilder {
  return image((b, x) => {
    let stream = relu(b, norm(b, conv(b, x, 'stem', [3, 12], { bias: false }), 'stem.norm', 12));
    for (const name of ['a', 'b']) {
      const inner = relu(b, norm(b, conv(b, stream, `${name}.one`, [12, 10], { bias: false }), `${name}.n1`, 10));
      const back = norm(b, conv(b, inner, `${name}.two`, [10, 12], { bias: false }), `${name}.n2`, 12);
      stream = relu(b, b.node('Add', [back, stream]));
    }
    return head(b, stream, 12);
  });
}

/** Two convolutions, the second with a normalization whose gains lie far apart, which is the output. */
export function scaled(): ModelBuilder {
  return image((b, x) => {
    const one = relu(b, conv(b, x, 'one', [3, 12]));
    const scales = b.constant('scales', 'float32', [4], [1, -0.01, 3, 0]);
    return b.node('BatchNormalization', [
      conv(b, one, 'two', [12, 4], { bias: false }),
      scales,
      b.vector('shift', 4),
      b.vector('mean', 4),
      b.vector('variance', 4, { positive: true }),
    ]);
  });
}

/** Inverted residuals with depthwise convolutions. */
export function mobile(): ModelBuilder {
  return image((b, x) => {
    let stream = conv(b, x, 'stem', [3, 8]);
    for (const name of ['a', 'b']) {
      const wide = b.node('Clip', [
        norm(b, conv(b, stream, `${name}.expand`, [8, 20], { kernel: 1, bias: false }), `${name}.n1`, 20),
        b.constant(`${name}.low`, 'float32', [], [0]),
        b.constant(`${name}.high`, 'float32', [], [6]),
      ]);
      const deep = relu(
        b,
        norm(b, conv(b, wide, `${name}.depth`, [20, 20], { group: 20, bias: false }), `${name}.n2`, 20),
      );
      stream = b.node('Add', [conv(b, deep, `${name}.project`, [20, 8], { kernel: 1 }), stream]);
    }
    return head(b, stream, 8);
  });
}

/** MatMuls over rows, without biases. */
export function bare(): ModelBuilder {
  const b = new ModelBuilder({ seed: 7 });
  let x = b.input('rows', 'float32', ['N', 10]);
  for (const [name, from, to] of [
    ['one', 10, 24],
    ['two', 24, 16],
  ] as const)
    x = relu(b, b.node('MatMul', [x, b.weight(name, [from, to], { fanIn: from / 2 })]));
  b.output(b.node('MatMul', [x, b.weight('three', [16, 4], { fanIn: 16 })]), 'float32');
  return b;
}

/** A grouped convolution between two plain ones. */
export function grouped(): ModelBuilder {
  return image((b, x) => {
    const one = relu(b, conv(b, x, 'one', [3, 16]));
    const two = relu(b, conv(b, one, 'two', [16, 24], { group: 4 }));
    return head(b, relu(b, conv(b, two, 'three', [24, 12])), 12);
  });
}

/** An encoder and a decoder with a skip, of transposed convolutions. */
export function unet(): ModelBuilder {
  return image((b, x) => {
    const high = relu(b, conv(b, x, 'down.one', [3, 10]));
    const low = relu(b, conv(b, high, 'down.two', [10, 14], { stride: 2 }));
    const up = b.node('ConvTranspose', [low, b.weight('up', [14, 10, 2, 2], { fanIn: 14 }), b.vector('up.bias', 10)], {
      strides: [2, 2],
    });
    const both = b.node('Concat', [high, relu(b, up)], { axis: 1 });
    return conv(b, relu(b, conv(b, both, 'merge', [20, 12])), 'last', [12, 2], { kernel: 1 });
  });
}

/** Transposed convolutions only behind the first. */
export function transposed(): ModelBuilder {
  return image((b, x) => {
    let y = relu(b, conv(b, x, 'one', [3, 12]));
    for (const [name, from, to] of [
      ['two', 12, 10],
      ['three', 10, 3],
    ] as const)
      y = b.node('Relu', [
        b.node('ConvTranspose', [y, b.weight(name, [from, to, 3, 3], { fanIn: 4 * from })], { pads: [1, 1, 1, 1] }),
      ]);
    return conv(b, y, 'last', [3, 3], { kernel: 1 });
  });
}

/** Channels are mixed, then places, as in MLP-Mixer: what channels left has them along another axis than places. */
export function mixer(): ModelBuilder {
  return tokens((b, x) => {
    const mixed = (y: string, name: string, from: number, to: number): string =>
      relu(b, b.node('MatMul', [y, b.weight(name, [from, to], { fanIn: from / 2 })]));
    const wide = mixed(mixed(x, 'one', 8, 14), 'two', 14, 12);
    const turned = b.node('Transpose', [wide], { perm: [0, 2, 1] });
    const back = b.node('Transpose', [mixed(turned, 'places', 6, 6)], { perm: [0, 2, 1] });
    return b.node('MatMul', [back, b.weight('out', [12, 3], { fanIn: 12 })]);
  });
}

/** An LSTM between MatMuls. */
export function recurrent(): ModelBuilder {
  return tokens((b, x) => {
    const wide = relu(b, b.node('MatMul', [x, b.weight('in', [8, 16], { fanIn: 8 })]));
    const first = b.node('Transpose', [wide], { perm: [1, 0, 2] });
    const y = b.node(
      'LSTM',
      [first, b.weight('lstm.w', [1, 40, 16], { fanIn: 16 }), b.weight('lstm.r', [1, 40, 10], { fanIn: 10 })],
      { hidden_size: 10 },
      { outputs: ['lstm.y'] },
    );
    const rows = b.node('Squeeze', [y, b.constant('one', 'int64', [1], [1])]);
    const out = relu(b, b.node('MatMul', [rows, b.weight('mid', [10, 14], { fanIn: 5 })]));
    return b.node('MatMul', [out, b.weight('out', [14, 3], { fanIn: 14 })]);
  });
}

/** One weight that two convolutions apply. */
export function shared(): ModelBuilder {
  return image((b, x) => {
    const one = relu(b, conv(b, x, 'one', [3, 12]));
    const weight = b.weight('twice', [12, 12, 3, 3], { fanIn: 50 });
    const two = relu(b, b.node('Conv', [one, weight], { pads: [1, 1, 1, 1] }));
    const three = relu(b, b.node('Conv', [two, weight], { pads: [1, 1, 1, 1] }));
    return head(b, three, 12);
  });
}

/** A convolution inside the bodies of an If, which read what is around them; the first one is taken. */
export function branched(): ModelBuilder {
  return image((b, x) => {
    const one = relu(b, conv(b, x, 'one', [3, 12]));
    const branch = (name: string): { graph: GraphBuilder } => {
      const body = b.subgraph();
      body.output(conv(body, one, name, [12, 12]), 'float32');
      return { graph: body };
    };
    const sum = b.node('ReduceSum', [x], { keepdims: 0 });
    const flag = b.node('Greater', [sum, b.constant('least', 'float32', [], [-1e9])]);
    const two = relu(b, b.node('If', [flag], { then_branch: branch('yes'), else_branch: branch('no') }));
    return head(b, relu(b, conv(b, two, 'three', [12, 12])), 12);
  });
}
