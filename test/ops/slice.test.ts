import type { ModelBuilder } from '../support/build.ts';
import { type Case, found, free, held, testCases } from './cases.ts';
import { imageNet, integers, type Middle } from './nets.ts';

const HUGE = 2 ** 31 - 1;

interface Window {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly axes?: readonly number[];
  readonly steps?: readonly number[];
}

/** A Slice whose bounds are inputs. */
const slice =
  ({ starts, ends, axes, steps }: Window): Middle =>
  (b, x) => {
    const optional = [axes, steps].map((values) => (values === undefined ? '' : integers(b, values)));
    while (optional.at(-1) === '') optional.pop();
    return b.node('Slice', [x, integers(b, starts), integers(b, ends), ...optional]);
  };

/** The two halves of a Slice pair, swapped and joined. */
const halves =
  (one: Window, two: Window): Middle =>
  (b, x) =>
    b.node('Concat', [slice(two)(b, x), b.node('Tanh', [slice(one)(b, x)])], { axis: 1 });

/** The number `value`, computed out of an input. */
function axisAtRunTime(b: ModelBuilder, value: number): string {
  const drawn = b.node('Cast', [b.node('ReduceSum', [b.input('switch', 'float32', [1])], { keepdims: 1 })], { to: 7 });
  return b.node('Add', [b.node('Mul', [drawn, integers(b, [0])]), integers(b, [value])]);
}

const slicedAtRunTime =
  (axis: number): Middle =>
  (b, x) =>
    b.node('Slice', [x, axisAtRunTime(b, 0), integers(b, [8]), integers(b, [axis])]);

/** From a place that follows from the length of another input. */
const slicedByLength =
  (axis: number): Middle =>
  (b, x) => {
    const length = b.node('Shape', [b.input('other', 'float32', ['S'])]);
    return b.node('Slice', [x, b.node('Sub', [length, length]), integers(b, [8]), integers(b, [axis])]);
  };

testCases('Slice', {
  'of the channels in two halves': found(
    imageNet(halves({ starts: [0], ends: [3], axes: [1] }, { starts: [3], ends: [HUGE], axes: [1] })),
    'first 3',
    'first 5',
  ),
  'with negative bounds and axes': found(
    imageNet(halves({ starts: [-8], ends: [-5], axes: [-3] }, { starts: [-5], ends: [8], axes: [1] })),
    'first 3',
    'first 5',
  ),
  'that overlap': found(
    imageNet(halves({ starts: [0], ends: [5], axes: [1] }, { starts: [3], ends: [8], axes: [1] }), { read: 10 }),
    'first 3',
    'first 2',
    'first 3',
  ),
  'by attributes in opset 9': found(
    imageNet(
      (b, x) => {
        const part = (from: number, to: number): string =>
          b.node('Slice', [x], { starts: [from], ends: [to], axes: [1] });
        return b.node('Concat', [part(6, 8), b.node('Tanh', [part(0, 6)])], { axis: 1 });
      },
      { opset: 9 },
    ),
    'first 6',
    'first 2',
  ),
  'of several axes, channels among them': found(
    imageNet(slice({ starts: [1, 2, 0], ends: [5, 7, -1], axes: [2, 1, 3] }), { read: 5 }),
    'first 3',
    'first 5',
  ),
  'of all axes because none are given': found(
    imageNet(slice({ starts: [0, 1, 0], ends: [HUGE, -1, HUGE] }), { read: 6 }),
    'first 2',
    'first 6',
  ),
  'of pixels in steps': free(imageNet(slice({ starts: [0, 5], ends: [HUGE, -HUGE], axes: [2, 3], steps: [2, -1] }))),
  'by bounds of type int32': found(
    imageNet(
      (b, x) => {
        const [starts, ends, axes] = [2, 7, 1].map((value, i) => b.constant(`bound${i}`, 'int32', [1], [value]));
        return b.node('Slice', [x, starts ?? '', ends ?? '', axes ?? '']);
      },
      { read: 5 },
    ),
    'first 3',
    'first 5',
  ),
  'by a start and an end that are one constant': found(
    imageNet((b, x) => {
      const four = integers(b, [4]);
      const [one, two] = [
        b.node('Slice', [x, integers(b, [0]), four, integers(b, [1])]),
        b.node('Slice', [x, four, integers(b, [8]), integers(b, [1])]),
      ];
      return b.node('Concat', [two, b.node('Neg', [one])], { axis: 1 });
    }),
    'first 4',
    'first 4',
  ),
  'of channels in steps': held(
    imageNet(slice({ starts: [0], ends: [8], axes: [1], steps: [2] }), { read: 4 }),
    /Slice takes it in steps/,
  ),
  'of channels backwards': held(
    imageNet(slice({ starts: [7], ends: [-HUGE], axes: [1], steps: [-1] })),
    /Slice takes it in steps/,
  ),
  'of pixels by bounds that are lengths': free(imageNet(slicedByLength(2))),
  'of channels by bounds that are lengths': held(
    imageNet(slicedByLength(1)),
    /Slice cuts it where is not known before the model runs/,
  ),
  'of channels by bounds that come at run time': held(
    imageNet(slicedAtRunTime(1)),
    /Slice cuts it where is not known before the model runs/,
  ),
  'along axes that come at run time': held(
    imageNet((b, x) => b.node('Slice', [x, integers(b, [0]), integers(b, [2 ** 31]), axisAtRunTime(b, 2)])),
    /the axes of Slice are computed at run time/,
  ),
});

