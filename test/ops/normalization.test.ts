import type { Attributes, ModelBuilder, ModelOptions } from '../support/build.ts';
import { type Case, free, held, testCases } from './cases.ts';
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
