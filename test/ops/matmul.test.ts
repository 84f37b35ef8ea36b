import { type Attributes, ModelBuilder } from '../support/build.ts';
import { type Case, found, testCases } from './cases.ts';
import { featureNet, tokenNet } from './nets.ts';

/** A Gemm "second" [8 → 6] with these attributes, in a net whose batch is 2. */
function gemm(attributes: Attributes, bias?: readonly number[]): Case {
  const b = new ModelBuilder();
  const x = b.input('rows', 'float32', [2, 5]);
  const made = b.node('Gemm', [x, b.weight('first', [8, 5])], { transB: 1 });
  const read = attributes['transA'] === 1 ? b.node('Transpose', [made], { perm: [1, 0] }) : made;
  const weight = b.weight('second', attributes['transB'] === 1 ? [6, 8] : [8, 6], { fanIn: 8 });
  const c = bias === undefined ? [] : [b.weight('c', bias, { std: 0.5 })];
  const y = b.node('Gemm', [read, weight, ...c], attributes);
  b.output(b.node('MatMul', [b.node('Tanh', [y]), b.weight('last', [6, 4], { fanIn: 6 })]), 'float32');
  return found(b, 'first 8', 'second 6');
}

testCases('Gemm', {
  plain: gemm({}),
  'with transB': gemm({ transB: 1 }),
  'with transA': gemm({ transA: 1 }),
  'with both and alpha and beta': gemm({ transA: 1, transB: 1, alpha: { float: 0.5 }, beta: { float: 2 } }, [6]),
  'with C [N]': gemm({}, [6]),
  'with C [1, N]': gemm({}, [1, 6]),
  'with C [1]': gemm({}, [1]),
  'with C []': gemm({}, []),
  'with C [M, 1]': gemm({}, [2, 1]),
  'with C [M, N]': gemm({}, [2, 6]),
  'with a computed C': found(
    featureNet((b, x) => b.node('Gemm', [x, b.weight('second', [8, 8]), b.node('Sigmoid', [x])], {})),
    'first 8',
  ),
});

testCases('MatMul', {
  '2-D': found(
    featureNet((b, x) => b.node('MatMul', [x, b.weight('second', [8, 6], { fanIn: 8 })]), { read: 6 }),
    'first 8',
    'second 6',
  ),
  'of tokens with a shared weight': found(
    tokenNet((b, x) => b.node('MatMul', [x, b.weight('second', [8, 6], { fanIn: 8 })]), { read: 6 }),
    'first 8',
    'second 6',
  ),
  'with a weight that has an axis of length 1 in front': found(
    tokenNet((b, x) => b.node('MatMul', [x, b.weight('second', [1, 8, 6], { fanIn: 8 })]), { read: 6 }),
    'first 8',
    'second 6',
  ),
  'with a vector behind': found(
    featureNet(
      (b, x) =>
        b.node('Unsqueeze', [
          b.node('MatMul', [x, b.weight('second', [8], { std: 1 })]),
          b.constant('axes', 'int64', [1], [1]),
        ]),
      { read: 1 },
    ),
    'first 8',
    'last 1',
  ),
  'with a vector in front': found(
    tokenNet((b, x) => b.node('MatMul', [b.weight('mix', [6], { std: 1 }), x])),
    'first 8',
  ),
  'with the weight on the left': (() => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 5, 3]);
    const made = b.node('MatMul', [b.weight('first', [8, 5]), x]);
    b.output(b.node('MatMul', [b.weight('last', [4, 8]), b.node('Tanh', [made])]), 'float32');
    return found(b, 'first 8');
  })(),
  'of two activations over their features': (() => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 6, 5]);
    const q = b.node('MatMul', [x, b.weight('q', [5, 8], { fanIn: 5 })]);
    const k = b.node('MatMul', [x, b.weight('k', [5, 8], { fanIn: 5 })]);
    b.output(b.node('MatMul', [q, b.node('Transpose', [k], { perm: [0, 2, 1] })]), 'float32');
    return found(b, 'q 8');
  })(),
  'of an activation with itself transposed': (() => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 6, 5]);
    const q = b.node('MatMul', [x, b.weight('first', [5, 8], { fanIn: 5 })]);
    b.output(b.node('MatMul', [q, b.node('Transpose', [q], { perm: [0, 2, 1] })]), 'float32');
    return found(b, 'first 8');
  })(),
  'over positions keeps the features of the right side': found(
    tokenNet((b, x) =>
      b.node('MatMul', [
        b.node('Softmax', [b.node('MatMul', [x, b.node('Transpose', [x], { perm: [0, 2, 1] })])], { axis: -1 }),
        x,
      ]),
    ),
    'first 8',
  ),
});

/** Attention of 4 heads of 2 over 6 tokens of 8 features, q, k and v from weights of their own. */
function attention(options: { causal?: boolean } = {}): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.input('tokens', 'float32', ['N', 6, 5]);
  const heads = (name: string): string => {
    const made = b.node('Add', [
      b.node('MatMul', [x, b.weight(name, [5, 8], { fanIn: 5 })]),
      b.vector(`${name}_bias`, 8),
    ]);
    const split = b.node('Reshape', [made, b.constant(`${name}_shape`, 'int64', [4], [0, 0, 4, 2])]);
    return b.node('Transpose', [split], { perm: [0, 2, 1, 3] });
  };
  const [q, k, v] = [heads('q'), heads('k'), heads('v')];
  const scores = b.node('MatMul', [q, b.node('Transpose', [k], { perm: [0, 1, 3, 2] })]);
  const masked = options.causal ? b.node('Add', [scores, b.weight('mask', [1, 1, 6, 6])]) : scores;
  const mixed = b.node('MatMul', [b.node('Softmax', [masked], { axis: -1 }), v]);
  const merged = b.node('Reshape', [
    b.node('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
    b.constant('merged_shape', 'int64', [3], [0, 0, -1]),
  ]);
  b.output(b.node('MatMul', [merged, b.weight('last', [8, 3], { fanIn: 8 })]), 'float32');
  return b;
}

/** 4 heads of 2 over 6 tokens, each multiplied by a matrix of its own: [N, 4, 6, 2] × [4, 2, 3], of lower rank. */
function matrixPerHead(): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.input('tokens', 'float32', ['N', 6, 5]);
  const made = b.node('MatMul', [x, b.weight('first', [5, 8], { fanIn: 5 })]);
  const split = b.node('Reshape', [made, b.constant('shape', 'int64', [4], [0, 0, 4, 2])]);
  const heads = b.node('MatMul', [b.node('Transpose', [split], { perm: [0, 2, 1, 3] }), b.weight('own', [4, 2, 3])]);
  const merged = b.node('Transpose', [b.node('Tanh', [heads])], { perm: [0, 2, 1, 3] });
  const rows = b.node('Reshape', [merged, b.constant('back', 'int64', [3], [0, 0, 12])]);
  b.output(b.node('MatMul', [rows, b.weight('last', [12, 3], { fanIn: 12 })]), 'float32');
  return b;
}

testCases('batched MatMul keeps heads apart', {
  // A constant factor keeps nothing apart: its rows and columns leave like any other weight's.
  'unless one factor is constant, a matrix per head': found(matrixPerHead(), 'first 2', 'own 3'),
  'a unit is a head of q, k and v': found(attention(), 'q 4'),
  'with an additive mask': found(attention({ causal: true }), 'q 4'),
});
