import { expect, test } from 'vitest';
import { found, testCases } from '../ops/cases.ts';
import { type GraphBuilder, ModelBuilder } from '../support/build.ts';
import { prune } from '../support/shared-runtime.ts';
import { freshFolder } from './folder.ts';

const transpose = (b: GraphBuilder, x: string, ...perm: readonly number[]): string =>
  b.node('Transpose', [x], { perm });

/** Channels last outside and first inside: Transposes around each convolution, whose weights are stored as HWIO. */
function tensorFlow(): ModelBuilder {
  const b = new ModelBuilder({ opset: 13, producer: 'tf2onnx' });
  let x = b.input('image', 'float32', ['N', 8, 8, 3]);
  const convolve = (name: string, from: number, to: number): void => {
    const weight = transpose(b, b.weight(name, [3, 3, from, to], { fanIn: 9 * from }), 3, 2, 0, 1);
    const made = b.node('Conv', [transpose(b, x, 0, 3, 1, 2), weight], { pads: [1, 1, 1, 1] });
    // Batch normalization as a product and a sum, over channels that are last again.
    const scaled = b.node('Mul', [
      transpose(b, made, 0, 2, 3, 1),
      b.weight(`${name}_scale`, [1, 1, 1, to], { mean: 1 }),
    ]);
    x = b.node('Relu', [b.node('Add', [scaled, b.vector(`${name}_shift`, to)])]);
  };
  convolve('first', 3, 8);
  // A depthwise kernel as HWCM, brought into ONNX's order by a Reshape and a Transpose.
  const kernel = b.node('Reshape', [
    b.weight('depthwise', [3, 3, 8, 1], { fanIn: 9 }),
    b.constant('shape', 'int64', [4], [3, 3, 1, 8]),
  ]);
  const deep = b.node('Conv', [transpose(b, x, 0, 3, 1, 2), transpose(b, kernel, 3, 2, 0, 1)], {
    group: 8,
    pads: [1, 1, 1, 1],
  });
  x = transpose(b, deep, 0, 2, 3, 1);
  convolve('second', 8, 6);
  const pooled = b.node('ReduceMean', [x], { axes: [1, 2], keepdims: 0 });
  const dense = b.node('MatMul', [pooled, b.weight('dense', [6, 4], { fanIn: 6 })]);
  b.output(b.node('Add', [dense, b.vector('bias', 4)]), 'float32', ['N', 4]);
  return b;
}

/** An LSTM cell in single steps, unrolled over time: one product for all gates of what comes in and what is remembered. */
function unrolledCell(): ModelBuilder {
  const b = new ModelBuilder({ opset: 13, producer: 'tf2onnx' });
  const [hidden, inputs, steps] = [6, 4, 3];
  const x = b.input('x', 'float32', [2, steps, inputs]);
  const kernel = b.weight('kernel', [inputs + hidden, 4 * hidden], { fanIn: inputs + hidden });
  const bias = b.vector('bias', 4 * hidden);
  const zeros = (name: string): string =>
    b.constant(name, 'float32', [2, hidden], new Array<number>(2 * hidden).fill(0));
  let [h, c] = [zeros('h0'), zeros('c0')];
  for (let step = 0; step < steps; step++) {
    const now = b.node('Gather', [x, b.constant(`step${step}`, 'int64', [], [step])], { axis: 1 });
    const both = b.node('Concat', [now, h], { axis: 1 });
    const gates = b.node('Add', [b.node('MatMul', [both, kernel]), bias]);
    const [input = '', candidate = '', forget = '', output = ''] = b.nodes('Split', [gates], 4, { axis: 1 });
    const kept = b.node('Mul', [b.node('Sigmoid', [forget]), c]);
    const taken = b.node('Mul', [b.node('Sigmoid', [input]), b.node('Tanh', [candidate])]);
    c = b.node('Add', [kept, taken]);
    h = b.node('Mul', [b.node('Sigmoid', [output]), b.node('Tanh', [c])]);
  }
  b.output(b.node('MatMul', [h, b.weight('last', [hidden, 3], { fanIn: hidden })]), 'float32', [2, 3]);
  return b;
}

/** Weights that are graph inputs as well, biases of two axes, and shapes given as constants. */
function oldFile(): ModelBuilder {
  const b = new ModelBuilder({ opset: 8, irVersion: 3, initializersAsInputs: true, producer: 'CNTK' });
  const x = b.node('Conv', [b.input('image', 'float32', [1, 1, 8, 8]), b.weight('first', [8, 1, 3, 3])]);
  const biased = b.node('Relu', [b.node('Add', [x, b.weight('bias', [8, 1, 1])])]);
  const pooled = b.node('MaxPool', [biased], { kernel_shape: [2, 2], strides: [2, 2] });
  const rows = b.node('Reshape', [pooled, b.constant('rows', 'int64', [2], [1, 72])]);
  const weight = b.node('Reshape', [
    b.weight('dense', [8, 3, 3, 5], { fanIn: 72 }),
    b.constant('matrix', 'int64', [2], [72, 5]),
  ]);
  b.output(b.node('Add', [b.node('MatMul', [rows, weight]), b.weight('last', [1, 5])]), 'float32', [1, 5]);
  return b;
}

testCases('what exporters make', {
  'TensorFlow: channels last, weights behind Transpose and Reshape': found(
    tensorFlow(),
    'Transpose_0_out_0 8',
    'Transpose_6_out_0 6',
  ),
  'TensorFlow: a recurrent cell in single steps': found(unrolledCell(), 'kernel 6'),
  'CNTK: IR 3, biases of several axes, weights behind Reshape': found(oldFile(), 'first 8'),
});

test('scikit-learn: what trees learned is said to be out of reach', async () => {
  const b = new ModelBuilder({ domains: { 'ai.onnx.ml': 3 }, producer: 'skl2onnx' });
  const tree = {
    classlabels_int64s: [0, 1],
    nodes_treeids: [0, 0, 0],
    nodes_nodeids: [0, 1, 2],
    nodes_featureids: [2, 0, 0],
    nodes_modes: ['BRANCH_LEQ', 'LEAF', 'LEAF'],
    nodes_values: { floats: [0.5, 0, 0] },
    nodes_truenodeids: [1, 0, 0],
    nodes_falsenodeids: [2, 0, 0],
    class_treeids: [0, 0],
    class_nodeids: [1, 2],
    class_ids: [0, 1],
    class_weights: { floats: [1, 1] },
  };
  const x = b.input('x', 'float32', ['N', 4]);
  const outputs = ['label', 'scores'];
  b.nodes('TreeEnsembleClassifier', [x], 2, tree, { domain: 'ai.onnx.ml', outputs });
  b.output('label', 'int64', ['N']);
  b.output('scores', 'float32', ['N', 2]);
  const path = freshFolder().write('trees.onnx', b.bytes());
  const { notes, pruning } = await prune(path, { structured: 0.5, bench: false });
  expect(pruning.groups).toEqual([]);
  expect(notes).toContainEqual(
    'There is nothing to prune, since no tensor of the model holds weights: ai.onnx.ml.TreeEnsembleClassifier keeps what was learned in attributes, which are not cut.',
  );
});
