import { DataType, type NodeProto, type TensorProto } from '../../../src/onnx/messages.ts';
import type { Dice } from '../dice.ts';
import { type Edit, edgesOf, freshName, insertBefore, redirect, someGraph } from '../subject.ts';
import { addInitializer, int, integers, nodeOf, scalar } from './parts.ts';

/** What is put into an edge: nodes and constants that make `to` of `from`. */
interface Piece {
  readonly nodes: readonly NodeProto[];
  readonly constants?: readonly TensorProto[];
}

/** Makes a piece; `part` gives names of values inside it. */
type Maker = (from: string, to: string, part: (stem: string) => string, dice: Dice) => Piece;

/** An edit that puts a piece into some edge of some graph. */
function inserting(make: Maker): Edit {
  return (subject, dice) => {
    const graph = someGraph(subject, dice);
    const edge = dice.pick(edgesOf(graph));
    if (edge === undefined) return false;
    const to = freshName(subject, 'fuzz');
    const { nodes, constants = [] } = make(edge.name, to, (stem) => `${to}/${stem}`, dice);
    for (const each of constants) addInitializer(graph, each);
    insertBefore(graph, edge.node, ...nodes);
    redirect(edge, to);
    return true;
  };
}

const unary = (...opTypes: readonly [string, ...string[]]): Edit =>
  inserting((from, to, _, dice) => ({ nodes: [nodeOf(dice.one(...opTypes), [from], [to])] }));

