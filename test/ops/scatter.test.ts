import { ModelBuilder } from '../support/build.ts';
import { found, free, held, testCases } from './cases.ts';
import { featureNet, imageNet, integers, type Middle, type NetOptions } from './nets.ts';

/** Every tuple of a grid: [lists[0].length, …, lists.length]. */
function grid(b: ModelBuilder, ...lists: readonly (readonly number[])[]): string {
  let tuples: number[][] = [[]];
  for (const list of lists) tuples = tuples.flatMap((tuple) => list.map((each) => [...tuple, each]));
  return integers(b, tuples.flat(), [...lists.map((list) => list.length), lists.length]);
}

const upTo = (length: number): number[] => [...Array(length).keys()];

/** Channels first among the axes, the operators, and back: [N, C, H, W] → [C, N, H, W]. */
const channelsFirst =
  (middle: Middle): Middle =>
  (b, x) =>
    b.node('Transpose', [middle(b, b.node('Transpose', [x], { perm: [1, 0, 2, 3] }))], { perm: [1, 0, 2, 3] });

/** Into what "first" makes, what "second" makes of it is written at constant places. */
const writes =
  (indices: (b: ModelBuilder) => string, channels = 8, attributes = {}): Middle =>
  (b, x) =>
    b.node('ScatterND', [x, indices(b), b.node('Conv', [x, b.weight('second', [channels, 8, 1, 1])])], attributes);

const onTwo: NetOptions = { batch: 2 };

/** A cache [N, 6, 8] of tokens into which the tokens [N, 2, 8] are written at steps that come at run time. */
function cache(opType: string, indices: (b: ModelBuilder) => string, perm: readonly number[]): ModelBuilder {
  const b = new ModelBuilder({ opset: 18 });
  const past = b.node('MatMul', [b.input('past', 'float32', [2, 6, 5]), b.weight('first', [5, 8], { fanIn: 5 })]);
  const tokens = b.node('MatMul', [b.input('new', 'float32', [2, 2, 5]), b.weight('fresh', [5, 8], { fanIn: 5 })]);
  const [data = '', updates = ''] = [past, tokens].map((each) => b.node('Transpose', [each], { perm }));
  const y = b.node('Transpose', [b.node(opType, [data, indices(b), updates])], { perm });
  b.output(b.node('MatMul', [y, b.weight('last', [8, 3], { fanIn: 8 })]), 'float32');
  return b;
}

testCases('ScatterND', {
  'of samples passes channels': found(
    imageNet(
      writes((b) => grid(b, [1, 0])),
      onTwo,
    ),
    'first 8',
  ),
  'of samples and pixels, channels last': found(
    imageNet((b, x) => {
      const [data = '', updates = ''] = [x, b.node('Conv', [x, b.weight('second', [8, 8, 1, 1])])].map((each) =>
        b.node('Transpose', [each], { perm: [0, 2, 3, 1] }),
      );
      const rows = b.node('Slice', [updates, ...[[1], [4], [1]].map((each) => integers(b, each))]);
      return b.node('Transpose', [b.node('ScatterND', [data, grid(b, [0, 1], [0, 2, 5]), rows])], {
        perm: [0, 3, 1, 2],
      });
    }, onTwo),
    'first 8',
  ),
  'of samples that are added up': found(
    imageNet(
      writes((b) => grid(b, [1, 1]), 8, { reduction: 'add' }),
      { ...onTwo, opset: 18 },
    ),
    'first 8',
  ),
  'into a cache at steps that come at run time': found(
    cache('ScatterND', (b) => b.input('steps', 'int64', [2, 1]), [1, 0, 2]),
    'first 8',
  ),
  'of all channels in another order': free(
    imageNet(
      writes((b) => grid(b, [0, 1], [3, -7, 0, 2, -1, 6, -3, -4])),
      onTwo,
    ),
    { amount: 0.5 },
  ),
  'of samples and channels in a constant grid': found(
    imageNet(
      writes((b) => grid(b, [0, 1], [6, 1, 2]), 3),
      onTwo,
    ),
    'first 5',
    'first 3',
  ),
  'of channels in a constant list': found(
    imageNet(
      channelsFirst((b, x) => {
        const other = b.node('Slice', [b.node('Tanh', [x]), ...[[2], [5], [0]].map((each) => integers(b, each))]);
        return b.node('ScatterND', [x, grid(b, [0, -3, 7]), other]);
      }),
    ),
    'first 3',
    'first 2',
  ),
  'of channels by indices that two nodes share': found(
    imageNet(
      channelsFirst((b, x) => {
        const indices = grid(b, [5, 1, 4]);
        const part = b.node('Slice', [b.node('Tanh', [x]), ...[[5], [8], [0]].map((each) => integers(b, each))]);
        const one = b.node('ScatterND', [x, indices, part]);
        return b.node('ScatterND', [b.node('Neg', [one]), indices, b.node('Relu', [part])]);
      }),
    ),
    'first 3',
    'first 3',
  ),
  'of channels by indices of which samples and channels are one axis': found(
    imageNet((b, x) => {
      const part = b.node('Reshape', [
        b.node('Slice', [
          b.node('Sigmoid', [x]),
          ...[
            [0, 3],
            [1, 5],
            [0, 1],
          ].map((each) => integers(b, each)),
        ]),
        integers(b, [2, 6, 6]),
      ]);
      return b.node('ScatterND', [x, integers(b, [0, 1, 1, 6], [2, 2]), part]);
    }, onTwo),
    // The channels that are written go with samples, and samples stay.
    'first 4',
  ),
  'of channels at places that come at run time': held(
    imageNet(
      channelsFirst((b, x) => b.node('ScatterND', [x, b.input('places', 'int64', [8, 1]), b.node('Tanh', [x])])),
    ),
    /ScatterND writes into it at places that are known at run time only/,
  ),
  'of one channel': held(
    imageNet(
      channelsFirst((b, x) => {
        const one = b.node('Slice', [b.node('Tanh', [x]), ...[[2], [3], [0]].map((each) => integers(b, each))]);
        return b.node('ScatterND', [x, integers(b, [5], [1, 1]), one]);
      }),
    ),
    /ScatterND writes into single positions of it/,
  ),
  'of pixels that have one place for each channel': held(
    featureNet((b, x) => {
      const data = b.node('Reshape', [x, integers(b, [-1, 8])]);
      return b.node('Transpose', [
        b.node('ScatterND', [
          b.node('Transpose', [b.node('Slice', [data, ...[[0], [2], [0]].map((each) => integers(b, each))])]),
          integers(b, [0, 1, 1, 0, 2, 1, 0, 0, 1, 1, 2, 0], [3, 2, 2]),
          b.weight('numbers', [3, 2]),
        ]),
      ]);
    }),
    /ScatterND writes into single positions of it/,
  ),
});

