import type { ModelBuilder } from '../support/build.ts';
import { found, free, held, testCases } from './cases.ts';
import { chain, featureNet, imageNet, integers, type Middle, op, tokenNet } from './nets.ts';

const expand =
  (...shape: readonly number[]): Middle =>
  (b, x) =>
    b.node('Expand', [x, integers(b, shape)]);

const tile =
  (...repeats: readonly number[]): Middle =>
  (b, x) =>
    b.node('Tile', [x, integers(b, repeats)]);

/** Elements of the shape of a value. */
function lengths(b: ModelBuilder, x: string, ...dims: readonly number[]): string {
  return b.node('Gather', [b.node('Shape', [x]), integers(b, dims)]);
}

/** The channels of "first" summed up, and stretched from 1 to the number that the target says. */
const stretched = (...target: readonly number[]): Middle =>
  chain(
    (b, x) => b.node('Conv', [x, b.weight('one', [1, 8, 1, 1])]),
    expand(...target),
    (b, x) => b.node('Mul', [x, b.weight('gain', [6, 1, 1])]),
  );

/** A length that is known only when the model runs. */
const asked = (b: ModelBuilder): string => b.input('asked', 'int64', [1]);

const FEEDS = [1, 2].map((seed) => ({
  rows: { type: 'float32', dims: [1, 5], data: Float32Array.from({ length: 5 }, (_, i) => Math.sin(seed * (i + 1))) },
  asked: { type: 'int64', dims: [1], data: BigInt64Array.of(4n) },
}));

/** Reshape to a shape that is put together. */
const reshaped = (b: ModelBuilder, x: string, ...parts: readonly string[]): string =>
  b.node('Reshape', [x, b.node('Concat', parts, { axis: 0 })]);

testCases('Expand', {
  'of pixels that were pooled': free(imageNet(chain(op('GlobalMaxPool'), expand(1, 1, 6, 6)))),
  'that names the channels': free(imageNet(expand(1, 8, 6, 6))),
  'that names only the last axes': free(imageNet(chain(op('GlobalMaxPool'), expand(6, 6)))),
  'that adds axes in front': free(featureNet(chain(expand(3, 1, 8), op('Tanh')))),
  'that names a batch': free(imageNet(expand(2, 8, 1, 1), { batch: 1 })),
  // Every channel is a copy: those that its readers do not want need not be made.
  'of one channel to six': found(imageNet(stretched(1, 6, 1, 1), { read: 6 }), 'first 8', 'one 1', 'last 6'),
  'of a constant to the channels': found(
    imageNet((b, x) => b.node('Add', [x, expand(1, 8, 6, 6)(b, b.weight('bias', [1, 1, 1, 1]))])),
    'first 8',
  ),
  'of a constant that has the channels': free(
    imageNet((b, x) => b.node('Add', [x, expand(2, 8, 6, 6)(b, b.weight('bias', [8, 1, 1]))])),
  ),
  'to a shape that is computed': found(
    imageNet((b, x) => b.node('Expand', [b.node('GlobalMaxPool', [x]), lengths(b, 'image', 0, 1, 2, 3)]), {
      channels: 3,
    }),
    'first 3',
  ),
  'to a shape that is computed from what it stretches': free(
    imageNet((b, x) => b.node('Expand', [b.node('GlobalMaxPool', [x]), b.node('Shape', [x])])),
  ),
  'to a length that is an input': {
    ...free(
      featureNet((b, x) => b.node('Expand', [x, b.node('Concat', [asked(b), integers(b, [1, 1])], { axis: 0 })])),
    ),
    options: { feeds: FEEDS },
  },
  'of channels to a length that is an input': {
    ...held(
      featureNet(
        chain(
          (b, x) =>
            b.node('Unsqueeze', [b.node('ReduceSum', [x, integers(b, [1])], { keepdims: 0 }), integers(b, [1])]),
          (b, x) => b.node('Expand', [x, b.node('Concat', [integers(b, [1]), asked(b)], { axis: 0 })]),
        ),
        { read: 4 },
      ),
      /x/,
    ),
    groups: ['first 8'],
    refusals: {},
    options: { feeds: FEEDS },
  },
});

const HALF = { value: { tensor: { dtype: 'float32', dims: [1], values: [0.5] } } } as const;

/** Halves, as many rows and columns as come at run time. */
const filled = (b: ModelBuilder): string =>
  b.node('ConstantOfShape', [b.node('Concat', [asked(b), b.input('wide', 'int64', [1])], { axis: 0 })], HALF);

const FILLED = FEEDS.map(({ rows }) => ({
  rows,
  asked: { type: 'int64', dims: [1], data: BigInt64Array.of(1n) },
  wide: { type: 'int64', dims: [1], data: BigInt64Array.of(8n) },
}));

testCases('ConstantOfShape', {
  // 2 · 8 · 26 · 26 numbers, more than folding writes out.
  'whose constant is too long to be written out': free(
    imageNet(
      (b, x) => {
        return b.node('Mul', [x, b.node('ConstantOfShape', [integers(b, [2, 8, 26, 26])], HALF)]);
      },
      { batch: 2, size: 26 },
    ),
  ),
  // Of whatever length it is: the file says that it is one row for all samples.
  'of lengths that are inputs, and said to be known': {
    ...free(featureNet((b, x) => b.node('Mul', [x, b.valueInfo(filled(b), 'float32', [1, 8])]))),
    options: { feeds: FILLED },
  },
  'of lengths that are inputs': {
    ...held(
      featureNet((b, x) => b.node('Mul', [x, filled(b)])),
      /the length of an axis it is tied to is unknown/,
    ),
    options: { feeds: FILLED },
  },
});

