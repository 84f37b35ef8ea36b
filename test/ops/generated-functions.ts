import type { Attributes } from '../support/build.ts';
import {
  type Build,
  conv,
  faint,
  fresh,
  gated,
  type Image,
  integers,
  like,
  next,
  ours,
  pick,
  type State,
  scalar,
  tame,
  weight,
} from './generated-parts.ts';

/** Functions of one number, and the operator set that they came with, newest first. */
const FUNCTIONS: Readonly<Record<string, number>> = {
  Gelu: 20,
  Mish: 18,
  OptionalGetElement: 18,
  ...Object.fromEntries(
    ['Abs', 'Acos', 'Asin', 'Asinh', 'Atan', 'Atanh', 'Celu', 'Cos', 'Cosh', 'Elu', 'Erf', 'Exp', 'HardSigmoid']
      .concat([
        'HardSwish',
        'LeakyRelu',
        'Log',
        'Neg',
        'Reciprocal',
        'Relu',
        'Selu',
        'Shrink',
        'Sigmoid',
        'Sin',
        'Sinh',
      ])
      .concat(['Softplus', 'Softsign', 'Sqrt', 'Tan', 'Tanh', 'ThresholdedRelu', 'Identity', 'Dropout'])
      .map((opType) => [opType, opType === 'HardSwish' ? 14 : 7]),
  ),
};

const STEPS = ['Ceil', 'Floor', 'Round', 'Sign', 'IsInf', 'IsNaN'] as const;
const OF_MANY = ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min', 'Sum', 'Mean'] as const;
const COMPARISONS = ['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'] as const;
const LOGIC = ['And', 'Or', 'Xor'] as const;
const BITS = ['BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'BitwiseNot'] as const;
const REDUCTIONS = ['ReduceSum', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare', 'ReduceLogSum', 'ReduceMean'].concat([
  'ReduceMax',
  'ReduceMin',
  'ReduceProd',
  'ReduceLogSumExp',
]);
const ACTIVATIONS = ['Gelu', 'FastGelu', 'BiasGelu', 'QuickGelu'] as const;

/** INT32 and UINT8 of TensorProto.DataType. */
const TO = { float: 1, uint8: 2, int32: 6 } as const;

/** One of a list, by both numbers of a layer. */
const one = <T>(list: readonly T[], { a, b }: { a: number; b: number }): T => {
  const chosen = list[(a * 8 + b) % list.length];
  if (chosen === undefined) throw new Error('the list is empty');
  return chosen;
};

/** Numbers for every channel, from a reduction over pixels. */
function overPixels(s: State, x: Image, opType: string, attributes: Attributes = {}): string {
  const data = tame(s, x.name);
  const asInput = s.opset >= (opType === 'ReduceSum' ? 13 : 18);
  return asInput
    ? s.b.node(opType, [data, integers(s, [2, 3])], attributes)
    : s.b.node(opType, [data], { axes: [2, 3], ...attributes });
}

