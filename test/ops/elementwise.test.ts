import type { ModelBuilder, ModelOptions } from '../support/build.ts';
import { type Case, type Cases, found, free, held, testCases } from './cases.ts';
import { chain, featureNet, imageNet, type Middle, op, tokenNet } from './nets.ts';

/** FLOAT, UINT8, INT32, BOOL and DOUBLE of TensorProto.DataType. */
const TO = { float: 1, uint8: 2, int32: 6, bool: 9, double: 11 } as const;

const each = (opTypes: readonly string[], make: (opType: string) => Case): Cases =>
  Object.fromEntries(opTypes.map((opType) => [opType, make(opType)]));

/** Sigmoid before, so that every function is defined. */
const unary = (opType: string, options: ModelOptions = {}): Case =>
  free(imageNet(chain(op('Sigmoid'), op(opType)), options));

testCases('functions of one element', {
  ...each(
    [
      'Abs',
      'Acos',
      'Asin',
      'Asinh',
      'Atan',
      'Atanh',
      'Celu',
      'Cos',
      'Cosh',
      'Elu',
      'Erf',
      'Exp',
      'HardSigmoid',
      'HardSwish',
      'LeakyRelu',
      'Log',
      'Neg',
      'Reciprocal',
      'Relu',
      'Selu',
      'Sigmoid',
      'Sin',
      'Sinh',
      'Softplus',
      'Softsign',
      'Sqrt',
      'Tan',
      'Tanh',
    ],
    unary,
  ),
  ...each(['Ceil', 'Floor', 'Round', 'Sign'], (opType) => free(imageNet(op(opType)))),
  Acosh: free(imageNet(chain(op('Sigmoid'), op('Exp'), op('Acosh')))),
  Shrink: free(imageNet(op('Shrink', { lambd: { float: 0.3 }, bias: { float: 0.1 } }))),
  ThresholdedRelu: free(imageNet(op('ThresholdedRelu', { alpha: { float: 0.2 } }))),
  Mish: unary('Mish', { opset: 18 }),
  Gelu: unary('Gelu', { opset: 20 }),
  Swish: unary('Swish', { opset: 24, irVersion: 10 }),
  'Elu in opset 7': unary('Elu', { opset: 7 }),
  ...each(['IsInf', 'IsNaN'], (opType) =>
    free(imageNet((b, x) => b.node('Add', [x, b.node('Cast', [b.node(opType, [x])], { to: TO.float })]))),
  ),
});

testCases(
  "functions of onnxruntime's own domain",
  each(['Gelu', 'FastGelu', 'QuickGelu'], (opType) =>
    free(imageNet((b, x) => b.node(opType, [x], {}, { domain: 'com.microsoft' }), { domains: { 'com.microsoft': 1 } })),
  ),
);

testCases('functions with a vector of their own', {
  BiasGelu: free(
    tokenNet((b, x) => b.node('BiasGelu', [x, b.vector('bias', 8)], {}, { domain: 'com.microsoft' }), {
      domains: { 'com.microsoft': 1 },
    }),
  ),
  'FastGelu with a bias': free(
    tokenNet((b, x) => b.node('FastGelu', [x, b.vector('bias', 8)], {}, { domain: 'com.microsoft' }), {
      domains: { 'com.microsoft': 1 },
    }),
  ),
});

/** `opType` of two branches of their own, whose channels are then one group. */
const ofTwo = (opType: string, attributes = {}): Case =>
  found(
    imageNet(
      (b, x) => {
        const [left, right] = ['left', 'right'].map((name) =>
          b.node('Sigmoid', [b.node('Conv', [x, b.weight(name, [6, 8, 1, 1]), b.vector(`${name}_bias`, 6)])]),
        );
        return b.node(opType, [left ?? '', right ?? ''], attributes);
      },
      { read: 6 },
    ),
    'first 8',
    'left 6',
  );

