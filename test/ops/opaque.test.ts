import type { ModelBuilder } from '../support/build.ts';
import { type Case, type Cases, held, testCases } from './cases.ts';
import { featureNet, imageNet, integers, type Middle, type NetOptions } from './nets.ts';

const contrib: NetOptions = { domains: { 'com.microsoft': 1 } };
const ours = { domain: 'com.microsoft' };

/** What is made of the features is added to them as one number, so that it reaches the output. */
const aside =
  (make: (b: ModelBuilder, x: string) => string): Middle =>
  (b, x) => {
    const made = b.node('Cast', [make(b, x)], { to: 1 });
    return b.node('Add', [x, b.node('ReduceSum', [made], { keepdims: 0 })]);
  };

/** `opType` reads the features, and the weight that makes them stays for this reason. */
const reads = (opType: string, reason: RegExp, others: (b: ModelBuilder) => readonly string[] = () => []): Case =>
  held(featureNet(aside((b, x) => b.node(opType, [x, ...others(b)]))), reason);

/** A constant as long as the features, that the operator makes out of a length which comes at run time. */
const FEEDS = [1, 2].map((seed) => ({
  rows: { type: 'float32', dims: [2, 5], data: Float32Array.from({ length: 10 }, (_, i) => Math.cos(seed * (i + 1))) },
  length: { type: 'int64', dims: [], data: BigInt64Array.of(8n) },
}));

const makes = (make: (b: ModelBuilder, length: string) => string, type: 'int64' | 'float32' = 'float32'): Case => ({
  ...held(
    featureNet((b, x) => {
      const made = b.valueInfo(make(b, b.input('length', 'int64', [])), type, [8]);
      return b.node('Mul', [x, b.node('Cast', [made], { to: 1 })]);
    }),
    /makes it out of a length/,
  ),
  options: { feeds: FEEDS },
});

