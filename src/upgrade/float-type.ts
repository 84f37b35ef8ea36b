import { tensor } from '../ir/attributes.ts';
import { type DataType, dataTypeOf, isFloat } from '../ir/data-type.ts';
import type { Graph } from '../ir/graph.ts';
import { graphsIn, type Node } from '../ir/node.ts';
import { elementTypeOf } from '../ir/value.ts';
import type { Surroundings } from './change.ts';

/**
 * The one floating-point type of a model: that of all values whose type is known, constants of nodes and targets of Cast
 * included. What a file declares of its inputs and weights decides it, even where it says nothing of what is between.
 */
export function soleFloatType(graph: Graph): DataType | undefined {
  const types = new Set<DataType>();
  for (const each of graphsIn(graph)) {
    for (const value of each.values) types.add(elementTypeOf(value));
    for (const node of each.nodes) {
      types.add(tensor(node, 'value')?.type ?? 'undefined');
      if (node.opType === 'Cast') types.add(dataTypeOf(Number(node.attributes.get('to')?.proto.i ?? 0)));
    }
  }
  const floats = [...types].filter(isFloat);
  return floats.length === 1 ? floats[0] : undefined;
}

/** The type of the numbers that a node takes and gives, where input 0 and output 0 have one type; undefined where unknown. */
export function typeThrough(node: Node, { floatType }: Surroundings): DataType | undefined {
  for (const value of [node.inputs[0], node.outputs[0]]) {
    const type = value === undefined ? 'undefined' : elementTypeOf(value);
    if (type !== 'undefined') return type;
  }
  return floatType;
}
