import { intsAttribute, ints as intsOfAttribute } from '../ir/attributes.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { elementsOf, type PartialList, withElements } from '../ir/partial-list.ts';
import { Tensor } from '../ir/tensor.ts';
import type { Value } from '../ir/value.ts';

/** Where a list of integers is given: as an attribute in older operator sets, as an input in newer ones. */
export interface IntsParameter {
  readonly attribute: string;
  readonly input: number;
}

/**
 * A list of integers given by attribute or by a constant input.
 * @returns the integers, undefined where the node leaves them out, `'dynamic'` where they are computed at run time
 */
export function intsParameter(node: Node, { attribute, input }: IntsParameter): number[] | 'dynamic' | undefined {
  const attributed = intsOfAttribute(node, attribute);
  if (attributed !== undefined) return attributed;
  const value = node.inputs[input];
  if (value === undefined) return undefined;
  return value.tensor === undefined ? 'dynamic' : value.tensor.integers();
}

/** The same for a list that may be constant in part: elements that are computed are undefined, as is a list of unknown length. */
export function partialIntsParameter(node: Node, parameter: IntsParameter): PartialList | undefined {
  const list = intsParameter(node, parameter);
  if (list !== 'dynamic') return list;
  const value = node.inputs[parameter.input];
  return value && elementsOf(value);
}

/**
 * Writes such a list back where the node has it. A constant that others share stays; the node gets one of its own then.
 * Elements that are undefined stay computed.
 */
export function setIntsParameter(graph: Graph, node: Node, parameter: IntsParameter, list: PartialList): void {
  const values = list.filter((element) => element !== undefined);
  const computed = node.inputs[parameter.input];
  if (values.length < list.length && computed !== undefined) {
    graph.setInput(node, parameter.input, withElements(graph, computed, list));
    return;
  }
  if (node.attributes.has(parameter.attribute)) {
    graph.setAttribute(node, intsAttribute(parameter.attribute, values));
    return;
  }
  const old = node.inputs[parameter.input];
  setConstant(graph, node, parameter, integersLike(old, values, [values.length]));
}

/** Integers in the type of the constant whose place they take, int64 unless that is int32. */
export function integersLike(old: Value | undefined, values: readonly number[], dims: readonly number[]): Tensor {
  return old?.tensor?.type === 'int32'
    ? Tensor.of('int32', dims, bytesOfInt32(values))
    : Tensor.ofIntegers(values, dims);
}

/** Gives a node another constant as an input. A constant that others share stays; the node gets one of its own then. */
export function setConstant(
  graph: Graph,
  node: Node,
  { attribute: stem, input: index }: IntsParameter,
  tensor: Tensor,
): void {
  const old = node.inputs[index];
  const own =
    old !== undefined && old.tensor !== undefined && old.uses.size === 1 && graph.owns(old) && !graph.isOutput(old);
  if (own && node.inputs.filter((value) => value === old).length === 1) {
    graph.setTensor(old, tensor);
    return;
  }
  graph.setInput(node, index, graph.addInitializer(old?.name ?? `${node.name}_${stem}`, tensor));
}

function bytesOfInt32(values: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

/** An axis number counted from the front. */
export function fromFront(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
