import { float } from '../ir/attributes.ts';
import { bitsOf, isFloat } from '../ir/data-type.ts';
import type { Node } from '../ir/node.ts';
import { dimsOf, elementTypeOf, type Value } from '../ir/value.ts';
import { axis, CouplingBuilder, input, lineUp, output, pinUnranked, rankOf } from './coupling.ts';
import { joinsIntegers, mapsIntegers } from './integers.ts';
import type { Affine, Coupling, IntegerForm, OpRule, Passage } from './rule.ts';

/**
 * Couples one operand with the output under multidirectional broadcasting: trailing axes align, and an axis of length 1
 * that is stretched belongs to no position of the output.
 * Source: ONNX "Broadcasting in ONNX", multidirectional.
 */
function coupleBroadcast(coupling: CouplingBuilder, operand: Value, out: Value): void {
  const offset = (rankOf(out) ?? 0) - (rankOf(operand) ?? 0);
  dimsOf(operand)?.forEach((_, dim) => {
    lineUp(coupling, axis(operand, dim), axis(out, dim + offset));
  });
}

/** Couples operands (all inputs, unless said) with the outputs position by position, under broadcasting. */
export function coupleElementwise(node: Node, operands: Node['inputs'] = node.inputs): Coupling {
  const values = [...operands, ...node.outputs].filter((value) => value !== undefined);
  if (values.some((value) => rankOf(value) === undefined)) return pinUnranked(node);
  const coupling = new CouplingBuilder();
  const out = output(node);
  for (const operand of operands) if (operand !== undefined) coupleBroadcast(coupling, operand, out);
  for (const other of node.outputs) if (other !== undefined && other !== out) coupleBroadcast(coupling, other, out);
  return coupling;
}

/** Couples the first input with the outputs and leaves the others (bounds, ratios, scalars) pinned. */
function coupleFirst(node: Node): Coupling {
  const data = input(node, 0);
  const out = output(node);
  if (rankOf(data) === undefined || rankOf(out) === undefined) return pinUnranked(node);
  const coupling = new CouplingBuilder();
  coupleBroadcast(coupling, data, out);
  for (const other of node.outputs) if (other !== undefined && other !== out) coupleBroadcast(coupling, other, out);
  return coupling;
}

/** What multiples of the operands make of the result; of an operator that is not here nothing is known. */
const MULTIPLES: Readonly<Record<string, 'joint' | 'product' | 'first'>> = {
  Abs: 'joint',
  Add: 'joint',
  LeakyRelu: 'joint',
  Max: 'joint',
  Mean: 'joint',
  Min: 'joint',
  Neg: 'joint',
  Relu: 'joint',
  Sub: 'joint',
  Sum: 'joint',
  Mul: 'product',
  Div: 'first',
  PRelu: 'first',
};

/** What jumps makes much of a last bit, by which channels that count as equal may differ. */
const STEPS: ReadonlySet<string> = new Set(['Ceil', 'Floor', 'Mod', 'Round', 'Shrink', 'Sign', 'ThresholdedRelu']);

/** Element by element; before opset 7 axes of operands were lined up by an attribute. */
function passage(node: Node): Passage | undefined {
  return STEPS.has(node.opType) || (node.opset < 7 && node.inputs.length > 1)
    ? undefined
    : { kind: 'elementwise', multiples: MULTIPLES[node.opType] ?? 'none' };
}

/** What operands count in a sum; axes were lined up by an attribute before opset 7. */
function terms(node: Node): readonly number[] | undefined {
  if (node.opset < 7) return undefined;
  switch (node.opType) {
    case 'Add':
    case 'Sum':
      return node.inputs.map(() => 1);
    case 'Sub':
      return [1, -1];
    default:
      return undefined;
  }
}

/** A sum, difference, product or quotient of a value and constants that differ along one of its axes alone. */
function affine(node: Node, index: number, dim: number): Affine | undefined {
  const [value, other] = [node.inputs[index], node.inputs[1 - index]];
  const dims = value && dimsOf(value);
  const channels = dims?.[dim];
  const { tensor } = other ?? {};
  if (dims === undefined || typeof channels !== 'number' || tensor === undefined || node.opset < 7) return undefined;
  // Aligned from behind; a constant of more axes would change the shape.
  const own = dim - (dims.length - tensor.dims.length);
  const isAlong = tensor.dims.every((length, at) => length === 1 || (at === own && length === channels));
  if (!isAlong || tensor.dims.length > dims.length || !isFloat(tensor.type)) return undefined;
  const numbers = tensor.floats();
  const at = (channel: number): number => numbers[numbers.length === 1 ? 0 : channel] as number;
  const each = (number: (constant: number) => number): Float64Array =>
    Float64Array.from({ length: channels }, (_, channel) => number(at(channel)));
  switch (node.opType) {
    case 'Add':
      return { gain: each(() => 1), offset: each((constant) => constant) };
    case 'Sub':
      return index === 0
        ? { gain: each(() => 1), offset: each((constant) => -constant) }
        : { gain: each(() => -1), offset: each((constant) => constant) };
    case 'Mul':
      return { gain: each((constant) => constant), offset: each(() => 0) };
    case 'Div':
      return index === 0 ? { gain: each((constant) => 1 / constant), offset: each(() => 0) } : undefined;
    default:
      return undefined;
  }
}

