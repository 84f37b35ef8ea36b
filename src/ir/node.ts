import type { AttributeProto, NodeProto } from '../onnx/messages.ts';
import type { Graph } from './graph.ts';
import type { Value } from './value.ts';

/** An attribute of a node: the message as the file holds it, and its graphs where it has any. */
export interface Attribute {
  readonly proto: AttributeProto;
  readonly graphs: readonly Graph[];
}

/** An operator at work. Read-only from outside: `Graph` is the only mutator. */
export interface Node {
  readonly name: string;
  readonly opType: string;
  /** Operator set domain; the empty string is ONNX's own (`ai.onnx` is written so on import). */
  readonly domain: string;
  /** Optional inputs that are left out are undefined. */
  readonly inputs: readonly (Value | undefined)[];
  /** Optional outputs that are left out are undefined. */
  readonly outputs: readonly (Value | undefined)[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly graph: Graph;
  /** Version of the operator set that this node's domain is imported at. */
  readonly opset: number;
  /** The message as the file holds it: doc string, metadata, unknown fields. */
  readonly proto: NodeProto;
}

/** How a node is called in messages: its name, or its operator and first output. */
export function labelOf(node: Node): string {
  return node.name !== '' ? node.name : `${node.opType}(${node.outputs[0]?.name ?? ''})`;
}

/** The graphs that a node carries in its attributes (the bodies of If, Loop, Scan). */
export function subgraphsOf(node: Node): Graph[] {
  return [...node.attributes.values()].flatMap((attribute) => attribute.graphs);
}

/** A graph and the graphs inside it, each before those inside itself. */
export function graphsIn(graph: Graph): Graph[] {
  return [graph, ...[...graph.nodes].flatMap((node) => subgraphsOf(node).flatMap(graphsIn))];
}

/** The nodes of a graph and of the graphs inside it. */
export function nodesIn(graph: Graph): Node[] {
  return graphsIn(graph).flatMap((each) => [...each.nodes]);
}

/** The same in executable order: the nodes of a body stand before the node that runs it. */
export function nodesInOrder(graph: Graph): Node[] {
  return graph.sorted().flatMap((node) => [...subgraphsOf(node).flatMap(nodesInOrder), node]);
}

/** The initializers of a graph and of the graphs inside it. */
export function initializersIn(graph: Graph): Value[] {
  return graphsIn(graph).flatMap((each) => [...each.initializers]);
}

/** Outer values that the subgraphs of a node read. */
export function capturesOf(node: Node): Set<Value> {
  const captured = new Set<Value>();
  for (const body of subgraphsOf(node)) collectCaptures(body, new Set(), captured);
  return captured;
}

/** Every value that a node reads, those that its subgraphs read from outside included, each once. */
export function readsOf(node: Node): Set<Value> {
  const read = new Set(node.inputs.filter((value) => value !== undefined));
  if (subgraphsOf(node).length > 0) for (const value of capturesOf(node)) read.add(value);
  return read;
}

function collectCaptures(graph: Graph, outer: ReadonlySet<Graph>, captured: Set<Value>): void {
  const inside = new Set([...outer, graph]);
  const note = (value: Value | undefined): void => {
    if (value !== undefined && !isInside(value, inside)) captured.add(value);
  };
  for (const node of graph.nodes) {
    for (const input of node.inputs) note(input);
    for (const body of subgraphsOf(node)) collectCaptures(body, inside, captured);
  }
}

function isInside(value: Value, graphs: ReadonlySet<Graph>): boolean {
  for (const graph of graphs) if (graph.owns(value)) return true;
  return false;
}