testCases('Size', {
  'of channels': held(
    imageNet((b, x) => b.node('Div', [x, b.node('Cast', [b.node('Size', [x])], { to: 1 })])),
    /its length is read by Size/,
  ),
});

/** A list of one number, the length of another input. */
const count = (b: ModelBuilder, symbol: string): string => b.node('Shape', [b.input('other', 'float32', [symbol])]);

testCases('Tile', {
  'of pixels': free(imageNet(tile(1, 1, 2, 1))),
  'of nothing, all repeats are 1': free(imageNet(tile(1, 1, 1, 1))),
  'of the batch': free(featureNet(tile(2, 1))),
  // Position i and its copies are made by the same channel.
  'of channels': found(imageNet(tile(1, 3, 1, 1), { read: 24 }), 'first 8'),
  'of channels, of which a part is read': found(
    imageNet(
      chain(tile(1, 2, 1, 1), (b, x) => b.node('Slice', [x, ...[[4], [14], [1]].map((each) => integers(b, each))])),
      {
        read: 10,
      },
    ),
    'first 8',
  ),
  'of one channel': found(
    imageNet(
      chain((b, x) => b.node('Conv', [x, b.weight('one', [1, 8, 1, 1])]), tile(1, 6, 1, 1)),
      { read: 6 },
    ),
    'first 8',
    'one 1',
  ),
  'of keys and values, for groups of queries': found(
    tokenNet(
      chain(tile(1, 1, 2), (b, x) => b.node('MatMul', [x, b.weight('second', [16, 6], { fanIn: 16 })])),
      {
        read: 6,
      },
    ),
    'first 8',
    'second 6',
  ),
  'by repeats that are computed': held(
    featureNet((b, x) => b.node('Tile', [x, b.node('Concat', [asked(b), integers(b, [1])], { axis: 0 })])),
    /the length of an axis it is tied to is unknown/,
  ),
  'by repeats that are computed for the batch': {
    ...free(
      featureNet((b, x) => b.node('Tile', [x, b.node('Concat', [count(b, 'M'), integers(b, [1])], { axis: 0 })])),
    ),
    options: { symbols: { M: 3 } },
  },
  'by repeats that are computed for channels': {
    ...held(
      featureNet((b, x) => b.node('Tile', [x, b.node('Concat', [integers(b, [1]), asked(b)], { axis: 0 })]), {
        read: 32,
      }),
      /the repeats of Tile are computed at run time/,
    ),
    options: { feeds: FEEDS },
  },
  'by repeats that are computed as a whole': {
    ...held(
      featureNet((b, x) => b.node('Tile', [x, b.node('Shape', [b.input('other', 'float32', ['M', 1])])])),
      /the repeats of Tile are computed at run time/,
    ),
    options: { symbols: { M: 3 } },
  },
});

testCases('Shape', {
  'of which the batch is picked': free(imageNet((b, x) => reshaped(b, x, lengths(b, x, 0), integers(b, [8, 6, 6])))),
  'of which the pixels are picked': free(
    imageNet((b, x) => reshaped(b, x, lengths(b, x, 0), integers(b, [-1]), lengths(b, x, 2, 3)), { size: 6 }),
  ),
  'of which the channels are picked, and known': free(
    imageNet((b, x) => reshaped(b, x, lengths(b, x, 0, 1), integers(b, [6, 6]))),
  ),
  'of which the batch and the channels are multiplied': held(
    imageNet((b, x) => {
      const count = b.node('ReduceProd', [lengths(b, x, 0, 1)], { keepdims: 0 });
      return b.node('Div', [x, b.node('Cast', [count], { to: 1 })]);
    }),
    /its length is read by Shape/,
  ),
  'of which the batch and the pixels are multiplied': free(
    imageNet((b, x) => {
      const count = b.node('ReduceProd', [lengths(b, x, 0, -1)], { keepdims: 0 });
      return b.node('Div', [x, b.node('Cast', [count], { to: 1 })]);
    }),
  ),
  'of which the batch is cut out, which is not known': free(
    imageNet((b, x) => {
      const count = b.node('Slice', [b.node('Shape', [x]), integers(b, [0]), integers(b, [1])]);
      return b.node('Div', [x, b.node('Cast', [count], { to: 1 })]);
    }),
  ),
  'of which the batch is cut out in opset 9': free(
    imageNet(
      (b, x) => {
        const count = b.node('Slice', [b.node('Shape', [x])], { starts: [-4], ends: [-3] });
        return b.node('Div', [x, b.node('Cast', [count], { to: 1 })]);
      },
      { opset: 9 },
    ),
  ),
  'of which the batch and the channels are cut out': held(
    imageNet((b, x) => {
      const part = b.node('Slice', [b.node('Shape', [x]), integers(b, [0]), integers(b, [-2])]);
      return b.node('Div', [x, b.node('Cast', [b.node('ReduceProd', [part], { keepdims: 0 })], { to: 1 })]);
    }),
    /its length is read by Shape/,
  ),
  'of which every second length is cut out from the end': held(
    imageNet((b, x) => {
      const bounds = [[3], [-5], [0], [-2]].map((each) => integers(b, each));
      const part = b.node('Slice', [b.node('Shape', [x]), ...bounds]);
      return b.node('Div', [x, b.node('Cast', [b.node('ReduceProd', [part], { keepdims: 0 })], { to: 1 })]);
    }),
    /its length is read by Shape/,
  ),
  'of which a part is cut out': free(
    imageNet((b, x) =>
      reshaped(b, x, b.node('Slice', [b.node('Shape', [x]), integers(b, [0]), integers(b, [2])]), integers(b, [6, 6])),
    ),
  ),
  'that starts and ends within': free(
    imageNet((b, x) => reshaped(b, x, b.node('Shape', [x], { start: 0, end: -2 }), integers(b, [6, 6]))),
  ),
});
