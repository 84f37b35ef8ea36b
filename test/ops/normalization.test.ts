import type { Attributes, ModelBuilder, ModelOptions } from '../support/build.ts';
import { type Case, found, free, held, testCases } from './cases.ts';
import { featureNet, imageNet, op, tokenNet } from './nets.ts';

const scaleAndShift = (b: ModelBuilder): string[] => [b.vector('scale', 8, { positive: true }), b.vector('shift', 8)];

const batchNorm = (options: ModelOptions, attributes: Attributes = {}): Case =>
  free(
    imageNet(
      op('BatchNormalization', attributes, (b) => [
        ...scaleAndShift(b),
        b.vector('mean', 8),
        b.vector('variance', 8, { positive: true }),
      ]),
      options,
    ),
  );

/** onnxruntime infers no shape behind this operator, so that the file has to say it. */
const meanVariance = (attributes: Attributes): ModelBuilder =>
  imageNet((b, x) => b.valueInfo(b.node('MeanVarianceNormalization', [x], attributes), 'float32', ['N', 8, 6, 6]));

testCases('normalizations per channel', {
  'MeanVarianceNormalization, whose shape only a run tells': free(imageNet(op('MeanVarianceNormalization'))),
  'BatchNormalization in opset 7': batchNorm({ opset: 7 }),
  'BatchNormalization in opset 9': batchNorm({ opset: 9 }),
  'BatchNormalization in opset 14': batchNorm({ opset: 14 }, { training_mode: 0 }),
  'BatchNormalization in opset 15': batchNorm({ opset: 15 }, { epsilon: { float: 0.01 } }),
  'BatchNormalization of features': free(
    featureNet(
      op('BatchNormalization', {}, (b) => [
        ...scaleAndShift(b),
        b.vector('mean', 8),
        b.vector('variance', 8, { positive: true }),
      ]),
    ),
  ),
  InstanceNormalization: free(imageNet(op('InstanceNormalization', {}, scaleAndShift))),
  'MeanVarianceNormalization over pixels': free(meanVariance({ axes: [2, 3] })),
  'MeanVarianceNormalization over the batch too': free(meanVariance({})),
});

/** GroupNormalization of 8 channels, its scale and shift `length` long. */
const groupNorm = (groups: number, length: number, opset: number): ModelBuilder =>
  imageNet(
    op('GroupNormalization', { num_groups: groups }, (b) => [
      b.vector('scale', length, { positive: true }),
      b.vector('shift', length),
    ]),
    { opset, irVersion: 8 },
  );

testCases('GroupNormalization loses whole groups', {
  'of two channels in opset 18, scaled per group': found(groupNorm(4, 4, 18), 'first 4'),
  'of four channels in opset 18': found(groupNorm(2, 2, 18), 'first 2'),
  'of one channel in opset 18': found(groupNorm(8, 8, 18), 'first 8'),
  'of two channels in opset 21, scaled per channel': found(groupNorm(4, 8, 21), 'first 4'),
  'of four channels in opset 21': found(groupNorm(2, 8, 21), 'first 2'),
  'and none where all channels are one group': held(groupNorm(1, 1, 18), /GroupNormalization mixes its channels/),
  'and none where all channels are one group, in opset 21': held(
    groupNorm(1, 8, 21),
    /GroupNormalization mixes its channels/,
  ),
  'of tokens, features in front': found(
    tokenNet(
      (b, x) => {
        const turned = b.node('Transpose', [x], { perm: [0, 2, 1] });
        const scale = b.vector('scale', 8, { positive: true });
        const normal = b.node('GroupNormalization', [turned, scale, b.vector('shift', 8)], { num_groups: 4 });
        return b.node('Transpose', [normal], { perm: [0, 2, 1] });
      },
      { opset: 21 },
    ),
    'first 4',
  ),
  'and holds what it takes statistics over': held(
    tokenNet(
      op('GroupNormalization', { num_groups: 2 }, (b) => [b.vector('scale', 6), b.vector('shift', 6)]),
      { opset: 21 },
    ),
    /GroupNormalization takes its statistics over it/,
  ),
});