testCases('two operands leave together', {
  ...each(['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min', 'Sum', 'Mean'], (opType) => ofTwo(opType)),
  Mod: ofTwo('Mod', { fmod: 1 }),
  'a residual block': found(
    imageNet((b, x) =>
      b.node('Add', [
        b.node('Relu', [b.node('Conv', [x, b.weight('second', [8, 8, 3, 3])], { pads: [1, 1, 1, 1] })]),
        x,
      ]),
    ),
    'first 8',
  ),
  'Sum of three': found(
    imageNet((b, x) => b.node('Sum', [x, b.node('Conv', [x, b.weight('second', [8, 8, 1, 1])]), b.node('Tanh', [x])])),
    'first 8',
  ),
});

const compared = (opType: string, options: ModelOptions = {}): Case =>
  free(
    imageNet(
      (b, x) => b.node('Add', [x, b.node('Cast', [b.node(opType, [x, b.node('Neg', [x])])], { to: TO.float })]),
      options,
    ),
  );

/** `opType` on elements cast to another type, and back. */
const asType = (to: keyof typeof TO, opType: string, options: ModelOptions = {}): Case =>
  free(
    imageNet((b, x) => {
      const scaled = b.node('Mul', [b.node('Sigmoid', [x]), b.constant('twenty', 'float32', [], [20])]);
      const cast = b.node('Cast', [to === 'bool' ? x : scaled], { to: TO[to] });
      const shifts = b.node('Cast', [b.node('Sigmoid', [x])], { to: TO[to] });
      const result = b.node(
        opType,
        opType.endsWith('Not') ? [cast] : [cast, shifts],
        opType === 'BitShift' ? { direction: 'LEFT' } : {},
      );
      return b.node('Add', [x, b.node('Cast', [result], { to: TO.float })]);
    }, options),
  );

