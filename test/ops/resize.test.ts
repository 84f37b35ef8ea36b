import type { Attributes, ModelBuilder } from '../support/build.ts';
import { free, held, testCases } from './cases.ts';
import { imageNet, integers, type Middle } from './nets.ts';

const floats = (b: ModelBuilder, name: string, values: readonly number[]): string =>
  b.constant(name, 'float32', [values.length], values);

/** Resize since opset 11, by scales. */
const byScales =
  (scales: readonly number[], attributes: Attributes = {}): Middle =>
  (b, x) =>
    b.node('Resize', [x, '', floats(b, 'scales', scales)], attributes);

/** Resize since opset 11, by sizes. */
const bySizes =
  (sizes: readonly number[], attributes: Attributes = {}): Middle =>
  (b, x) =>
    b.node('Resize', [x, '', '', integers(b, sizes)], attributes);

testCases('Resize', {
  'in opset 10': free(imageNet((b, x) => b.node('Resize', [x, floats(b, 'scales', [1, 1, 2, 2])]), { opset: 10 })),
  'by scales in opset 11': free(
    imageNet((b, x) => b.node('Resize', [x, floats(b, 'roi', []), floats(b, 'scales', [1, 1, 2, 2])]), { opset: 11 }),
  ),
  'by scales in opset 13': free(imageNet(byScales([1, 1, 2, 0.5], { mode: 'linear' }), { opset: 13 })),
  // The batch is fixed, because sizes name it too.
  'by sizes in opset 13': free(batchOf2(bySizes([2, 8, 9, 12], { mode: 'nearest' }), 13)),
  'by sizes of chosen axes in opset 18': free(imageNet(bySizes([9, 12], { axes: [2, 3] }), { opset: 18 })),
  'by sizes of chosen axes, channels among them': free(imageNet(bySizes([9, 8], { axes: [-1, 1] }), { opset: 18 })),
  'by scales of chosen axes in opset 18': free(imageNet(byScales([2, 3], { axes: [2, 3] }), { opset: 18 })),
  'by sizes that keep the aspect': free(
    imageNet(bySizes([9, 12], { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' }), { opset: 18 }),
  ),
  'of what no axis changes': free(imageNet(byScales([1, 1, 1, 1]))),
  'Upsample in opset 7': free(
    imageNet((b, x) => b.node('Upsample', [x], { scales: { floats: [1, 1, 2, 2] } }), { opset: 7 }),
  ),
  'Upsample in opset 9': free(
    imageNet((b, x) => b.node('Upsample', [x, floats(b, 'scales', [1, 1, 2, 2])]), { opset: 9 }),
  ),
  'by sizes that two nodes share': free(
    batchOf2((b, x) => {
      const sizes = integers(b, [2, 8, 9, 12]);
      const [one, two] = [
        b.node('Resize', [x, '', '', sizes]),
        b.node('Resize', [b.node('Tanh', [x]), '', '', sizes], { mode: 'linear' }),
      ];
      return b.node('Add', [one, two]);
    }),
  ),
});

testCases('Resize that holds channels', {
  'because it makes more of them': held(imageNet(byScales([1, 2, 1, 1]), { read: 16 }), /Resize resamples it/),
  'because a scale resamples them into as many': held(
    imageNet(byScales([1, 1.1, 1, 1], { mode: 'nearest' })),
    /Resize resamples it/,
  ),
  'because a crop takes them from other places': held(
    imageNet((b, x) =>
      b.node('Resize', [x, floats(b, 'roi', [0, 0.5, 0, 0, 1, 1, 1, 1]), floats(b, 'scales', [1, 1, 1, 1])], {
        coordinate_transformation_mode: 'tf_crop_and_resize',
        mode: 'linear',
      }),
    ),
    /Resize resamples it/,
  ),
});

/** The image net with a batch of 2. */
function batchOf2(middle: Middle, opset = 17): ModelBuilder {
  return imageNet(middle, { opset, batch: 2 });
}