/** Edits that put nodes between a value and one of its readers; most leave the numbers as they are. */
export const EDGE_EDITS: Readonly<Record<string, Edit>> = {
  identity: unary('Identity'),
  activation: unary('Relu', 'Sigmoid', 'Tanh', 'LeakyRelu', 'HardSigmoid', 'Neg', 'Abs', 'Erf', 'Softplus'),
  shapeless: unary('Softmax', 'LogSoftmax', 'Flatten', 'GlobalAveragePool', 'NonZero', 'Shape', 'Squeeze', 'Ceil'),
  dropout: unary('Dropout'),
  transposes: inserting((from, to, part) => ({
    nodes: [nodeOf('Transpose', [from], [part('t')]), nodeOf('Transpose', [part('t')], [to])],
  })),
  transpose: inserting((from, to) => ({ nodes: [nodeOf('Transpose', [from], [to])] })),
  reshape: inserting((from, to, part) => ({
    nodes: [nodeOf('Shape', [from], [part('s')]), nodeOf('Reshape', [from, part('s')], [to])],
  })),
  flat: inserting((from, to, part) => ({
    constants: [integers(part('minus'), [-1])],
    nodes: [
      nodeOf('Shape', [from], [part('s')]),
      nodeOf('Reshape', [from, part('minus')], [part('f')]),
      nodeOf('Reshape', [part('f'), part('s')], [to]),
    ],
  })),
  rows: inserting((from, to, part) => ({
    constants: [integers(part('rows'), [0, -1])],
    nodes: [nodeOf('Reshape', [from, part('rows')], [to])],
  })),
  unsqueezed: inserting((from, to, part, dice) => {
    const axes = integers(part('axes'), [dice.one(0, 1, -1, 2)]);
    return {
      constants: [axes],
      nodes: [
        nodeOf('Unsqueeze', [from, part('axes')], [part('u')]),
        nodeOf('Squeeze', [part('u'), part('axes')], [to]),
      ],
    };
  }),
  doubled: inserting((from, to, part, dice) => {
    const axis = [int('axis', dice.one(1, 1, 0, -1))];
    return {
      nodes: [
        nodeOf('Concat', [from, from], [part('c')], axis),
        nodeOf('Split', [part('c')], dice.chance(0.5) ? [to, part('b')] : [part('a'), to], axis),
      ],
    };
  }),
  halves: inserting((from, to, part, dice) => {
    const axis = [int('axis', dice.one(1, 1, 0, -1))];
    const halves = [part('a'), part('b')];
    return {
      nodes: [
        nodeOf('Split', [from], halves, axis),
        nodeOf('Concat', dice.chance(0.5) ? halves.reverse() : halves, [to], axis),
      ],
    };
  }),
  slice: inserting((from, to, part, dice) => ({
    constants: [
      integers(part('starts'), [dice.one(0, 0, 1, -(2 ** 31))]),
      integers(part('ends'), [dice.one(2 ** 31 - 1, Number.MAX_SAFE_INTEGER, -1, 1)]),
      integers(part('axes'), [dice.one(1, 0, -1, 2)]),
      integers(part('steps'), [dice.one(1, 1, 2, -1)]),
    ],
    nodes: [nodeOf('Slice', [from, ...['starts', 'ends', 'axes', 'steps'].map(part)], [to])],
  })),
  gather: inserting((from, to, part, dice) => ({
    constants: [integers(part('i'), dice.one([0], [0, 1], [1, 0], [0, 0], [-1], []))],
    nodes: [nodeOf('Gather', [from, part('i')], [to], [int('axis', dice.one(1, 0, -1))])],
  })),
  scaled: inserting((from, to, part, dice) => ({
    constants: [scalar(part('by'), dice.one(1, 0.5, 0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-40))],
    nodes: [nodeOf(dice.one('Mul', 'Add', 'Div', 'Sub', 'Max', 'Min', 'Pow'), [from, part('by')], [to])],
  })),
  residual: inserting((from, to, part) => ({
    nodes: [nodeOf('Tanh', [from], [part('t')]), nodeOf('Add', [from, part('t')], [to])],
  })),
  gate: inserting((from, to, part) => ({
    nodes: [
      nodeOf('GlobalAveragePool', [from], [part('p')]),
      nodeOf('Sigmoid', [part('p')], [part('s')]),
      nodeOf('Mul', [from, part('s')], [to]),
    ],
  })),
  squared: inserting((from, to, part, dice) => ({
    nodes: [
      nodeOf('Transpose', [from], [part('t')]),
      nodeOf(dice.one('MatMul', 'Gemm'), [from, part('t')], [part('m')]),
      nodeOf('MatMul', [part('m'), from], [to]),
    ],
  })),
  cast: inserting((from, to, part, dice) => ({
    nodes: [
      nodeOf('Cast', [from], [part('c')], [int('to', dice.one(DataType.DOUBLE, DataType.FLOAT16, DataType.INT64, 1))]),
      nodeOf('Cast', [part('c')], [to], [int('to', DataType.FLOAT)]),
    ],
  })),
  chosen: inserting((from, to, part) => ({
    constants: [scalar(part('zero'), 0)],
    nodes: [
      nodeOf('Greater', [from, part('zero')], [part('p')]),
      nodeOf('Where', [part('p'), from, part('zero')], [to]),
    ],
  })),
  reduced: inserting((from, to, part, dice) => ({
    nodes: [
      nodeOf(
        dice.one('ReduceMean', 'ReduceMax', 'ReduceL2'),
        [from],
        [part('r')],
        [int('keepdims', 1), ...(dice.chance(0.3) ? [int('noop_with_empty_axes', 1)] : [])],
      ),
      nodeOf('Sub', [from, part('r')], [to]),
    ],
  })),
  quantized: inserting((from, to, part) => ({
    constants: [
      scalar(part('scale'), 0.05),
      { name: part('zero'), dataType: DataType.UINT8, dims: [], int32Data: [9] },
    ],
    nodes: [
      nodeOf('QuantizeLinear', [from, part('scale'), part('zero')], [part('q')]),
      nodeOf('DequantizeLinear', [part('q'), part('scale'), part('zero')], [to]),
    ],
  })),
  expanded: inserting((from, to, part) => ({
    nodes: [nodeOf('Shape', [from], [part('s')]), nodeOf('Expand', [from, part('s')], [to])],
  })),
  filled: inserting((from, to, part) => ({
    nodes: [
      nodeOf('Shape', [from], [part('s')]),
      nodeOf('ConstantOfShape', [part('s')], [part('z')]),
      nodeOf('Add', [from, part('z')], [to]),
    ],
  })),
};
