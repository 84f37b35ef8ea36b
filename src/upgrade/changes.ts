import { axesToInput, countToInput, fourierAxisToInput, sliceToInputs, splitEqually, splitToInput } from './axes.ts';
import { boundsToInputs, padsToInputs } from './bounds.ts';
import { type Change, refuse } from './change.ts';
import {
  evenPadding,
  interpolationNames,
  scatterToElements,
  unshiftedRegions,
  withoutNegatives,
  withoutOverhang,
} from './conditions.ts';
import { resizeByPosition, resizeWithoutEmpty, scalesToInput, upsampleToResize } from './resizing.ts';
import { oneAxis } from './softmax.ts';
import { inferenceOnly, spatialOnly, withoutMask, withoutRatio } from './training.ts';

/**
 * Operators whose definition changed without changing what a node written before means: new types, new attributes or
 * inputs whose default is what was, indices and axes that may be negative, shapes that may differ, and words.
 * Source: ONNX, docs/Changelog.md, the texts of every two versions compared.
 */
const SAME: Readonly<Record<number, string>> = {
  8: 'Max MaxPool Mean Min Sum',
  9: 'Cast Constant Flatten Gemm Greater Less MatMul PRelu',
  10: 'AveragePool MaxPool',
  11: `ArgMax ArgMin AveragePool Compress Concat Constant Conv DepthToSpace Equal Flatten Gather Gemm Hardmax If
    LogSoftmax Loop LpPool MaxPool MaxUnpool NonMaxSuppression ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax
    ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Scan Slice Softmax Split Squeeze TopK Unsqueeze`,
  12: 'ArgMax ArgMin Clip Constant GatherND Max MaxPool Min Pow ReduceMax ReduceMin',
  13: `Abs Add ArgMax ArgMin Cast Ceil Clip Concat Constant DepthToSpace DequantizeLinear Div Dropout Equal Erf Exp Expand
    Flatten Floor Gather GatherElements GatherND Gemm Greater Identity If IsNaN LRN Less Log Loop MatMul Max Mean
    MeanVarianceNormalization Min Mod Mul Neg NegativeLogLikelihoodLoss NonZero Pad Pow QuantizeLinear Reciprocal
    ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSumSquare Relu
    Reshape ScatterElements ScatterND Shape Sigmoid Sign Size Slice SoftmaxCrossEntropyLoss SpaceToDepth Sqrt Sub Sum
    Tanh Tile Transpose`,
  14: 'Add CumSum Div GRU Identity LSTM Mul RNN Relu Reshape Sub',
  15: 'BatchNormalization Pow Shape',
  16: 'GreaterOrEqual Identity If LeakyRelu LessOrEqual Loop PRelu Scan ScatterElements ScatterND Where',
  18: 'LpPool OptionalGetElement OptionalHasElement Pad Resize ScatterElements ScatterND',
  19: `Cast CastLike Constant DequantizeLinear Equal Identity If Loop Pad QuantizeLinear Reshape Resize Scan Shape Size`,
  20: 'ConstantOfShape IsInf IsNaN ReduceMax ReduceMin',
  21: `Cast CastLike Constant ConstantOfShape DequantizeLinear Flatten Identity If Loop Pad QLinearMatMul QuantizeLinear
    Reshape Scan Shape Size Squeeze Transpose Unsqueeze`,
};

/** Operators whose nodes have to be rewritten or looked at, by the operator set that changed them. */
const CHANGES: Readonly<Record<number, Readonly<Record<string, Change>>>> = {
  9: {
    BatchNormalization: spatialOnly,
    Scan: () => refuse('its batches and lengths of sequences, inputs of their own, went there'),
    Upsample: scalesToInput,
  },
  10: { Dropout: withoutMask, Slice: sliceToInputs, TopK: countToInput, Upsample: upsampleToResize },
  11: {
    Clip: boundsToInputs,
    ConvTranspose: evenPadding,
    OneHot: withoutNegatives,
    Pad: padsToInputs,
    Resize: resizeByPosition,
    Scatter: scatterToElements,
  },
  12: { Dropout: withoutRatio },
  13: {
    Hardmax: oneAxis,
    LogSoftmax: oneAxis,
    ReduceSum: axesToInput,
    Resize: resizeWithoutEmpty,
    Softmax: oneAxis,
    Split: splitToInput,
    Squeeze: axesToInput,
    Unsqueeze: axesToInput,
  },
  14: { BatchNormalization: inferenceOnly },
  16: { RoiAlign: unshiftedRegions },
  18: {
    ...Object.fromEntries(
      ['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'SumSquare'].map((what) => [
        `Reduce${what}`,
        axesToInput,
      ]),
    ),
    Split: splitEqually,
  },
  19: { AveragePool: withoutOverhang },
  20: { DFT: fourierAxisToInput, GridSample: interpolationNames },
  21: { GroupNormalization: () => refuse('scale and bias are for each channel there, not for each group') },
};

const unchanged: Change = () => undefined;

const SAME_SETS = new Map(
  Object.entries(SAME).map(([version, names]) => [Number(version), new Set(names.split(/\s+/))]),
);

/**
 * How a node is brought over the change that an operator set made to its operator; undefined where that is not understood,
 * as of all changes up to operator set 7.
 */
export function changeOf(operator: string, version: number): Change | undefined {
  return CHANGES[version]?.[operator] ?? (SAME_SETS.get(version)?.has(operator) ? unchanged : undefined);
}
