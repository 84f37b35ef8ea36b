import { present } from '../errors.ts';
import { intAttribute } from '../ir/attributes.ts';
import { checkGraph } from '../ir/check.ts';
import { dataTypeNumber } from '../ir/data-type.ts';
import type { Graph } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { graphsIn, nodesIn } from '../ir/node.ts';
import { Tensor } from '../ir/tensor.ts';
import type { Value } from '../ir/value.ts';
import { float32ToFloat16, LARGEST_FLOAT16, largestMagnitude, roundingSquares } from '../numeric/float16.ts';
import { ruleOf } from '../ops/rules.ts';

/** Name of the step in reports and failures. */
export const NAME = 'store half';

/** Tensors of fewer elements are left: they may be scales, regions or bounds that a runtime wants to see as they are. */
const LEAST_ELEMENTS = 64;
/** Bytes that a Cast takes in the file, beside the three names in it: tags, lengths, operator and attribute. */
const CAST_BYTES = 40;
/** `Cast` takes a number for its type since this operator set; before, a text. */
const CAST_SINCE = 6;
/** No slice along the first axis may lose more than this of its norm: twice what rounding takes from normal numbers. */
const MOST_LOST = 2 ** -10;
/** Slices whose norm is below this part of the largest may lose that of it: beside the others they count for little. */
const FAINT = 2 ** -10;

/** A tensor that is stored in float16 now. */
export interface StoredHalf {
  readonly initializer: string;
  readonly elements: number;
  /** Norm of what rounding took away against the norm of the tensor. */
  readonly relativeError: number;
}

/** A tensor that stays in float32, though it is large enough. */
export interface KeptFloat {
  readonly initializer: string;
  readonly reason: string;
}

/** What was stored in float16. */
export interface StoreHalfReport {
  readonly name: typeof NAME;
  readonly stored: readonly StoredHalf[];
  readonly kept: readonly KeptFloat[];
  /** Bytes of weights that the file has less; the nodes that widen them take a small part of it back. */
  readonly bytesSaved: number;
  /** The largest `relativeError` of `stored`; 0 where nothing was stored. */
  readonly largestError: number;
}

/**
 * Stores float32 weights as float16, in place, and widens each with one Cast that all its readers share, which onnxruntime
 * folds when it loads the model. What is computed stays float32.
 *
 * Stored are the initializers of every graph, bodies included, that nodes read, that have a rank and at least 64 elements,
 * and that save more than the Cast takes. Graph inputs and outputs stay, scales of integers, which runtimes look for where
 * integers are read, and tensors that float16 would distort: with
 * numbers beyond its range, or so small beside it that rounding takes more than a thousandth of a slice along the first
 * axis (of a vector: of an element), unless the slice itself is less than a thousandth of the largest one; and whole
 * numbers that would not stay what they are.
 * Names stay with the stored tensors.
 */
export function storeHalf(model: Model): StoreHalfReport {
  const stored: StoredHalf[] = [];
  const kept: KeptFloat[] = [];
  const seen = new Map<Tensor, Rounded | string>();
  const scales = scalesIn(model.graph);
  for (const graph of graphsIn(model.graph)) {
    for (const value of [...graph.initializers]) {
      const { tensor, name } = value;
      if (tensor === undefined || scales.has(value) || !isCandidate(value, tensor)) continue;
      const bound = whyBound(graph, value);
      const rounded = bound ?? seen.get(tensor) ?? round(tensor);
      if (bound === undefined) seen.set(tensor, rounded);
      if (typeof rounded === 'string') {
        kept.push({ initializer: name, reason: rounded });
        continue;
      }
      widen(graph, value, rounded.tensor);
      stored.push({ initializer: name, elements: tensor.size, relativeError: rounded.relativeError });
    }
  }
  checkGraph(model.graph, NAME);
  return {
    name: NAME,
    stored,
    kept,
    bytesSaved: stored.reduce((sum, { elements }) => sum + 2 * elements, 0),
    largestError: stored.reduce((most, { relativeError }) => Math.max(most, relativeError), 0),
  };
}

