import type { ModelBuilder } from '../support/build.ts';
import { type Case, found, free, held, testCases } from './cases.ts';
import { featureNet, imageNet, integers, type Middle, type NetOptions, op, tokenNet } from './nets.ts';

const topK =
  (k: number, attributes = {}): Middle =>
  (b, x) =>
    b.nodes('TopK', [x, integers(b, [k])], 2, attributes)[0] ?? '';

/** What the largest are, times where they are. */
const withPlaces: Middle = (b, x) => {
  const [values = '', places = ''] = b.nodes('TopK', [x, integers(b, [3])], 2, { axis: 2 });
  return b.node('Mul', [values, b.node('Cast', [places], { to: 1 })]);
};

testCases('TopK', {
  'of pixels passes channels': free(imageNet(topK(4))),
  'of pixels by a negative axis': free(imageNet(topK(3, { axis: -2, largest: 0 }))),
  'of which the places are read': free(imageNet(withPlaces)),
  'in opset 9, when k was an attribute': free(
    imageNet((b, x) => b.nodes('TopK', [x], 2, { axis: 3, k: 2 })[0] ?? '', { opset: 9 }),
  ),
  'in opset 24': free(imageNet(topK(4), { opset: 24, irVersion: 10 })),
  'of channels': held(imageNet(topK(8, { axis: 1 })), /TopK takes the largest positions of it/),
  'of features by the default axis': held(featureNet(topK(5), { read: 5 }), /TopK takes the largest positions of it/),
});

const axisInput =
  (opType: string, axis: number, attributes = {}): Middle =>
  (b, x) =>
    b.node(opType, [x, integers(b, [axis], [])], attributes);

testCases('CumSum', {
  'over pixels passes channels': free(imageNet(axisInput('CumSum', 2))),
  'over channels, which is a sum': free(imageNet(axisInput('CumSum', 1))),
  'over channels by a negative axis': free(imageNet(axisInput('CumSum', -3))),
  'over channels from the end, without the last': free(imageNet(axisInput('CumSum', 1, { reverse: 1, exclusive: 1 })), {
    // Of a single channel nothing is left without the last.
    amount: 0.5,
  }),
  'over the axis that comes at run time': held(
    imageNet((b, x) => b.node('CumSum', [x, b.input('axis', 'int64', [])])),
    /the axis of CumSum is computed at run time/,
  ),
});

const opset26: NetOptions = { opset: 26, irVersion: 10 };

testCases('CumProd', {
  'over pixels passes channels': free(imageNet(axisInput('CumProd', 2), opset26)),
  'over channels': held(
    imageNet(axisInput('CumProd', 1), opset26),
    /CumProd over it would give another result without a position/,
  ),
  'over the axis that comes at run time': held(
    imageNet((b, x) => b.node('CumProd', [x, b.input('axis', 'int64', [])]), opset26),
    /the axis of CumProd is computed at run time/,
  ),
});

const lengths = (b: ModelBuilder): string[] => [b.input('lengths', 'int64', ['N'])];

testCases('ReverseSequence', {
  'of steps passes features': free(tokenNet(op('ReverseSequence', { batch_axis: 0, time_axis: 1 }, lengths))),
  'of steps that come first': free(
    tokenNet((b, x) => {
      const turned = b.node('Transpose', [x], { perm: [1, 0, 2] });
      return b.node('Transpose', [b.node('ReverseSequence', [turned, ...lengths(b)])], { perm: [1, 0, 2] });
    }),
  ),
  'of features': held(
    tokenNet((b, x) => {
      const turned = b.node('Transpose', [x], { perm: [0, 2, 1] });
      const reversed = b.node('ReverseSequence', [turned, ...lengths(b)], { batch_axis: 0, time_axis: 1 });
      return b.node('Transpose', [reversed], { perm: [0, 2, 1] });
    }),
    /ReverseSequence turns it round/,
  ),
});

/** The spectrum of each channel of an image along its rows, its real and imaginary parts added. */
const spectrum =
  (transform: (b: ModelBuilder, x: string) => string): Middle =>
  (b, x) => {
    const parts = transform(b, b.node('Unsqueeze', [x, integers(b, [4])]));
    return b.node('ReduceSum', [parts, integers(b, [-1])], { keepdims: 0 });
  };