/** Those of the operators that have a kernel for integers. */
function integers(node: Node): IntegerForm | undefined {
  switch (node.opType) {
    case 'Add':
    case 'Mul':
      return joinsIntegers(node);
    case 'Where':
      return { inputs: [1, 2], output: 'must' };
    case 'LeakyRelu':
    case 'Sigmoid':
      return mapsIntegers();
    default:
      return undefined;
  }
}

const UNCHANGED: Passage = { kind: 'moves', constant: true, multiples: 'any' };

/** Position by position, any number of operands, broadcasting. */
const broadcasting: OpRule = {
  domain: '',
  opTypes: [
    'Add',
    'Sub',
    'Mul',
    'Div',
    'Pow',
    'Mod',
    'Max',
    'Min',
    'Sum',
    'Mean',
    'And',
    'Or',
    'Xor',
    'Not',
    'Equal',
    'Greater',
    'GreaterOrEqual',
    'Less',
    'LessOrEqual',
    'BitShift',
    'BitwiseAnd',
    'BitwiseOr',
    'BitwiseXor',
    'BitwiseNot',
    'Where',
    'PRelu',
    'Abs',
    'Acos',
    'Acosh',
    'Asin',
    'Asinh',
    'Atan',
    'Atanh',
    'Ceil',
    'Celu',
    'Cos',
    'Cosh',
    'Elu',
    'Erf',
    'Exp',
    'Floor',
    'Gelu',
    'HardSigmoid',
    'HardSwish',
    'IsInf',
    'IsNaN',
    'LeakyRelu',
    'Log',
    'Mish',
    'Neg',
    'Reciprocal',
    'Relu',
    'Round',
    'Selu',
    'Shrink',
    'Sigmoid',
    'Sign',
    'Sin',
    'Sinh',
    'Softplus',
    'Softsign',
    'Sqrt',
    'Swish',
    'Tan',
    'Tanh',
    'ThresholdedRelu',
  ],
  couple: (node) => coupleElementwise(node),
  passage,
  terms,
  affine,
  integers,
  limits: (node) => (node.opType === 'Relu' ? { least: 0, most: Number.POSITIVE_INFINITY } : undefined),
};

/**
 * Elements stay what they are where no type, or a wider one, is made of theirs; a narrower one rounds. What the elements of a bit
 * cast are nobody knows, and a Dropout with a third input may be at work.
 */
function passingPassage(node: Node): Passage | undefined {
  const [from, to] = [elementTypeOf(input(node, 0)), elementTypeOf(output(node))];
  if (!isFloat(from) || !isFloat(to) || node.opType === 'BitCast' || node.inputs.length > 2) return undefined;
  return from === to || bitsOf(from) < bitsOf(to) ? UNCHANGED : { kind: 'elementwise', multiples: 'none' };
}

/** Elements pass one by one, unchanged or converted. */
const passing: OpRule = {
  domain: '',
  opTypes: ['Identity', 'Cast', 'BitCast', 'Dropout', 'OptionalGetElement'],
  couple: coupleFirst,
  passesElements: true,
  passage: passingPassage,
  optionalOutputs: [1],
};

/** Converts to the type of another tensor, of which nothing but the type is read. */
const castLike: OpRule = {
  domain: '',
  opTypes: ['CastLike'],
  couple(node) {
    const like = input(node, 1);
    return { ...coupleFirst(node), free: (dimsOf(like) ?? []).map((_, dim) => axis(like, dim)) };
  },
  passesElements: true,
  passage: passingPassage,
};

/** The bounds of a Clip where they are known: attributes before opset 11, constants since. */
function clipLimits(node: Node): { readonly least: number; readonly most: number } | undefined {
  const bound = (at: number, name: string, otherwise: number): number | undefined => {
    const value = node.inputs[at];
    if (value === undefined) return float(node, name, otherwise);
    if (node.graph.inputs.includes(value)) return undefined;
    return value.tensor?.size === 1 ? value.tensor.floats()[0] : undefined;
  };
  const least = bound(1, 'min', Number.NEGATIVE_INFINITY);
  const most = bound(2, 'max', Number.POSITIVE_INFINITY);
  return least === undefined || most === undefined ? undefined : { least, most };
}

/** Elements one by one between bounds that are attributes (before opset 11) or scalars. */
const clip: OpRule = {
  domain: '',
  opTypes: ['Clip'],
  couple: coupleFirst,
  limits: clipLimits,
  passage: () => ({ kind: 'elementwise', multiples: 'none' }),
};

/** Activations of the runtime's own domain. */
const contrib: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['Gelu', 'FastGelu', 'BiasGelu', 'QuickGelu'],
  couple: (node) => coupleElementwise(node),
  passage,
};

/** Whether each element is above a number. */
const classical: OpRule = { domain: 'ai.onnx.ml', opTypes: ['Binarizer'], couple: coupleFirst };

export const elementwiseRules: readonly OpRule[] = [broadcasting, passing, castLike, clip, contrib, classical];