/** ScatterElements along `axis` of what "first" makes, by what "second" makes. */
const elements = (
  axis: number,
  indices: (b: ModelBuilder) => string,
  options: NetOptions & { readonly opType?: string; readonly reduction?: string; readonly written?: number } = {},
): ModelBuilder => {
  const { opType = 'ScatterElements', reduction, written = 8 } = options;
  return imageNet(
    (b, x) => {
      const updates = b.node('Conv', [x, b.weight('second', [written, 8, 1, 1])]);
      return b.node(opType, [x, indices(b), updates], { axis, ...(reduction === undefined ? {} : { reduction }) });
    },
    { opset: 18, ...onTwo, ...options },
  );
};

/** Integers [2, channels, 6, 6] by what they are at each place. */
const each = (
  b: ModelBuilder,
  channels: number,
  valueAt: (n: number, c: number, h: number, w: number) => number,
): string =>
  integers(
    b,
    upTo(2).flatMap((n) =>
      upTo(channels).flatMap((c) => upTo(6).flatMap((h) => upTo(6).map((w) => valueAt(n, c, h, w)))),
    ),
    [2, channels, 6, 6],
  );

/** The same indices [2, 1, 6, 6] for each of 8 channels. */
const stretched = (b: ModelBuilder, indices: string): string => b.node('Expand', [indices, integers(b, [1, 8, 1, 1])]);

/** Of eight channels; half of them counted from the end. */
const PERMUTATION = [3, -7, 0, 2, -1, 6, -3, -4];

testCases('ScatterElements', {
  'of pixels passes channels': free(elements(3, (b) => each(b, 8, (n, c, h, w) => (w + n + c + h) % 6))),
  'of pixels that are multiplied': free(
    elements(-1, (b) => each(b, 8, (_, c, h, w) => (w + c + h) % 6), { reduction: 'mul' }),
  ),
  'of pixels at places that come at run time': free(
    elements(2, (b) => stretched(b, b.input('places', 'int64', [2, 1, 6, 6]))),
  ),
  'into the first channels only': found(
    elements(3, (b) => each(b, 3, (_, c, h, w) => (w + c + h) % 6), { written: 3 }),
    'first 3',
    'first 5',
  ),
  'of channels by constant indices': found(
    elements(1, (b) => each(b, 3, (_, c) => [5, 0, -2][c] ?? 0), { written: 3 }),
    'first 3',
    'first 5',
  ),
  'of channels by constant indices of type int32': found(
    elements(
      1,
      (b) =>
        b.constant(
          'places',
          'int32',
          [2, 3, 6, 6],
          upTo(216).map((i) => [5, 0, 6][Math.floor(i / 36) % 3] ?? 0),
        ),
      { written: 3 },
    ),
    'first 3',
    'first 5',
  ),
  'in opset 9, when it was Scatter': free(
    elements(3, (b) => each(b, 8, (n, c, h, w) => (w + n + c + h) % 6), { opType: 'Scatter', opset: 9 }),
  ),
  'in opset 11': free(elements(3, (b) => each(b, 8, (n, c, h, w) => (w + n + c + h) % 6), { opset: 11 })),
  'of all channels in another order': free(
    elements(1, (b) => each(b, 8, (_, c) => PERMUTATION[c] ?? 0)),
    { amount: 0.5 },
  ),
  'of channels that go to other places in every sample': held(
    elements(1, (b) => each(b, 8, (n, c) => (c + n) % 8)),
    /ScatterElements writes into single positions of it/,
  ),
  'of channels at places that come at run time': held(
    elements(1, (b) =>
      b.node(
        'Cast',
        [
          b.node('Clip', [
            b.input('places', 'float32', [2, 8, 6, 6]),
            ...[0, 7].map((bound) => b.constant(`bound${bound}`, 'float32', [], [bound])),
          ]),
        ],
        { to: 7 },
      ),
    ),
    /ScatterElements writes into it at places that are known at run time only/,
  ),
});
