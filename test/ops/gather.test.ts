import type { ModelBuilder } from '../support/build.ts';
import { found, free, held, testCases } from './cases.ts';
import { featureNet, imageNet, integers, type Middle, tokenNet } from './nets.ts';

const upTo = (length: number): number[] => [...Array(length).keys()];

/** GatherND of what is [N, H, W, C] then, and back. */
const channelsLast =
  (middle: Middle): Middle =>
  (b, x) =>
    b.node('Transpose', [middle(b, b.node('Transpose', [x], { perm: [0, 2, 3, 1] }))], { perm: [0, 3, 1, 2] });

/** Rows and columns of every sample: [H', W', 2] tuples for each. */
const pixels = (b: ModelBuilder, rows: readonly number[], columns: readonly number[]): string =>
  integers(
    b,
    upTo(2).flatMap(() => rows.flatMap((row) => columns.flatMap((column) => [row, column]))),
    [2, rows.length, columns.length, 2],
  );

const gatherND =
  (indices: (b: ModelBuilder) => string, batch = 0, domain = ''): Middle =>
  (b, x) =>
    b.node('GatherND', [x, indices(b)], batch === 0 ? {} : { batch_dims: batch }, { domain });

const contrib = { domains: { 'com.microsoft': 1 } };

testCases('GatherND that permutes', {
  'the channels': free(
    imageNet(
      gatherND((b) =>
        integers(
          b,
          [0, 1].flatMap((n) => [3, -7, 0, 2, -1, 6, -3, -4].flatMap((c) => [n, c])),
          [2, 8, 2],
        ),
      ),
      { batch: 2 },
    ),
    { amount: 0.5 },
  ),
});

testCases('GatherND', {
  'of pixels of each sample passes channels': free(
    imageNet(channelsLast(gatherND((b) => pixels(b, [0, 3, 2], [5, 1]), 1)), { batch: 2 }),
  ),
  'of samples': free(
    imageNet(
      gatherND((b) => integers(b, [1, 0, 0], [3, 1])),
      { batch: 2 },
    ),
  ),
  "of samples by the runtime's own operator": free(
    imageNet(
      gatherND((b) => integers(b, [1, 0, 0], [3, 1]), 0, 'com.microsoft'),
      { batch: 2, ...contrib },
    ),
  ),
  'of pixels at places that come at run time': free(
    imageNet(channelsLast(gatherND((b) => b.input('places', 'int64', [2, 4, 4, 2]), 1)), { batch: 2 }),
  ),
  'of samples and channels in a constant grid': found(
    imageNet(
      gatherND((b) =>
        integers(
          b,
          [0, 1].flatMap((n) => [6, 1, -4].flatMap((c) => [n, c])),
          [2, 3, 2],
        ),
      ),
      { batch: 2, read: 3 },
    ),
    'first 5',
    'first 3',
  ),
  'of channels by a constant list for each sample': found(
    tokenNet(
      (b, x) => {
        const turned = b.node('Transpose', [x], { perm: [0, 2, 1] });
        const picked = b.node('GatherND', [turned, integers(b, [3, 1, 7, 3, 3, 1, 7, 3], [2, 4, 1])], {
          batch_dims: 1,
        });
        return b.node('Transpose', [picked], { perm: [0, 2, 1] });
      },
      { read: 4 },
    ),
    'first 5',
    'first 3',
  ),
  'of channels at places that come at run time': held(
    imageNet(
      gatherND((b) => b.input('places', 'int64', [2, 8, 2])),
      { batch: 2 },
    ),
    /GatherND looks positions up in it at run time/,
  ),
  // The channel that is read goes with the samples, and samples stay.
  'of one channel of every sample': found(
    featureNet(
      (b, x) => {
        const rows = b.node('Reshape', [x, integers(b, [2, 8])]);
        return b.node('Reshape', [b.node('GatherND', [rows, integers(b, [0, 3, 1, 3], [2, 2])]), integers(b, [2, 1])]);
      },
      { read: 1 },
    ),
    'first 7',
    'last 1',
  ),
  'of one channel': {
    net: imageNet(
      (b, x) => {
        const turned = b.node('Transpose', [x], { perm: [1, 0, 2, 3] });
        const one = b.node('GatherND', [turned, integers(b, [5], [1, 1])]);
        return b.node('Transpose', [one], { perm: [1, 0, 2, 3] });
      },
      { read: 1 },
    ),
    groups: ['last 1'],
    refusals: { first: /GatherND picks single positions out of it/ },
  },
});