testCases('comparisons, logic and bits', {
  ...each(['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'], (opType) => compared(opType)),
  ...each(['And', 'Or', 'Xor', 'Not'], (opType) => asType('bool', opType)),
  BitShift: asType('uint8', 'BitShift'),
  ...each(['BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'BitwiseNot'], (opType) => asType('int32', opType, { opset: 18 })),
});

const withConstant = (dims: readonly number[], opType = 'Add', size = 6): Case =>
  free(imageNet((b, x) => b.node(opType, [x, b.weight('constant', dims, { std: 0.5 })]), { size }));

testCases('constants broadcast', {
  '[C, 1, 1]': withConstant([8, 1, 1]),
  '[1, C, 1, 1]': withConstant([1, 8, 1, 1], 'Mul'),
  '[]': withConstant([], 'Mul'),
  '[1]': withConstant([1], 'Sub'),
  '[1, 1, 1]': withConstant([1, 1, 1]),
  '[W]': withConstant([6]),
  '[H, W]': withConstant([6, 6], 'Mul'),
  '[C, H, W]': withConstant([8, 6, 6]),
  '[C, H, W] where all lengths are equal': withConstant([8, 8, 8], 'Add', 8),
  '[W] as long as there are channels': withConstant([8], 'Add', 8),
  '[C, 1, 1] on the left': free(imageNet((b, x) => b.node('Sub', [b.weight('constant', [8, 1, 1]), x]))),
  'of higher rank than the activation': found(
    imageNet((b, x) => {
      const y = b.node('Mul', [x, b.weight('constant', [1, 1, 8, 1, 1], { std: 0.5 })]);
      return b.node('Squeeze', [y, b.constant('axes', 'int64', [1], [0])]);
    }),
    'first 8',
  ),
  'a gate of one channel': found(
    imageNet((b, x) => b.node('Mul', [x, b.node('Sigmoid', [b.node('Conv', [x, b.weight('gate', [1, 8, 1, 1])])])])),
    'first 8',
    'gate 1',
  ),
});

/** PRelu with a slope of these dims. */
const prelu = (dims: readonly number[], size = 6, opset = 17): Case =>
  free(imageNet((b, x) => b.node('PRelu', [x, b.weight('slope', dims, { std: 0.5 })]), { size, opset }));

testCases('operators with parameters', {
  'PRelu with slope [C, 1, 1]': prelu([8, 1, 1]),
  'PRelu with slope [1]': prelu([1]),
  'PRelu with slope [1, C, 1, 1]': prelu([1, 8, 1, 1]),
  'PRelu with slope [W]': prelu([8], 8),
  'PRelu in opset 7': prelu([8, 1, 1], 6, 7),
  'Clip with attributes': free(imageNet(op('Clip', { min: { float: -0.2 }, max: { float: 0.3 } }), { opset: 6 + 1 })),
  'Clip with inputs': free(
    imageNet((b, x) =>
      b.node('Clip', [x, b.constant('low', 'float32', [], [-0.2]), b.constant('high', 'float32', [], [0.3])]),
    ),
  ),
  'Clip without a lower bound': free(
    imageNet((b, x) => b.node('Clip', [x, '', b.constant('high', 'float32', [], [0.3])])),
  ),
  'Dropout in opset 7': free(imageNet(op('Dropout', { ratio: { float: 0.5 } }), { opset: 7 })),
  'Dropout in opset 13 with ratio as input': free(
    imageNet((b, x) => b.node('Dropout', [x, b.constant('ratio', 'float32', [], [0.5])])),
  ),
  'Dropout with its mask in use': free(
    imageNet((b, x) => {
      const [kept = '', mask = ''] = b.nodes('Dropout', [x], 2);
      return b.node('Mul', [kept, b.node('Cast', [mask], { to: TO.float })]);
    }),
  ),
  Identity: free(imageNet(op('Identity'))),
  'Cast to double and back': free(imageNet(chain(op('Cast', { to: TO.double }), op('Cast', { to: TO.float })))),
  Swish: free(imageNet((b, x) => b.node('Mul', [x, b.node('Sigmoid', [x])]))),
});

/** Where of a condition and two branches. */
const where = (condition: (b: ModelBuilder, x: string) => string, no: (b: ModelBuilder, x: string) => string): Case =>
  free(imageNet((b, x) => b.node('Where', [condition(b, x), x, no(b, x)])));

const positive = (b: ModelBuilder, x: string): string => b.node('Greater', [x, b.constant('zero', 'float32', [], [0])]);

testCases('Where', {
  'with a computed condition': where(positive, (b, x) => b.node('Neg', [x])),
  'with a scalar branch': where(positive, (b) => b.constant('no', 'float32', [], [0.25])),
  'with a branch per channel': where(positive, (b) => b.weight('no', [8, 1, 1])),
  'with a constant condition per channel': where(
    (b) => b.constant('which', 'bool', [8, 1, 1], [1, 0, 1, 0, 1, 0, 1, 1]),
    (b, x) => b.node('Neg', [x]),
  ),
  'with a constant condition per pixel': where(
    (b) => b.constant('which', 'bool', [1, 6], [1, 0, 1, 0, 1, 0]),
    (b, x) => b.node('Neg', [x]),
  ),
});

const contrib = { domains: { 'com.microsoft': 1, 'ai.onnx.ml': 3 } };
const classical = { domain: 'ai.onnx.ml' };

const unknown: Middle = (b, x) => b.node('SampleOp', [x], {}, { domain: 'com.microsoft' });

testCases('what is not known stays', {
  'an operator of another domain': held(
    imageNet(unknown, contrib),
    /there is no rule for operator com\.microsoft\.SampleOp/,
  ),
  'an operator of classical machine learning': held(
    featureNet(
      (b, x) => {
        const coefficients = { floats: Array.from({ length: 8 }, (_, i) => i / 8) };
        return b.node('LinearRegressor', [x], { coefficients, intercepts: { floats: [0.5] } }, classical);
      },
      { ...contrib, read: 1 },
    ),
    /LinearRegressor keeps its parameters in attributes, which are not cut/,
  ),
  'what is a graph output': held(
    imageNet((b, x) => {
      b.output(b.node('Tanh', [x], {}, { outputs: ['features'] }), 'float32');
      return x;
    }),
    /it is the graph output "features"/,
  ),
  'what meets a graph input': held(
    imageNet((b, x) => b.node('Add', [x, b.input('style', 'float32', ['N', 8, 1, 1])])),
    /it is the graph input "style"/,
  ),
});