const dft = (axis: number, options: NetOptions): ModelBuilder =>
  imageNet(
    spectrum((b, x) =>
      (options.opset ?? 17) < 20 ? b.node('DFT', [x], { axis }) : b.node('DFT', [x, '', integers(b, [axis], [])]),
    ),
    options,
  );

testCases('DFT', {
  'along pixels in opset 17': free(dft(2, { opset: 17 })),
  'along pixels in opset 20': free(dft(3, { opset: 20, irVersion: 9 })),
  'along the default axis in opset 20': free(
    imageNet(
      spectrum((b, x) => b.node('DFT', [x])),
      { opset: 20, irVersion: 9 },
    ),
  ),
  'along channels in opset 17': held(dft(1, { opset: 17 }), /DFT transforms it as a whole/),
  'along the default axis in opset 17': held(
    imageNet(
      spectrum((b, x) => b.node('DFT', [x])),
      { opset: 17 },
    ),
    /DFT transforms it as a whole/,
  ),
  'of channels that are real and imaginary parts': held(
    tokenNet((b, x) => b.node('DFT', [x], { axis: 1 }), { channels: 2 }),
    /it holds real and imaginary parts/,
  ),
});

/** The largest pixel of every row, marked. */
const marked =
  (axis: number): Middle =>
  (b, x) => {
    const largest = b.node('ArgMax', [x], { axis: 3, keepdims: 0 });
    const values = b.constant('values', 'float32', [2], [0.25, 1]);
    return b.node('OneHot', [largest, integers(b, [6], []), values], { axis });
  };

testCases('OneHot', {
  'of pixels passes channels': free(imageNet((b, x) => b.node('Mul', [x, marked(-1)(b, x)]))),
  'with classes in front of the pixels': free(
    imageNet((b, x) => b.node('Mul', [x, b.node('Transpose', [marked(2)(b, x)], { perm: [0, 1, 3, 2] })])),
  ),
  'with classes in front of the channels': free(
    imageNet((b, x) => {
      const last = b.node('Transpose', [x], { perm: [0, 2, 3, 1] });
      const largest = b.node('ArgMax', [last], { axis: 1, keepdims: 0 });
      const values = b.constant('values', 'float32', [2], [0.25, 1]);
      const marks = b.node('OneHot', [largest, integers(b, [6], []), values], { axis: 1 });
      return b.node('Mul', [x, b.node('Transpose', [marks], { perm: [0, 3, 1, 2] })]);
    }),
  ),
  'whose classes are channels': held(
    imageNet((b, x) => {
      const largest = b.node('ArgMax', [b.input('scores', 'float32', ['N', 5])], { axis: 1, keepdims: 0 });
      const values = b.constant('values', 'float32', [2], [0.25, 1]);
      const marks = b.node('OneHot', [largest, integers(b, [8], []), values], { axis: 1 });
      return b.node('Mul', [x, b.node('Unsqueeze', [marks, integers(b, [2, 3])])]);
    }),
    /OneHot has a position for each class along it/,
  ),
});

const unfold = (dim: number): Case =>
  found(
    tokenNet(
      (b, x) => {
        const windows = b.node('UnfoldTensor', [x], { dim, size: 3, step: 1 }, { domain: 'com.microsoft' });
        return b.node('ReduceSum', [windows, integers(b, [3])], { keepdims: 0 });
      },
      { domains: { 'com.microsoft': 1 } },
    ),
    'first 8',
  );

testCases('UnfoldTensor', {
  'of steps passes features': unfold(1),
  'of features': held(
    tokenNet(
      (b, x) => {
        const windows = b.node('UnfoldTensor', [x], { size: 2, step: 2 }, { domain: 'com.microsoft' });
        return b.node('ReduceSum', [windows, integers(b, [3])], { keepdims: 0 });
      },
      { domains: { 'com.microsoft': 1 }, read: 4 },
    ),
    /UnfoldTensor cuts it into windows/,
  ),
});
