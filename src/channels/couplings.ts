import type { Graph } from '../ir/graph.ts';
import { type Node, nodesInOrder, subgraphsOf } from '../ir/node.ts';
import { dimsOf, type Value } from '../ir/value.ts';
import { axis, pinAll, pinValue, valuesOf } from '../ops/coupling.ts';
import { type Alternative, type AxisLink, type Coupling, isAxis, type OpRule, type Pin } from '../ops/rule.ts';

/** How the builder asks what is known of an operator. */
export type RuleLookup = (node: Node) => OpRule;

/** A node with its coupling, choices still open. */
export interface NodeCoupling {
  readonly node: Node;
  readonly coupling: Coupling;
}

/**
 * The couplings of the nodes of a graph and of the graphs inside it, in executable order, bodies before the nodes that run them.
 * A node whose attributes contradict the lengths around it (three groups of eight channels, or none) stays as it is.
 */
export function couplingsOf(graph: Graph, ruleOf: RuleLookup): NodeCoupling[] {
  return nodesInOrder(graph).map((node) => {
    const coupling = ruleOf(node).couple(node);
    return { node, coupling: isWhole(coupling) ? coupling : pinAll(node, `the sizes at ${node.opType} do not fit`) };
  });
}

/** Whether every axis inside the node has a length that is one. */
function isWhole({ links, choices = [] }: Coupling): boolean {
  const all = [...links, ...choices.flat().flatMap((alternative) => alternative.links)];
  return all.every(({ a, b }) => [a, b].every((place) => isAxis(place) || Number.isSafeInteger(place.length)));
}

/**
 * What becomes of the ends of bodies: those that no coupling speaks of (an operator without a rule, a type that is not a
 * tensor) stay as they are.
 */
export function bodyPins(couplings: readonly NodeCoupling[]): Pin[] {
  const pins: Pin[] = [];
  for (const { node, coupling } of couplings) {
    const bodies = subgraphsOf(node);
    if (bodies.length === 0) continue;
    const linked = new Set(
      coupling.links.flatMap(({ a, b }) => [a, b]).map((place) => (isAxis(place) ? place.value : undefined)),
    );
    for (const body of bodies) {
      for (const value of [...body.inputs, ...body.outputs])
        if (!linked.has(value)) pins.push(...pinValue(value, `it crosses the boundary of the body of ${node.opType}`));
    }
  }
  return pins;
}

/** What the outside world relies on: graph inputs (those with data of their own excepted) and graph outputs. */
export function boundaryPins(graph: Graph): Pin[] {
  const inputs = graph.inputs
    .filter((value) => value.tensor === undefined)
    .flatMap((value) => pinValue(value, `it is the graph input "${value.name}"`));
  const outputs = graph.outputs.flatMap((value) => pinValue(value, `it is the graph output "${value.name}"`));
  return [...inputs, ...outputs];
}

/** One alternative per choice, made part of the coupling; axes that nothing mentions then are pinned. */
export function resolve({ node, coupling }: NodeCoupling, chosen: readonly Alternative[]): NodeCoupling {
  const links: AxisLink[] = [...coupling.links, ...chosen.flatMap((alternative) => alternative.links)];
  const pins: Pin[] = [...coupling.pins, ...chosen.flatMap((alternative) => alternative.pins)];
  const mentioned = new Map<Value, Set<number>>();
  const mention = (value: Value | undefined, dim: number): void => {
    if (value === undefined) return;
    const dims = mentioned.get(value);
    if (dims === undefined) mentioned.set(value, new Set([dim]));
    else dims.add(dim);
  };
  for (const { a, b } of links) for (const place of [a, b]) if (isAxis(place)) mention(place.value, place.dim);
  for (const pin of pins) mention(pin.axis.value, pin.axis.dim);
  for (const each of coupling.free ?? []) mention(each.value, each.dim);
  for (const { input, dim } of coupling.contractions) mention(node.inputs[input], dim);
  for (const value of valuesOf(node)) {
    dimsOf(value)?.forEach((length, dim) => {
      if (length !== 1 && !mentioned.get(value)?.has(dim)) {
        pins.push({ axis: axis(value, dim), reason: `${node.opType} uses it in a way that is not followed` });
      }
    });
  }
  return { node, coupling: { ...coupling, links, pins, choices: [] } };
}
