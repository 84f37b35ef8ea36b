import { float, int, string } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';

/** What onnxruntime asks of the surroundings of a node that it takes up into an integer kernel. */
export interface RuntimeForm {
  /** Inputs that have to come from integers. */
  readonly inputs: readonly number[];
  /** Of these the one that may be a constant with several scales, and the axis that those lie along. */
  readonly weight?: { readonly input: number; readonly axis: number };
  /** The input that has to be int32 with the product of the scales, or float. */
  readonly bias?: number;
  /** Whether a quantizer behind it is needed (`must`), one with the very scale of the input (`same`), or none (`may`). */
  readonly output: 'must' | 'may' | 'same';
}

const MAPS: RuntimeForm = { inputs: [0], output: 'must' };
const MOVES: RuntimeForm = { inputs: [0], output: 'same' };
const JOINS: RuntimeForm = { inputs: [0, 1], output: 'must' };

/**
 * What onnxruntime's CPU provider has integer kernels for, from between DequantizeLinear and QuantizeLinear.
 * Source: its selectors of such groups (qdq_selectors.cc), tried out with version 1.30, where operator sets 13, 17 and 21 gave
 * the same graphs.
 */
const FORMS: Readonly<Record<string, RuntimeForm>> = {
  Conv: { inputs: [0, 1], weight: { input: 1, axis: 0 }, bias: 2, output: 'must' },
  MatMul: { inputs: [0, 1], weight: { input: 1, axis: 1 }, output: 'may' },
  Gemm: { inputs: [0, 1], weight: { input: 1, axis: 1 }, bias: 2, output: 'may' },
  Add: JOINS,
  Mul: JOINS,
  Where: { inputs: [1, 2], output: 'must' },
  AveragePool: MAPS,
  GlobalAveragePool: MAPS,
  LeakyRelu: MAPS,
  Sigmoid: MAPS,
  Softmax: MAPS,
  ArgMax: { inputs: [0], output: 'may' },
  DepthToSpace: MOVES,
  Expand: MOVES,
  Flatten: MOVES,
  Gather: MOVES,
  MaxPool: MOVES,
  ReduceMax: MOVES,
  ReduceMin: MOVES,
  Reshape: MOVES,
  Resize: MOVES,
  Slice: MOVES,
  Split: MOVES,
  Squeeze: MOVES,
  Tile: MOVES,
  Transpose: MOVES,
  Unsqueeze: MOVES,
};

/** The operator set from which on MaxPool is defined on integers. */
const MAX_POOL_SINCE = 12;

/** How a node can run on integers, or why it cannot, whatever stands around it. */
export function runtimeForm(node: Node): RuntimeForm | string {
  const { opType, inputs } = node;
  const form = Object.hasOwn(FORMS, opType) && node.domain === '' ? FORMS[opType] : undefined;
  if (opType === 'Concat') return { inputs: [...inputs.keys()], output: 'must' };
  if (form === undefined) return `there is no integer kernel for ${opType}`;
  if (opType === 'Resize' && string(node, 'mode', 'nearest') !== 'nearest')
    return 'Resize has an integer kernel for the nearest neighbour only';
  if (opType === 'MaxPool' && node.opset < MAX_POOL_SINCE)
    return `MaxPool takes integers from operator set ${MAX_POOL_SINCE} on, and the model has ${node.opset}`;
  if (opType === 'Gemm') return gemmForm(node, form);
  return form;
}

function gemmForm(node: Node, form: RuntimeForm): RuntimeForm | string {
  const isScaled = float(node, 'alpha', 1) !== 1 || float(node, 'beta', 1) !== 1;
  if (node.inputs[2] !== undefined && isScaled)
    return 'its alpha or beta is not 1, and the integer kernel adds the bias as it is';
  return int(node, 'transB', 0) === 0 ? form : { ...form, weight: { input: 1, axis: 0 } };
}

/** The bounds that an activation keeps its input within, where the quantizer behind it can do that for it. */
export function cutsOff(node: Node): { readonly least: number; readonly most: number } | undefined {
  if (node.opType === 'Relu') return { least: 0, most: Number.POSITIVE_INFINITY };
  if (node.opType !== 'Clip') return undefined;
  const bound = (index: number, name: string, none: number): number | undefined => {
    const input = node.inputs[index];
    return input === undefined ? float(node, name, none) : input.tensor?.floats()[0];
  };
  const least = bound(1, 'min', Number.NEGATIVE_INFINITY);
  const most = bound(2, 'max', Number.POSITIVE_INFINITY);
  return least === undefined || most === undefined ? undefined : { least, most };
}