/** What nodes read as scales of integers: of numbers that are packed, everything that they read beside them. */
function scalesIn(graph: Graph): Set<Value> {
  const scales = nodesIn(graph).flatMap((node) => {
    const { quantized = [], opaque = [] } = ruleOf(node).couple(node);
    const beside = opaque.length === 0 ? [] : node.inputs;
    return [...quantized.map(({ scale }) => scale?.value), ...beside];
  });
  return new Set(scales.filter((value) => value !== undefined));
}

/** Whether a tensor is a float32 weight for which a Cast pays. */
function isCandidate(value: Value, tensor: Tensor): boolean {
  const pays = 2 * tensor.size > CAST_BYTES + 3 * castName(value).length;
  return (
    tensor.type === 'float32' && tensor.dims.length > 0 && tensor.size >= LEAST_ELEMENTS && pays && value.uses.size > 0
  );
}

/** Why a value has to stay as it is, whatever its numbers; undefined where it has not. */
function whyBound(graph: Graph, value: Value): string | undefined {
  if (graph.inputs.includes(value)) return 'it is a graph input, whose type is fixed';
  if (graph.isOutput(value)) return 'it is a graph output, whose type is fixed';
  const opset = graph.scope.opsets.get('') ?? 1;
  if (opset < CAST_SINCE) return `operator set ${opset} of the model is older than ${CAST_SINCE}, whose Cast it needs`;
  return undefined;
}

interface Rounded {
  readonly tensor: Tensor;
  readonly relativeError: number;
}

/** A tensor in float16, or why it must not be. */
function round(tensor: Tensor): Rounded | string {
  const values = tensor.floats();
  if (!(values instanceof Float32Array)) return 'it is not float32';
  const largest = largestMagnitude(values);
  if (!Number.isFinite(largest)) return 'it holds NaN or infinite numbers';
  if (largest > LARGEST_FLOAT16)
    return `it holds numbers up to ${Number(largest.toPrecision(6))}, beyond the ${LARGEST_FLOAT16} of float16`;
  const bits = float32ToFloat16(values);
  const { errors, numbers } = roundingSquares(values, bits, tensor.dims[0] ?? 1);
  if (errors.some((error) => error > 0) && values.every(Number.isInteger))
    return 'it holds whole numbers that float16 would change, which are rather places or counts than weights';
  const floor = FAINT * Math.sqrt(numbers.reduce((most, number) => Math.max(most, number), 0));
  for (let slice = 0; slice < errors.length; slice++) {
    const error = Math.sqrt(errors[slice] as number);
    const norm = Math.sqrt(numbers[slice] as number);
    if (error > MOST_LOST * Math.max(norm, floor))
      return `float16 is too coarse for its small numbers: position ${slice} of its first axis would lose ${percent(error / norm)}`;
  }
  const sum = (squares: Float64Array): number => squares.reduce((total, square) => total + square, 0);
  const whole = sum(numbers);
  return {
    tensor: Tensor.of('float16', tensor.dims, new Uint8Array(bits.buffer)),
    relativeError: whole === 0 ? 0 : Math.sqrt(sum(errors) / whole),
  };
}

function percent(part: number): string {
  return `${(part * 100).toPrecision(2)}%`;
}

/** Puts the tensor under the value's name, and a Cast between it and the readers. */
function widen(graph: Graph, value: Value, tensor: Tensor): void {
  // Not the same value with another tensor: the file may declare the type of that one.
  const half = graph.addValue(value.name);
  graph.setTensor(half, tensor);
  const name = graph.uniqueName(castName(value));
  const to = intAttribute('to', dataTypeNumber('float32'));
  const cast = graph.addNode({ opType: 'Cast', name, inputs: [half], attributes: [to] }, [name]);
  const wide = present(cast.outputs[0], `the output of "${name}"`);
  graph.setType(wide, { type: 'float32', dims: tensor.dims });
  graph.replaceUses(value, wide);
  graph.removeInitializer(value);
}

function castName({ name }: Value): string {
  return `${name}_float32`;
}
