import { dataTypeNumber } from '../ir/data-type.ts';
import type { Node } from '../ir/node.ts';
import { Tensor } from '../ir/tensor.ts';
import type { Value } from '../ir/value.ts';
import { type AttributeProto, copyMessage } from '../onnx/messages.ts';

/** What names of new things around a node begin with: its name, or that of its first output. */
export function stemOf({ name, outputs }: Node): string {
  return name !== '' ? name : (outputs[0]?.name ?? '');
}

/** Gives a node a new constant as an input. @param what names the constant */
export function setConstant(node: Node, index: number, what: string, tensor: Tensor): void {
  const { graph } = node;
  graph.setInput(node, index, graph.addInitializer(`${stemOf(node)}_${what}`, tensor));
}

/**
 * Turns an attribute of integers into an input of int64 [number of them].
 * @returns whether there was one; an empty list counts as none, as leaving the input out means the same
 */
export function integersToInput(node: Node, attribute: string, index: number): boolean {
  const given = node.attributes.get(attribute)?.proto;
  if (given === undefined) return false;
  // A single integer has a field of its own. Numbers stay in the form they were read in: they may be the largest int64.
  const values = given.ints ?? (given.i === undefined || given.i === null ? [] : [given.i]);
  node.graph.removeAttribute(node, attribute);
  if (values.length === 0) return false;
  const tensor = new Tensor({ dims: [values.length], dataType: dataTypeNumber('int64'), int64Data: values });
  setConstant(node, index, attribute, tensor);
  return true;
}

/** What a node becomes. */
export interface Replacement {
  readonly opType: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: readonly AttributeProto[];
}

/** Puts a node of another operator in the place of one, under its name and with its outputs. */
export function replaceNode(node: Node, { opType, inputs, attributes }: Replacement): void {
  const { graph } = node;
  const outputs = graph.takeOutputs(node);
  const proto = Object.assign(copyMessage(node.proto), { opType });
  graph.insertNode(
    proto,
    inputs,
    outputs,
    attributes.map((attribute) => ({ proto: attribute, graphs: [] })),
  );
}

/** Leaves out the outputs of a node from an index on, where nobody reads them. @returns whether nobody does */
export function dropOutputsFrom(node: Node, first: number): boolean {
  const { graph } = node;
  const extra = node.outputs.flatMap((output, index) =>
    index >= first && output !== undefined ? [{ output, index }] : [],
  );
  if (extra.some(({ output }) => output.uses.size > 0 || graph.isOutput(output))) return false;
  for (const { index } of extra.reverse()) graph.dropOutput(node, index);
  return true;
}
