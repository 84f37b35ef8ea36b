import type { Graph } from '../ir/graph.ts';
import { capturesOf, type Node, subgraphsOf } from '../ir/node.ts';
import { dimsOf, type Value } from '../ir/value.ts';
import { valuesOf } from '../ops/coupling.ts';
import type { Cut } from './cut.ts';

/**
 * The values that enter the end of the graph which a cut leaves as it is: the nodes of which no tensor loses a position,
 * and none of whose successors does. That end is the same function before and after, so where these values are equal the
 * outputs are right, even if an operator behind them (NonMaxSuppression, TopK, ArgMax) makes a large difference out of a
 * rounding error. Call it on the graph that the cut was decided on, before it shrinks.
 */
export function frontierOf(graph: Graph, cut: Cut): Value[] {
  return frontierBehind(graph, (node) => isTouched(node, cut));
}

/**
 * The same for any change of a graph.
 * @param isTouched whether a node, or one in its bodies, does something else, or has a tensor of another shape
 */
export function frontierBehind(graph: Graph, isTouched: (node: Node) => boolean): Value[] {
  const unchanged = new Set<Node>();
  const frontier = new Set<Value>();
  for (const node of graph.sorted().reverse()) {
    const readers = node.outputs.flatMap((value) => (value === undefined ? [] : [...value.uses]));
    const free = readers.every((reader) => unchanged.has(ownerIn(graph, reader)));
    if (!free || isTouched(node)) continue;
    unchanged.add(node);
    for (const value of readOf(node)) frontier.add(value);
  }
  return [...frontier].filter((value) => value.producer !== undefined && !unchanged.has(value.producer));
}

/**
 * The values before the first decisions: those that hang on none, lose no position, and are read by what does hang on one.
 * Up to there everything is a continuous function, so that cut and masked must agree whatever is decided behind.
 * @param decided the values of the graph that hang on a decision
 */
export function horizonOf(graph: Graph, cut: Cut, decided: ReadonlySet<Value>): Value[] {
  return horizonBefore(graph, decided).filter(
    (value) => !dimsOf(value)?.some((_, dim) => cut.kept({ value, dim }) !== undefined),
  );
}

/** The same before anything is known of a cut: values of which some may lose positions. */
export function horizonBefore(graph: Graph, decided: ReadonlySet<Value>): Value[] {
  const horizon = new Set<Value>();
  for (const node of graph.nodes) {
    if (!node.outputs.some((value) => value !== undefined && decided.has(value))) continue;
    for (const value of readOf(node)) if (value.producer?.graph === graph && !decided.has(value)) horizon.add(value);
  }
  return [...horizon];
}

function isTouched(node: Node, cut: Cut): boolean {
  const own = valuesOf(node).some((value) => dimsOf(value)?.some((_, dim) => cut.kept({ value, dim }) !== undefined));
  return own || subgraphsOf(node).some((body) => [...body.nodes].some((inner) => isTouched(inner, cut)));
}

function readOf(node: Node): Value[] {
  const inputs = node.inputs.filter((value) => value !== undefined);
  return subgraphsOf(node).length === 0 ? inputs : [...inputs, ...capturesOf(node)];
}

/** The node of this very graph that is, or contains, a reader. */
function ownerIn(graph: Graph, reader: Node): Node {
  if (reader.graph === graph) return reader;
  for (const node of graph.nodes) if (contains(node, reader)) return node;
  return reader;
}

function contains(node: Node, inner: Node): boolean {
  return subgraphsOf(node).some(
    (body) => body.nodes.has(inner) || [...body.nodes].some((each) => contains(each, inner)),
  );
}
