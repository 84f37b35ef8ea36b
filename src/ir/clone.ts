import { present } from '../errors.ts';
import { Graph } from './graph.ts';
import type { Node } from './node.ts';
import type { Value } from './value.ts';

/** A copy of a graph, and the way from the original's values and nodes to the copy's. */
export interface GraphClone {
  readonly graph: Graph;
  twinOf(original: Value): Value;
  twinOfNode(original: Node): Node;
}

/** Copies nodes and values, those of subgraphs too; tensors and messages are immutable and shared. */
export function cloneGraph(original: Graph): GraphClone {
  const values = new Map<Value, Value>();
  const nodes = new Map<Node, Node>();
  const names = new Set(original.scope.names);
  const twinOf = (value: Value): Value => present(values.get(value), `the copy of value "${value.name}"`);

  const copy = (source: Graph): Graph => {
    const graph = new Graph(source.proto, { ...source.scope, names });
    for (const value of source.values) {
      const twin = graph.addValue(value.name, value.type, value.info);
      values.set(value, twin);
    }
    for (const input of source.inputs) graph.addInput(twinOf(input));
    for (const value of source.initializers) {
      if (value.tensor !== undefined) graph.setTensor(twinOf(value), value.tensor);
    }
    for (const node of source.nodes) {
      const attributes = [...node.attributes.values()].map(({ proto, graphs }) => ({
        proto,
        graphs: graphs.map(copy),
      }));
      const twin = graph.insertNode(
        node.proto,
        node.inputs.map((input) => input && twinOf(input)),
        node.outputs.map((output) => output && twinOf(output)),
        attributes,
      );
      nodes.set(node, twin);
    }
    for (const output of source.outputs) graph.addOutput(twinOf(output));
    return graph;
  };

  const graph = copy(original);
  return { graph, twinOf, twinOfNode: (node) => present(nodes.get(node), `the copy of node "${node.name}"`) };
}