testCases('operators through which nothing is followed say why', {
  NonZero: reads('NonZero', /NonZero gives out places in it/),
  Unique: reads('Unique', /Unique compares all of it with one another/),
  "Unique of the runtime's own domain": held(
    featureNet(
      aside(
        (b, x) =>
          b.nodes('Unique', [b.node('ReduceSum', [x, integers(b, [0])], { keepdims: 0 })], 3, {}, ours)[0] ?? '',
      ),
      contrib,
    ),
    /Unique compares all of it with one another/,
  ),
  NonMaxSuppression: held(
    // The columns of an image are as long as the four numbers of a box.
    imageNet(
      (b, x) => {
        const boxes = b.node('ReduceSum', [x, integers(b, [2])], { keepdims: 0 });
        const scores = b.node('ReduceSum', [boxes, integers(b, [2])], { keepdims: 0 });
        const inputs = [boxes, b.node('Unsqueeze', [scores, integers(b, [1])]), integers(b, [3])];
        const picked = b.node('Cast', [b.node('NonMaxSuppression', inputs)], { to: 1 });
        return b.node('Add', [x, b.node('ReduceSum', [picked], { keepdims: 0 })]);
      },
      { size: 4 },
    ),
    /NonMaxSuppression compares all of it with one another/,
  ),
  NGramRepeatBlock: held(
    featureNet(
      (b, x) => b.node('NGramRepeatBlock', [b.input('ids', 'int64', ['N', 4]), x], { ngram_size: 2 }, ours),
      contrib,
    ),
    /NGramRepeatBlock compares all of it with one another/,
  ),
  DynamicTimeWarping: held(
    featureNet(
      aside((b, x) => b.node('DynamicTimeWarping', [x], {}, ours)),
      contrib,
    ),
    /DynamicTimeWarping compares all of it with one another/,
  ),
  MaxUnpool: held(
    imageNet(
      (b, x) => {
        const pooled = b.node('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
        const everyFourth = Array.from({ length: 72 }, (_, i) => i * 4);
        const places = integers(b, everyFourth, [1, 8, 3, 3]);
        return b.node('MaxUnpool', [pooled, places], { kernel_shape: [2, 2], strides: [2, 2] });
      },
      { batch: 1 },
    ),
    /MaxUnpool puts elements in places that count across channels/,
  ),
  AffineGrid: held(
    featureNet(
      (b, x) => {
        const theta = b.node('Reshape', [x, integers(b, [-1, 2, 3])]);
        const grid = b.node('AffineGrid', [theta, integers(b, [2, 1, 2, 2])]);
        return b.node('Reshape', [grid, integers(b, [2, 8])]);
      },
      { opset: 20, irVersion: 9, channels: 6, read: 8 },
    ),
    /AffineGrid makes places in an image out of it/,
  ),
  STFT: held(
    featureNet(
      aside((b, x) =>
        b.node('STFT', [b.node('Unsqueeze', [x, integers(b, [2])]), integers(b, [2], []), b.weight('window', [4])]),
      ),
    ),
    /STFT cuts a signal into frames along it/,
  ),
  Range: makes((b, length) => b.node('Range', [integers(b, [0], []), length, integers(b, [1], [])]), 'int64'),
  EyeLike: reads('EyeLike', /EyeLike makes it out of a length/),
  BlackmanWindow: makes((b, length) => b.node('BlackmanWindow', [length])),
  HammingWindow: makes((b, length) => b.node('HammingWindow', [length])),
  HannWindow: makes((b, length) => b.node('HannWindow', [length])),
  Multinomial: reads('Multinomial', /Multinomial draws random numbers/),
  ...Object.fromEntries(['RandomNormalLike', 'RandomUniformLike'].map((opType) => [opType, random(opType)])),
  ...lists(),
  Optional: held(
    featureNet((b, x) => b.node('OptionalGetElement', [b.node('Optional', [x])])),
    /Optional keeps it as an optional value, which is not followed/,
  ),
  TfIdfVectorizer: held(
    featureNet(
      (b, x) =>
        b.node('TfIdfVectorizer', [b.node('Cast', [x], { to: 6 })], {
          max_gram_length: 1,
          max_skip_count: 0,
          min_gram_length: 1,
          mode: 'TF',
          ngram_counts: [0],
          ngram_indexes: [0, 1],
          pool_int64s: [0, 1],
        }),
      { read: 2 },
    ),
    /TfIdfVectorizer works on text/,
  ),
  NegativeLogLikelihoodLoss: held(
    featureNet((b, x) => {
      const loss = b.node('NegativeLogLikelihoodLoss', [x, b.input('classes', 'int64', ['N'])]);
      return b.node('Add', [x, loss]);
    }),
    /NegativeLogLikelihoodLoss measures it against classes/,
  ),
});

/** Draws as many numbers as there are features; times 0, so that two runs are alike. */
function random(opType: string): Case {
  return held(
    featureNet((b, x) =>
      b.node('Add', [x, b.node('Mul', [b.node(opType, [x]), b.constant('nothing', 'float32', [], [0])])]),
    ),
    new RegExp(`${opType} draws random numbers, which fall otherwise for another length`),
  );
}

/** The features in a list of tensors, and out again. */
function lists(): Cases {
  const listed = (make: (b: ModelBuilder, x: string) => string, read: number, reason: string): Case =>
    held(
      featureNet((b, x) => b.valueInfo(make(b, x), 'float32', ['N', read]), { read }),
      new RegExp(`${reason} keeps it in a list of tensors`),
    );
  const first = (b: ModelBuilder, list: string): string => b.node('SequenceAt', [list, integers(b, [0], [])]);
  return {
    'SequenceConstruct and SequenceAt': listed(
      (b, x) => first(b, b.node('SequenceConstruct', [x, b.node('Tanh', [x])])),
      8,
      'SequenceConstruct',
    ),
    SequenceInsert: listed(
      (b, x) => first(b, b.node('SequenceInsert', [b.node('SequenceEmpty', []), x])),
      8,
      'SequenceInsert',
    ),
    SplitToSequence: listed(
      (b, x) => first(b, b.node('SplitToSequence', [x, integers(b, [4], [])], { axis: 1 })),
      4,
      'SplitToSequence',
    ),
    ConcatFromSequence: listed(
      (b, x) => b.node('ConcatFromSequence', [b.node('SequenceConstruct', [x, x])], { axis: 1 }),
      16,
      'SequenceConstruct',
    ),
  };
}
