import { int, tensor } from '../ir/attributes.ts';
import { type DataType, dataTypeOf, isFloat } from '../ir/data-type.ts';
import type { Graph } from '../ir/graph.ts';
import { type Node, nodesInOrder } from '../ir/node.ts';
import { elementTypeOf, type Value } from '../ir/value.ts';

/**
 * What the elements of a value are: real numbers; narrow integers that stand for them, or the sums of their products;
 * or anything else, like indices, shapes and conditions.
 */
export type ElementKind = 'real' | 'integer' | 'other';

const NARROW: ReadonlySet<DataType> = new Set(['int8', 'uint8', 'int16', 'uint16', 'int4', 'uint4', 'int2', 'uint2']);

function kindOf(type: DataType): ElementKind | undefined {
  if (type === 'undefined') return undefined;
  if (isFloat(type)) return 'real';
  return NARROW.has(type) ? 'integer' : 'other';
}

/** Outputs that are indices, sizes or conditions whatever the operator reads. */
const OTHER: ReadonlySet<string> = new Set([
  'And',
  'ArgMax',
  'ArgMin',
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'IsInf',
  'IsNaN',
  'Less',
  'LessOrEqual',
  'NonZero',
  'Not',
  'Or',
  'Shape',
  'Size',
]);

/** Outputs that are real numbers though the operator multiplies integers. */
const REAL: ReadonlySet<string> = new Set([
  'DequantizeLinear',
  'DynamicQuantizeLSTM',
  'DynamicQuantizeMatMul',
  'GatherBlockQuantized',
  'MatMulIntegerToFloat',
  'MatMulNBits',
  'QAttention',
  'QMoE',
]);

/** Outputs that are integers whatever else the operator reads. */
const INTEGER: ReadonlySet<string> = new Set(['ConvInteger', 'MatMulInteger', 'MatMulInteger16', 'QuantizeLinear']);

/** Zero point of the output of QGemm, without which it makes real numbers. */
const GEMM_ZERO_POINT = 8;

/**
 * Finds what the elements of values are in a graph without declared types, as onnxruntime saves it: from the types of inputs
 * and initializers, through what its operators make of them.
 */
export function elementKinds(graph: Graph): (value: Value) => ElementKind {
  const kinds = new Map<Value, ElementKind>();
  const kind = (value: Value): ElementKind => kinds.get(value) ?? kindOf(elementTypeOf(value)) ?? 'real';
  for (const node of nodesInOrder(graph)) {
    node.outputs.forEach((output, index) => {
      if (output !== undefined) kinds.set(output, kindOf(elementTypeOf(output)) ?? made(node, index, kind));
    });
  }
  return kind;
}

function made(node: Node, index: number, kind: (value: Value) => ElementKind): ElementKind {
  const { opType, inputs } = node;
  if (OTHER.has(opType)) return 'other';
  if (REAL.has(opType)) return 'real';
  if (INTEGER.has(opType)) return 'integer';
  if (opType === 'DynamicQuantizeLinear') return index === 1 ? 'real' : 'integer';
  if (opType === 'QGemm') return inputs[GEMM_ZERO_POINT] === undefined ? 'real' : 'integer';
  if (opType.startsWith('QLinear')) return 'integer';
  if (opType === 'Cast') return kindOf(dataTypeOf(int(node, 'to', 0))) ?? 'real';
  if (opType === 'Constant' || opType === 'ConstantOfShape')
    return kindOf(tensor(node, 'value')?.type ?? 'float32') ?? 'real';
  // The condition of Where says nothing of what it chooses from.
  const first = inputs[opType === 'Where' ? 1 : 0];
  return first === undefined ? 'real' : kind(first);
}
