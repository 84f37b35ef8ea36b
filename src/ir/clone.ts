import { present } from '../errors.ts';
import { Graph, type Scope } from './graph.ts';
import type { Attribute, Node } from './node.ts';
import type { Value } from './value.ts';

/** A copy of a graph, and the way from the original's values and nodes to the copy's. */
export interface GraphClone {
  readonly graph: Graph;
  twinOf(original: Value): Value;
  twinOfNode(original: Node): Node;
}

/**
 * Copies nodes and values, those of subgraphs too; tensors and messages are immutable and shared.
 * @param changes what the copy's scope says otherwise; where it no longer lists initializers as inputs, they are none
 */
export function cloneGraph(original: Graph, changes: Partial<Omit<Scope, 'names'>> = {}): GraphClone {
  const copier = new GraphCopier(new Set(original.scope.names), changes);
  const graph = copier.copyGraph(original);
  return {
    graph,
    twinOf: (value) => copier.twinOf(value),
    twinOfNode: (node) => copier.twinOfNode(node),
  };
}

/** Copies graphs or single nodes, and remembers which copy is whose. */
export class GraphCopier {
  readonly #values = new Map<Value, Value>();
  readonly #nodes = new Map<Node, Node>();
  readonly #names: Set<string>;
  readonly #changes: Partial<Omit<Scope, 'names'>>;

  /**
   * @param names taken in the model that the copies belong to; grows as they are made
   * @param changes what the scopes of copied graphs say otherwise
   */
  constructor(names: Set<string>, changes: Partial<Omit<Scope, 'names'>> = {}) {
    this.#names = names;
    this.#changes = changes;
  }

  twinOf(value: Value): Value {
    return present(this.#values.get(value), `the copy of value "${value.name}"`);
  }

  twinOfNode(node: Node): Node {
    return present(this.#nodes.get(node), `the copy of node "${node.name}"`);
  }

  /** A copy of a value with its data, if it has any, in a graph; the one there is where there is one. */
  copyValue(value: Value, graph: Graph): Value {
    const twin = this.#copyBare(value, graph);
    if (value.tensor !== undefined && twin.tensor === undefined) graph.setTensor(twin, value.tensor);
    return twin;
  }

  #copyBare(value: Value, graph: Graph): Value {
    const known = this.#values.get(value);
    if (known !== undefined) return known;
    const twin = graph.addValue(value.name, value.type, value.info);
    this.#values.set(value, twin);
    return twin;
  }

  /**
   * A copy of a node in a graph; everything that it reads must have been copied before, and what it makes, unless other values
   * are given for that.
   */
  copyNode(
    node: Node,
    graph: Graph,
    outputs: readonly (Value | undefined)[] = node.outputs.map((output) => output && this.twinOf(output)),
  ): Node {
    const attributes = [...node.attributes.values()].map(
      ({ proto, graphs }): Attribute => ({ proto, graphs: graphs.map((body) => this.copyGraph(body)) }),
    );
    const twin = graph.insertNode(
      node.proto,
      node.inputs.map((input) => input && this.twinOf(input)),
      outputs,
      attributes,
    );
    this.#nodes.set(node, twin);
    return twin;
  }

  /** A copy of a graph; what a body reads from outside must have been copied before. */
  copyGraph(source: Graph): Graph {
    const graph = new Graph(source.proto, { ...source.scope, ...this.#changes, names: this.#names });
    // Initializers that only had to be inputs; as inputs of a later IR version they would be defaults that may be overridden.
    const unlisted = source.scope.initializersAreInputs && !graph.scope.initializersAreInputs;
    for (const value of source.values) this.#copyBare(value, graph);
    // In their own order, which is the file's and then that in which constants were folded, so that a copy is written as the original is.
    for (const value of source.initializers) this.copyValue(value, graph);
    for (const input of source.inputs) {
      if (!unlisted || input.tensor === undefined) graph.addInput(this.twinOf(input));
    }
    for (const node of source.nodes) this.copyNode(node, graph);
    for (const output of source.outputs) graph.addOutput(this.twinOf(output));
    return graph;
  }
}
