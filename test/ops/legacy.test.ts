import type { Attributes, ModelBuilder } from '../support/build.ts';
import { type Case, found, free, held, testCases } from './cases.ts';
import { imageNet, integers, op } from './nets.ts';

/** These operators were experimental up to ONNX 1.4, whose last operator set was 8. */
const old = { opset: 7 };

const numbers: Attributes = { alpha: { float: 0.7 }, beta: { float: 1.3 } };

const element = (opType: string, attributes: Attributes = numbers): Case => free(imageNet(op(opType, attributes), old));

testCases('experimental operators of old files pass channels', {
  Affine: element('Affine'),
  ParametricSoftplus: element('ParametricSoftplus'),
  ScaledTanh: element('ScaledTanh'),
  Scale: element('Scale', { scale: { float: 0.5 } }),
  'ThresholdedRelu, which stayed': element('ThresholdedRelu', { alpha: { float: 0.1 } }),
  'ImageScaler, whose biases are an attribute': element('ImageScaler', {
    scale: { float: 0.5 },
    bias: { floats: [1, -2, 3, -4, 5, -6, 7, -8] },
  }),
  'Crop, of whose result the file tells the shape': free(
    imageNet((b, x) => b.valueInfo(b.node('Crop', [x], { border: [1, 0, 2, 1] }), 'float32', ['N', 8, 5, 3]), old),
  ),
  'Crop whose result has a shape that only a run tells': free(imageNet(op('Crop', { border: [1, 0, 2, 1] }), old)),
  'MeanVarianceNormalization of each channel': free(meanVariance(0)),
  'MeanVarianceNormalization across channels': held(meanVariance(1), /MeanVarianceNormalization mixes its channels/),
  'DynamicSlice, of whose result the file tells the shape': found(
    imageNet(
      (b, x) => {
        const part = b.node('DynamicSlice', [x, ...[[2], [7], [1]].map((each) => integers(b, each))]);
        return b.valueInfo(part, 'float32', ['N', 5, 6, 6]);
      },
      { ...old, read: 5 },
    ),
    'first 3',
    'first 5',
  ),
});

function meanVariance(across: number): ModelBuilder {
  return imageNet(op('MeanVarianceNormalization', { across_channels: across, normalize_variance: 1 }), old);
}
