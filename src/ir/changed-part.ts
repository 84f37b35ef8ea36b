import type { Graph } from './graph.ts';
import type { Model } from './model.ts';
import { type Node, readsOf, subgraphsOf } from './node.ts';
import type { Tensor } from './tensor.ts';
import { dimsOf, type Value } from './value.ts';

/** Where two models differ. */
export interface ChangedPart {
  /** Values that the differing parts of both read, by name. */
  readonly given: readonly string[];
  /** Values that they give to what is the same in both, or out of the model. */
  readonly wanted: readonly string[];
  /** Nodes of the second model that differ, or lie between some that do, and all that it has. */
  readonly nodes: number;
  readonly ofNodes: number;
}

/**
 * The part outside of which two models are the same node for node: where the parts give the same for the same, so do the
 * models. Nodes are the same that make values of the same names out of such, with the same operator, attributes and data;
 * those with bodies are taken for different.
 *
 * @returns undefined where they are the same all over, or where what flows into or out of the part differs in name or shape
 */
export function changedPart(before: Model, after: Model): ChangedPart | undefined {
  const [first, second] = [nodesByOutput(before.graph), nodesByOutput(after.graph)];
  const inBefore = regionOf(before.graph, (node) => !hasTwin(node, second));
  const inAfter = regionOf(after.graph, (node) => !hasTwin(node, first));
  if (inBefore.size + inAfter.size === 0) return undefined;
  const [own, other] = [bordersOf(before.graph, inBefore), bordersOf(after.graph, inAfter)];
  const given = new Set([...own.given, ...other.given]);
  const wanted = new Set([...own.wanted, ...other.wanted]);
  const [values, others] = [valuesByName(before.graph), valuesByName(after.graph)];
  for (const name of [...given, ...wanted]) if (!haveSameShape(values.get(name), others.get(name))) return undefined;
  return { given: [...given], wanted: [...wanted], nodes: inAfter.size, ofNodes: after.graph.nodes.size };
}

function nodesByOutput(graph: Graph): Map<string, Node> {
  return new Map(
    [...graph.nodes].flatMap((node) => node.outputs.flatMap((value) => (value ? [[value.name, node]] : []))),
  );
}

function valuesByName(graph: Graph): Map<string, Value> {
  return new Map([...graph.values].map((value) => [value.name, value]));
}

function hasTwin(node: Node, others: ReadonlyMap<string, Node>): boolean {
  const twin = others.get(node.outputs.find((value) => value !== undefined)?.name ?? '');
  if (twin === undefined || twin.opType !== node.opType || twin.domain !== node.domain) return false;
  if (twin.inputs.length !== node.inputs.length || twin.outputs.length !== node.outputs.length) return false;
  if (subgraphsOf(node).length + subgraphsOf(twin).length > 0 || twin.attributes.size !== node.attributes.size)
    return false;
  return (
    node.inputs.every((value, i) => isSameValue(value, twin.inputs[i])) &&
    node.outputs.every((value, i) => value?.name === twin.outputs[i]?.name) &&
    [...node.attributes].every(([name, { proto }]) => twin.attributes.get(name)?.proto === proto)
  );
}

function isSameValue(a: Value | undefined, b: Value | undefined): boolean {
  return a?.name === b?.name && isSameTensor(a?.tensor, b?.tensor);
}

/** Tensors are immutable and shared between clones, so that those that are the same are one. */
function isSameTensor(a: Tensor | undefined, b: Tensor | undefined): boolean {
  return a === b || (a !== undefined && a.proto === b?.proto);
}

/** Nodes that differ, and those that lie between them: what differs flows through these. */
function regionOf(graph: Graph, differs: (node: Node) => boolean): Set<Node> {
  const order = graph.sorted();
  const seeds = new Set(order.filter(differs));
  const behind = new Set<Node>();
  for (const node of order)
    if (seeds.has(node) || [...readsOf(node)].some(({ producer }) => producer !== undefined && behind.has(producer)))
      behind.add(node);
  const ahead = new Set<Node>();
  const read = new Set<Value>();
  for (const node of order.reverse()) {
    if (!seeds.has(node) && !node.outputs.some((value) => value !== undefined && read.has(value))) continue;
    ahead.add(node);
    for (const value of readsOf(node)) read.add(value);
  }
  return new Set([...behind].filter((node) => ahead.has(node)));
}

/** Names of the values that enter a region, and of those that leave it. */
function bordersOf(graph: Graph, region: ReadonlySet<Node>): { given: Set<string>; wanted: Set<string> } {
  const [given, wanted, elsewhere] = [new Set<string>(), new Set<string>(), new Set<Value>()];
  for (const node of graph.nodes) if (!region.has(node)) for (const value of readsOf(node)) elsewhere.add(value);
  for (const node of region) {
    for (const value of readsOf(node)) {
      const isInside = value.tensor !== undefined || (value.producer !== undefined && region.has(value.producer));
      if (!isInside) given.add(value.name);
    }
    for (const value of node.outputs) {
      if (value === undefined) continue;
      if (graph.isOutput(value) || elsewhere.has(value)) wanted.add(value.name);
    }
  }
  return { given, wanted };
}

function haveSameShape(a: Value | undefined, b: Value | undefined): boolean {
  const [dims, others] = [a && dimsOf(a), b && dimsOf(b)];
  if (dims === undefined || others === undefined || dims.length !== others.length) return false;
  return a?.type?.type === b?.type?.type && dims.every((dim, i) => dim === others[i]);
}