testCases('LpNormalization is a sum', {
  'over channels, p 2': free(imageNet(op('LpNormalization', { axis: 1, p: 2 }))),
  'over channels, p 1': free(imageNet(op('LpNormalization', { axis: 1, p: 1 }))),
  'over features by a negative axis': free(tokenNet(op('LpNormalization', { axis: -1 }))),
  'over pixels': free(imageNet(op('LpNormalization'))),
});

const softmax = (opset: number, attributes: Attributes, opType = 'Softmax') =>
  imageNet(op(opType, attributes), { opset });

testCases('Softmax', {
  'over pixels since opset 13': free(softmax(13, { axis: 3 })),
  'over pixels by default since opset 13': free(softmax(17, {})),
  'over channels': held(softmax(17, { axis: 1 }), /Softmax mixes its channels/),
  'over channels by a negative axis': held(softmax(17, { axis: -3 }), /Softmax mixes its channels/),
  'from channels on before opset 13': held(softmax(11, { axis: 1 }), /Softmax mixes its channels/),
  'from channels on by default before opset 13': held(softmax(11, {}), /Softmax mixes its channels/),
  'from pixels on before opset 13': free(softmax(11, { axis: 2 })),
  'of tokens, over positions only since opset 13': free(tokenNet(op('Softmax', { axis: 1 }))),
  'of tokens, over positions and features before opset 13': held(
    tokenNet(op('Softmax', { axis: 1 }), { opset: 11 }),
    /Softmax mixes its channels/,
  ),
  'LogSoftmax over channels': held(softmax(17, { axis: 1 }, 'LogSoftmax'), /LogSoftmax mixes/),
  'Hardmax over channels': held(softmax(17, { axis: 1 }, 'Hardmax'), /Hardmax mixes/),
  'Hardmax over pixels': free(softmax(17, { axis: 3 }, 'Hardmax')),
});

testCases('normalizations that mix channels hold them', {
  LayerNormalization: held(
    tokenNet(op('LayerNormalization', {}, scaleAndShift)),
    /LayerNormalization mixes its channels/,
  ),
  'LayerNormalization without shift': held(
    tokenNet(op('LayerNormalization', {}, (b) => [b.vector('scale', 8)])),
    /LayerNormalization mixes/,
  ),
  'LayerNormalization over channels and pixels': held(
    imageNet(op('LayerNormalization', { axis: 1 }, (b) => [b.weight('scale', [8, 6, 6])])),
    /LayerNormalization mixes/,
  ),
  'LayerNormalization whose statistics are read': held(
    tokenNet((b, x) => {
      const [y = '', mean = ''] = b.nodes('LayerNormalization', [x, ...scaleAndShift(b)], 2);
      return b.node('Add', [y, mean]);
    }),
    /LayerNormalization/,
  ),
  LRN: held(imageNet(op('LRN', { size: 3 })), /LRN mixes its channels/),
  'MeanVarianceNormalization over channels': held(meanVariance({ axes: [0, 1, 2, 3] }), /mixes its channels/),
  'BatchNormalization in training mode': held(
    imageNet(
      (b, x) =>
        b.nodes(
          'BatchNormalization',
          [x, ...scaleAndShift(b), b.vector('mean', 8), b.vector('variance', 8, { positive: true })],
          3,
          { training_mode: 1 },
        )[0] ?? '',
    ),
    /training mode/,
  ),
});

testCases('LayerNormalization over other axes passes channels', {
  'over pixels': free(imageNet(op('LayerNormalization', { axis: 2 }, (b) => [b.weight('scale', [6, 6])]))),
  'over the last axis of an image': free(
    imageNet(op('LayerNormalization', { axis: -1 }, (b) => [b.vector('scale', 6), b.vector('shift', 6)])),
  ),
});