/** Integers [2, channels, 6, width] by what they are at each place. */
const each = (
  b: ModelBuilder,
  channels: number,
  width: number,
  valueAt: (n: number, c: number, h: number, w: number) => number,
): string =>
  integers(
    b,
    upTo(2).flatMap((n) =>
      upTo(channels).flatMap((c) => upTo(6).flatMap((h) => upTo(width).map((w) => valueAt(n, c, h, w)))),
    ),
    [2, channels, 6, width],
  );

const gatherElements =
  (axis: number, indices: (b: ModelBuilder) => string): Middle =>
  (b, x) =>
    b.node('GatherElements', [x, indices(b)], { axis });

/** Of eight channels; half of them counted from the end. */
const PERMUTATION = [3, -7, 0, 2, -1, 6, -3, -4];

testCases('GatherElements', {
  'of pixels passes channels': free(
    imageNet(
      gatherElements(3, (b) => each(b, 8, 4, (n, c, h, w) => (n + c + h + w) % 6)),
      { batch: 2 },
    ),
  ),
  'of pixels by a negative axis at places that come at run time': free(
    imageNet((b, x) => {
      const [, places = ''] = b.nodes('TopK', [x, integers(b, [4])], 2, { axis: 2 });
      return b.node('GatherElements', [x, places], { axis: -2 });
    }),
  ),
  'out of the first channels only': found(
    imageNet(
      gatherElements(3, (b) => each(b, 3, 4, (_, c, h, w) => (c + h + w) % 6)),
      { batch: 2, read: 3 },
    ),
    'first 3',
    'first 5',
  ),
  'of channels by constant indices': found(
    imageNet(
      gatherElements(1, (b) => each(b, 4, 6, (_, c) => [5, 0, -2, 5][c] ?? 0)),
      { batch: 2, read: 4 },
    ),
    'first 3',
    'first 5',
  ),
  'that permute the channels': free(
    imageNet(
      gatherElements(1, (b) => each(b, 8, 6, (_, c) => PERMUTATION[c] ?? 0)),
      { batch: 2 },
    ),
    { amount: 0.5 },
  ),
  'of channels by indices that two nodes share': found(
    imageNet(
      (b, x) => {
        const indices = each(b, 4, 6, (_, c) => [7, 0, 6, 1][c] ?? 0);
        const other = b.node('Conv', [x, b.weight('second', [8, 8, 1, 1])]);
        const [one = '', two = ''] = [x, other].map((data) => b.node('GatherElements', [data, indices], { axis: 1 }));
        return b.node('Concat', [one, two], { axis: 1 });
      },
      { batch: 2, read: 8 },
    ),
    'first 4',
    'first 4',
    'second 4',
  ),
  // Whatever is read can be read less often: the indices are a constant of this node alone.
  'of other channels at every pixel': {
    net: imageNet(
      gatherElements(1, (b) => each(b, 8, 6, (_, c, h) => (c + h) % 8)),
      { batch: 2 },
    ),
    groups: ['last 8'],
    refusals: { first: /GatherElements picks single positions out of it/ },
  },
  'of channels at places that come at run time': held(
    imageNet(
      gatherElements(1, (b) => b.input('places', 'int64', [2, 8, 6, 6])),
      { batch: 2 },
    ),
    /GatherElements looks positions up in it at run time/,
  ),
});

const condition = (b: ModelBuilder, ...flags: readonly number[]): string =>
  b.constant('condition', 'bool', [flags.length], flags);

testCases('Compress', {
  'of pixels passes channels': free(
    imageNet((b, x) => b.node('Compress', [x, condition(b, 1, 0, 1, 1, 0, 1)], { axis: 2 })),
  ),
  'of pixels by a condition that comes at run time': free(
    imageNet((b, x) => b.node('Compress', [x, b.input('which', 'bool', [6])], { axis: -1 })),
  ),
  'of channels': held(
    imageNet((b, x) => b.node('Compress', [x, condition(b, 1, 0, 1, 1, 0, 0, 1, 0)], { axis: 1 }), { read: 4 }),
    /Compress picks positions out of it/,
  ),
  'of all elements': held(
    featureNet((b, x) => {
      const some = b.node('Compress', [x, condition(b, 1, 0, 1, 1, 0, 1, 0, 1)]);
      return b.node('Add', [x, b.node('ReduceSum', [some], { keepdims: 1 })]);
    }),
    /Compress picks elements out of all axes at once/,
  ),
});
