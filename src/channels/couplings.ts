import type { Graph } from '../ir/graph.ts';
import { capturesOf, type Node, subgraphsOf } from '../ir/node.ts';
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

/** The couplings of a graph's nodes in executable order. A body crosses no boundary: what it touches outside is pinned. */
export function couplingsOf(graph: Graph, ruleOf: RuleLookup): NodeCoupling[] {
  return graph.sorted().map((node) => {
    if (subgraphsOf(node).length === 0) return { node, coupling: ruleOf(node).couple(node) };
    const reason = `it crosses into the body of ${node.opType}`;
    const coupling = pinAll(node, reason);
    const captured = [...capturesOf(node)].flatMap((value) => pinValue(value, reason));
    return { node, coupling: { ...coupling, pins: [...coupling.pins, ...captured] } };
  });
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
