import { present } from '../errors.ts';
import { intAttribute } from './attributes.ts';
import { dataTypeNumber } from './data-type.ts';
import type { Graph, NodeSpec } from './graph.ts';
import { Tensor } from './tensor.ts';
import { dimsOf, elementTypeOf, type Value } from './value.ts';

/** Adds a node of one output to a graph. @param wish name of both, or close to it @returns the output */
export function append(graph: Graph, wish: string, spec: NodeSpec): Value {
  const name = graph.uniqueName(wish);
  return present(graph.addNode({ ...spec, name }, [name]).outputs[0], `the output of "${name}"`);
}

/** A value as float32: itself, or what a Cast makes of it. */
export function asFloat32(graph: Graph, value: Value): Value {
  if (elementTypeOf(value) === 'float32') return value;
  const attributes = [intAttribute('to', dataTypeNumber('float32'))];
  return append(graph, `${value.name}_wide`, { opType: 'Cast', inputs: [value], attributes });
}

/** The positions of a value along an axis that the indices name. */
export function gather(graph: Graph, value: Value, dim: number, indices: readonly number[]): Value {
  const places = graph.addInitializer(`${value.name}_places`, Tensor.ofIntegers(indices));
  const attributes = [intAttribute('axis', dim)];
  return append(graph, `${value.name}_gathered`, { opType: 'Gather', inputs: [value, places], attributes });
}

/** A new input of a graph that takes what a value, of another graph perhaps, is: of its type and rank, and any lengths. */
export function addInputLike(graph: Graph, value: Value, wish: string): Value {
  const dims = dimsOf(value)?.map(() => undefined);
  const input = graph.addValue(graph.uniqueName(wish), { type: elementTypeOf(value), ...(dims && { dims }) });
  graph.addInput(input);
  return input;
}