/** Functions of elements, of several operands, and of all pixels of a channel. */
export const FUNCTION_LAYERS: Readonly<Record<string, Build>> = {
  anyFunction: (s, x, layer) => {
    const known = Object.entries(FUNCTIONS).filter(([, since]) => since <= s.opset);
    const [opType] = one(known, layer);
    return next(x, s.b.node(opType, [tame(s, x.name)]));
  },
  acosh: (s, x) => next(x, s.b.node('Acosh', [s.b.node('Add', [tame(s, x.name), scalar(s, 1)])])),
  anyStep: (s, x, layer) => faint(s, x, s.b.node(one(STEPS, layer), [x.name])),
  clip: (s, x) => next(x, s.b.node('Clip', [x.name, scalar(s, -1), scalar(s, 1)])),
  ofTwo: (s, x, layer) => {
    const other = like(s, pick(s, layer.with), x);
    return next(x, s.b.node(one(OF_MANY, layer), [tame(s, x.name), tame(s, other.name)]));
  },
  modulo: (s, x, layer) =>
    faint(s, x, s.b.node('Mod', [x.name, tame(s, like(s, pick(s, layer.with), x).name)], { fmod: 1 })),
  compared: (s, x, layer) => {
    const other = like(s, pick(s, layer.with), x);
    const test = s.b.node(one(COMPARISONS, layer), [x.name, other.name]);
    return faint(s, x, s.b.node(one(LOGIC, layer), [test, s.b.node('Not', [test])]));
  },
  bits: (s, x, layer) => {
    if (s.opset < 18) return x;
    const [opType, whole] = [one(BITS, layer), s.b.node('Cast', [x.name], { to: TO.int32 })];
    return faint(s, x, s.b.node(opType, opType === 'BitwiseNot' ? [whole] : [whole, whole]));
  },
  shiftedBits: (s, x, { b }) => {
    const whole = s.b.node('Cast', [tame(s, x.name)], { to: TO.uint8 });
    const by = s.b.constant(fresh(s, 'by'), 'uint8', [], [1]);
    return faint(s, x, s.b.node('BitShift', [whole, by], { direction: b % 2 === 0 ? 'LEFT' : 'RIGHT' }));
  },
  castLike: (s, x, layer) => (s.opset < 15 ? x : next(x, s.b.node('CastLike', [x.name, pick(s, layer.with).name]))),
  bitCast: (s, x) =>
    s.opset < 26
      ? x
      : next(x, s.b.node('BitCast', [s.b.node('BitCast', [x.name], { to: TO.int32 })], { to: TO.float })),
  ownActivation: (s, x, layer) => {
    const opType = one(ACTIVATIONS, layer);
    if (opType !== 'BiasGelu') return next(x, s.b.node(opType, [x.name], {}, ours));
    // Its bias lies along the last axis.
    const last = s.b.node('Transpose', [x.name], { perm: [0, 2, 3, 1] });
    const active = s.b.node(opType, [last, weight(s, [x.channels])], {}, ours);
    return next(x, s.b.node('Transpose', [active], { perm: [0, 3, 1, 2] }));
  },
  reduced: (s, x, layer) => gated(s, x, overPixels(s, x, one(REDUCTIONS, layer))),
  largest: (s, x, { a, b }) =>
    faint(s, x, s.b.node(a % 2 === 0 ? 'ArgMax' : 'ArgMin', [x.name], { axis: 2 + (b % 2) })),
  pooled: (s, x, layer) => {
    // The runtime has no kernel for GlobalLpPool of opset 22.
    const opTypes = ['GlobalMaxPool', 'GlobalAveragePool', ...(s.opset < 22 ? ['GlobalLpPool'] : [])];
    return gated(s, x, s.b.node(one(opTypes, layer), [x.name]));
  },
  lpPool: (s, x) => next(x, s.b.node('LpPool', [x.name], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })),
  logSoftmax: (s, x, { b }) => next(x, s.b.node('LogSoftmax', [x.name], { axis: 1 + (b % 3) })),
  hardmax: (s, x, { b }) => faint(s, x, s.b.node('Hardmax', [x.name], { axis: 1 + (b % 3) })),
  localResponse: (s, x) => next(x, s.b.node('LRN', [x.name], { size: 3 })),
  meanVariance: (s, x, { b }) => {
    if (x.side < 2) return x;
    // It divides by the deviation alone, so that pixels must differ.
    const uneven = s.b.node('Add', [x.name, s.b.weight(fresh(s, 'uneven'), [x.side, x.side], { std: 2 })]);
    const name = s.b.node('MeanVarianceNormalization', [uneven], { axes: b % 4 === 0 ? [1, 2, 3] : [2, 3] });
    return next(x, s.b.valueInfo(name, 'float32', [s.batch, x.channels, x.side, x.side]));
  },
  groupNormalization: (s, x, { b }) => {
    if (s.opset < 18) return x;
    const groups = [4, 3, 2, 1].find((count) => x.channels % count === 0 && count <= 1 + (b % 4)) ?? 1;
    const length = s.opset < 21 ? groups : x.channels;
    const inputs = [x.name, weight(s, [length]), weight(s, [length])];
    return next(x, s.b.node('GroupNormalization', inputs, { num_groups: groups }));
  },
  rootMeanSquare: (s, x) => {
    if (s.opset < 23) return x;
    const last = s.b.node('Transpose', [x.name], { perm: [0, 2, 3, 1] });
    const normal = s.b.node('RMSNormalization', [last, weight(s, [x.channels])]);
    return next(x, s.b.node('Transpose', [normal], { perm: [0, 3, 1, 2] }));
  },
  quantized: (s, x) => {
    const step = scalar(s, 0.05);
    const zero = s.b.constant(fresh(s, 'zero'), 'int8', [], [3]);
    return faint(s, x, s.b.node('DequantizeLinear', [s.b.node('QuantizeLinear', [x.name, step, zero]), step, zero]));
  },
  quantizedWeight: (s, x, { a }) => {
    const count = (2 + a) * x.channels;
    const values = Array.from({ length: count }, () => s.random.below(255) - 127);
    const whole = s.b.constant(fresh(s, 'q'), 'int8', [2 + a, x.channels, 1, 1], values);
    const steps = s.b.weight(fresh(s, 'steps'), [2 + a], { positive: true, std: 0.001 });
    const real = s.b.node('DequantizeLinear', [whole, steps], { axis: 0 });
    return next(x, s.b.node('Mul', [s.b.node('Conv', [x.name, real]), scalar(s, 0.01)]), { channels: 2 + a });
  },
  binarized: (s, x) => {
    const features = s.b.node('Flatten', [s.b.node('GlobalMaxPool', [x.name])]);
    const above = s.b.node('Binarizer', [features], { threshold: { float: 0.1 } }, { domain: 'ai.onnx.ml' });
    return faint(s, x, s.b.node('Reshape', [above, integers(s, [0, x.channels, 1, 1])]));
  },
  sized: (s, x) => faint(s, x, s.b.node('Size', [x.name])),
  squeezed: (s, x) => {
    const apart = s.b.node('Unsqueeze', [x.name, integers(s, [2])]);
    return next(x, s.b.node('Squeeze', [s.b.node('Tanh', [apart]), integers(s, [2])]));
  },
  expandedDims: (s, x, { b }) => {
    const axis = s.b.constant(fresh(s, 'axis'), 'int32', [], [b % 5]);
    const apart = s.b.node('ExpandDims', [x.name, axis], {}, ours);
    return next(x, s.b.node('Squeeze', [s.b.node('Tanh', [apart]), integers(s, [b % 5])]));
  },
  fusedConv: (s, x, { a, b }) => {
    const channels = 2 + a;
    const added = b % 2 === 0 ? [] : [conv(s, x, channels).name];
    const inputs = [x.name, weight(s, [channels, x.channels, 1, 1]), weight(s, [channels]), ...added];
    return next(x, s.b.node('FusedConv', inputs, { activation: 'Relu' }, ours), { channels });
  },
};
