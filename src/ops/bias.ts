import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { Tensor } from '../ir/tensor.ts';
import { elementTypeOf } from '../ir/value.ts';
import { floatBytes, isFloatType } from '../numeric/float-bytes.ts';
import { output } from './coupling.ts';
import { setConstant } from './parameters.ts';

/** Where a node has its bias: the input, and the number that the node multiplies it by. */
export interface BiasInput {
  readonly input: number;
  readonly gain: number;
}

const SECOND: BiasInput = { input: 2, gain: 1 };

/**
 * Whether a number per output channel can be added to the bias that a node has as an input, or may have: not where it is computed,
 * is quantized, or has another shape than one number or `channels` of them along its last axis.
 */
export function takesBiasInput(
  node: Node,
  channels: number | undefined,
  { input: at, gain }: BiasInput = SECOND,
): boolean {
  const value = node.inputs[at];
  if (gain === 0 || channels === undefined || !isFloatType(elementTypeOf(value ?? output(node)))) return false;
  return (
    value === undefined || (value.tensor !== undefined && (value.tensor.size === 1 || isVector(value.tensor, channels)))
  );
}

function isVector({ size, dims }: Tensor, channels: number): boolean {
  return size === channels && (dims.at(-1) ?? 1) === channels;
}

/**
 * Adds a number per output channel to the bias that a node has as an input, or gives it one; ask `takesBiasInput` before. A bias
 * that others share stays as it is; the node gets its own.
 */
export function addToBiasInput(
  node: Node,
  amounts: Float64Array,
  graph: Graph,
  { input: at, gain }: BiasInput = SECOND,
): void {
  const value = node.inputs[at];
  const type = elementTypeOf(value ?? output(node));
  if (!isFloatType(type)) return;
  const { tensor } = value ?? {};
  const isOnePerChannel = tensor !== undefined && isVector(tensor, amounts.length);
  const before = tensor?.floats() ?? Float64Array.of(0);
  const sums = amounts.map((amount, i) => (before[isOnePerChannel ? i : 0] as number) + amount / gain);
  // A single number may have more axes than what it is added to, which are part of the result's shape.
  const dims = isOnePerChannel ? tensor.dims : [...(tensor?.dims ?? []).slice(1), amounts.length];
  const summed = Tensor.of(type, dims, floatBytes(type, sums));
  if (value === undefined) {
    const name = `${node.name || output(node).name}_bias`;
    graph.setInput(node, at, graph.addInitializer(name, summed));
  } else setConstant(graph, node, { attribute: 'bias', input: at }, summed);
}

/**
 * The Add behind a node, where that is all that reads what the node gives, and what it adds is a constant vector over the last
 * axis; undefined where there is none.
 */
export function addedBehind(node: Node, channels: number): { readonly node: Node; readonly input: number } | undefined {
  const out = output(node);
  const [reader, ...others] = out.uses;
  if (reader?.opType !== 'Add' || others.length > 0 || reader.graph !== node.graph || node.graph.isOutput(out))
    return undefined;
  const place = { input: reader.inputs[0] === out ? 1 : 0, gain: 1 };
  const isConstant = reader.inputs[place.input]?.tensor !== undefined;
  return isConstant && takesBiasInput(reader, channels, place) ? { node: reader, input: place.input } : undefined;
}

/** Whether `addBehind` can add to what a node gives: not where that holds no floats, nor where Add does not broadcast (before opset 7). */
export function takesAddBehind(node: Node): boolean {
  return isFloatType(elementTypeOf(output(node))) && node.opset >= 7;
}

/**
 * Adds a number per position of the last axis to what a node gives: to the constant vector that is added to it already, or
 * by an Add of its own, which then makes the value that the node made. Ask `takesAddBehind` before.
 */
export function addBehind(node: Node, amounts: Float64Array, graph: Graph): void {
  const out = output(node);
  const type = elementTypeOf(out);
  const behind = addedBehind(node, amounts.length);
  if (behind !== undefined) {
    addToBiasInput(behind.node, amounts, graph, { input: behind.input, gain: 1 });
    return;
  }
  if (!isFloatType(type)) return;
  const bias = graph.addInitializer(`${out.name}_bias`, Tensor.of(type, [amounts.length], floatBytes(type, amounts)));
  const unbiased = graph.addValue(graph.uniqueName(`${out.name}_unbiased`), out.type);
  const [inputs, attributes] = [node.inputs, [...node.attributes.values()]];
  graph.takeOutputs(node);
  graph.insertNode(node.proto, inputs, [unbiased], attributes);
  graph.insertNode({ opType: 'Add', name: graph.uniqueName(`${out.name}_add`) }, [unbiased, bias], [out], []);
}