/** Pads of a four-dimensional value: before and after each axis. */
const pad =
  (pads: readonly number[], mode = 'constant', value?: number): Middle =>
  (b, x) =>
    b.node(
      'Pad',
      [x, integers(b, pads), ...(value === undefined ? [] : [b.constant('fill', 'float32', [], [value])])],
      { mode },
    );

const onChannels = [0, 2, 0, 0, 0, 1, 0, 0];
const onPixels = [0, 0, 1, 2, 0, 0, 0, 1];
const reader = { read: 11 };

testCases('Pad', {
  'of pixels': free(imageNet(pad(onPixels))),
  'of pixels by attribute in opset 7': free(
    imageNet((b, x) => b.node('Pad', [x], { pads: onPixels, value: { float: 0.5 } }), { opset: 7 }),
  ),
  'of pixels by reflection': free(imageNet(pad(onPixels, 'reflect'))),
  'of pixels at the edge': free(imageNet(pad(onPixels, 'edge'))),
  'of pixels by chosen axes': free(
    imageNet((b, x) => b.node('Pad', [x, integers(b, [1, 0, 2, 1]), '', integers(b, [-1, 2])]), { opset: 18 }),
  ),
  // The new positions hold a constant and only "last" reads them, so they may leave too.
  'of channels': found(imageNet(pad(onChannels), reader), 'first 8', 'last 3'),
  'of channels with a number': found(imageNet(pad(onChannels, 'constant', 0.7), reader), 'first 8', 'last 3'),
  'of channels by attribute in opset 7': found(
    imageNet((b, x) => b.node('Pad', [x], { pads: onChannels, value: { float: 0.7 } }), { ...reader, opset: 7 }),
    'first 8',
    'last 3',
  ),
  'of channels and pixels by chosen axes': found(
    imageNet((b, x) => b.node('Pad', [x, integers(b, [2, 1, 1, 0]), '', integers(b, [1, 3])]), {
      opset: 18,
      ...reader,
    }),
    'first 8',
    'last 3',
  ),
  'of channels, added to channels that are real': found(
    imageNet((b, x) => {
      const wide = b.node('Conv', [x, b.weight('second', [11, 8, 1, 1])]);
      return b.node('Add', [wide, pad(onChannels)(b, x)]);
    }, reader),
    'first 8',
    'second 3',
  ),
  'of channels by reflection': held(
    imageNet(pad(onChannels, 'reflect'), reader),
    /Pad repeats or drops positions of it/,
  ),
  'that drops channels': held(
    imageNet(pad([0, -1, 0, 0, 0, 0, 0, 0]), { read: 7 }),
    /Pad repeats or drops positions of it/,
  ),
});

/** Every second channel of a Slice over pixels, padded: how ResNet's parameter-free shortcut is exported. */
const shortcut: Case = found(
  imageNet(
    (b, x) => {
      const wide = b.node('Conv', [x, b.weight('second', [16, 8, 3, 3])], { pads: [1, 1, 1, 1], strides: [2, 2] });
      const narrow = slice({ starts: [0, 0], ends: [HUGE, HUGE], axes: [2, 3], steps: [2, 2] })(b, x);
      return b.node('Relu', [b.node('Add', [wide, pad([0, 4, 0, 0, 0, 4, 0, 0])(b, narrow)])]);
    },
    { read: 16 },
  ),
  'first 8',
  'second 8',
);

// The runtime infers no shape behind its own Pad, so that the file has to say it.
testCases("Pad of the runtime's own domain", {
  'of channels': found(
    imageNet(
      (b, x) => {
        const padded = b.node('Pad', [x, integers(b, onChannels)], {}, { domain: 'com.microsoft' });
        return b.valueInfo(padded, 'float32', ['N', 11, 6, 6]);
      },
      { ...reader, domains: { 'com.microsoft': 1 } },
    ),
    'first 8',
    'last 3',
  ),
});

testCases('shortcuts without parameters', { 'Slice and Pad': shortcut });
