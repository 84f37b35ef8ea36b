import type { Attributes, ModelBuilder } from '../support/build.ts';
import { normals } from '../support/random.ts';
import { type Case, found, free, held, testCases } from './cases.ts';
import { imageNet, integers, type Middle, type NetOptions } from './nets.ts';

const contrib = { domains: { 'com.microsoft': 1 } };

/** Samples at places that come at run time. */
const gridSample =
  (attributes: Attributes = {}, domain = ''): Middle =>
  (b, x) =>
    b.node('GridSample', [x, b.input('grid', 'float32', ['N', 4, 5, 2])], attributes, { domain });

/** A volume: pixels of the image laid out in three dimensions. */
const inVolume =
  (middle: Middle): Middle =>
  (b, x) => {
    const volume = b.node('Reshape', [x, integers(b, [0, 0, 3, 2, 6])]);
    return b.node('Reshape', [middle(b, volume), integers(b, [0, 0, 4, 5])]);
  };

testCases('GridSample', {
  'at places that come at run time passes channels': free(imageNet(gridSample())),
  'nearest, in opset 20': free(
    imageNet(gridSample({ mode: 'nearest', align_corners: 1 }), { opset: 20, irVersion: 9 }),
  ),
  "of the runtime's own domain": free(imageNet(gridSample({ padding_mode: 'border' }, 'com.microsoft'), contrib)),
  'in volumes': free(
    imageNet(
      inVolume((b, x) => b.node('GridSample', [x, b.input('grid', 'float32', ['N', 2, 2, 5, 3])])),
      { opset: 20, irVersion: 9 },
    ),
  ),
  'at places that a layer makes': found(
    imageNet((b, x) => {
      const flow = b.node('Conv', [x, b.weight('flow', [2, 8, 1, 1])]);
      return b.node('GridSample', [x, b.node('Transpose', [b.node('Tanh', [flow])], { perm: [0, 2, 3, 1] })]);
    }),
    'first 8',
  ),
  'at places on a grid that AffineGrid makes of the shape': free(
    imageNet(
      (b, x) => {
        const grid = b.node('AffineGrid', [b.input('theta', 'float32', ['N', 2, 3]), b.node('Shape', [x])]);
        return b.node('GridSample', [x, grid]);
      },
      { opset: 20, irVersion: 9 },
    ),
  ),
  'of which the channels are places': {
    net: imageNet((b, x) =>
      b.node('GridSample', [
        b.node('Neg', [x]),
        b.node('Transpose', [b.node('Slice', [x, ...[[0], [2], [1]].map((each) => integers(b, each))])], {
          perm: [0, 2, 3, 1],
        }),
      ]),
    ),
    groups: ['first 6'],
    refusals: { first: /it says where GridSample looks/ },
  },
});

/** Boxes [count, 4] of images of `size` pixels a side. */
const boxes = (b: ModelBuilder, size: number): string =>
  b.constant(
    'boxes',
    'float32',
    [3, 4],
    [0, 0, 0.9, 0.9, 0.2, 0.1, 0.7, 0.8, 0.4, 0, 1, 0.5].map((at) => at * size),
  );

const picked = (b: ModelBuilder, type: 'int64' | 'int32' = 'int64'): string =>
  b.constant('samples', type, [3], [0, 1, 1]);

const size = { output_height: 2, output_width: 3 };

const onTwo = (middle: Middle, options: NetOptions = {}): Case => free(imageNet(middle, { batch: 2, ...options }));

/** Boxes of four pixels a side, from a corner that comes at run time. */
function openBoxes(b: ModelBuilder): string {
  const corner = b.node('Abs', [b.input('corner', 'float32', [3, 2])]);
  const far = b.node('Add', [corner, b.constant('side', 'float32', [], [4])]);
  return b.node('Concat', [corner, far], { axis: 1 });
}

testCases('boxes cut out of images pass channels', {
  'RoiAlign in opset 10': onTwo((b, x) => b.node('RoiAlign', [x, boxes(b, 6), picked(b)], size), { opset: 10 }),
  'RoiAlign in opset 16': onTwo(
    (b, x) => b.node('RoiAlign', [x, boxes(b, 6), picked(b)], { ...size, mode: 'max', sampling_ratio: 2 }),
    { opset: 16 },
  ),
  'RoiAlign at boxes that come at run time': onTwo((b, x) =>
    b.node('RoiAlign', [x, openBoxes(b), b.input('samples', 'int64', [3])], size),
  ),
  MaxRoiPool: onTwo((b, x) =>
    b.node('MaxRoiPool', [x, b.constant('boxes', 'float32', [2, 5], [0, 0, 0, 4, 4, 1, 1, 2, 5, 5])], {
      pooled_shape: [2, 2],
    }),
  ),
  // The runtime infers no shape behind this operator, so that the file has to say it.
  CropAndResize: onTwo((b, x) => {
    const inputs = [x, boxes(b, 1), picked(b, 'int32'), b.constant('size', 'int32', [2], [3, 3])];
    const crops = b.node('CropAndResize', inputs, {}, { domain: 'com.microsoft' });
    return b.valueInfo(crops, 'float32', [3, 8, 3, 3]);
  }, contrib),
});

/** Patches of 2 × 2 pixels laid back into an image: [N, 8, 6, 6] → [N, 2 · 4, 36] → [N, 2, …]. */
const col2Im = (channels: number, dims: readonly [number, number]): Middle => {
  return (b, x) => {
    const columns = b.node('Reshape', [x, integers(b, [0, 8, 36])]);
    return b.node('Col2Im', [columns, integers(b, dims), integers(b, [2, 8 / channels / 2])], { dilations: [1, 1] });
  };
};

const FEEDS = [1, 2].map((seed) => ({
  image: { type: 'float32', dims: [1, 3, 6, 6], data: normals(108, seed) },
  sides: { type: 'int64', dims: [2], data: BigInt64Array.of(7n, 7n) },
}));

testCases('Col2Im', {
  'lays back the patches of each channel': found(imageNet(col2Im(2, [7, 7]), { opset: 18, read: 2 }), 'first 2'),
  'whose image shape comes at run time': {
    ...found(
      imageNet(
        (b, x) => {
          const columns = b.node('Reshape', [x, integers(b, [0, 8, 36])]);
          return b.node('Col2Im', [columns, b.input('sides', 'int64', [2]), integers(b, [2, 2])]);
        },
        { opset: 18, read: 2 },
      ),
      'first 2',
    ),
    options: { feeds: FEEDS },
  },
});

const center =
  (shape: readonly number[], axes?: readonly number[]): Middle =>
  (b, x) =>
    b.node('CenterCropPad', [x, integers(b, shape)], axes === undefined ? {} : { axes });

const opset18 = { opset: 18 };

testCases('CenterCropPad', {
  'of pixels': free(imageNet(center([4, 9], [2, 3]), opset18)),
  'of pixels by negative axes': free(imageNet(center([9, 3], [-1, -2]), opset18)),
  'that names the channels as they are': free(imageNet(center([8, 4, 9], [1, 2, 3]), opset18)),
  'of all axes': free(imageNet(center([2, 8, 4, 9]), { ...opset18, batch: 2 })),
  'of channels': held(
    imageNet(center([6], [1]), { ...opset18, read: 6 }),
    /CenterCropPad cuts or pads it evenly on both sides/,
  ),
  'of channels into more': held(
    imageNet(center([11], [-3]), { ...opset18, read: 11 }),
    /CenterCropPad cuts or pads it evenly on both sides/,
  ),
});
