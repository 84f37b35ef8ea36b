import { bindingsOf } from '../ir/bindings.ts';
import type { Graph } from '../ir/graph.ts';
import { labelOf, type Node, nodesIn, subgraphsOf } from '../ir/node.ts';
import type { Value } from '../ir/value.ts';
import { ruleOf } from './rules.ts';

/**
 * Leaves out outputs of nodes that nobody reads: those that the operator makes only if asked, and those that come out of bodies.
 * What made them in a body may be dead then.
 * @returns the outputs' names, with the nodes that made them
 */
export function dropUnreadOutputs(graph: Graph): string[] {
  return nodesIn(graph).flatMap((node) => [...dropOptional(node), ...dropOfBodies(node)]);
}

function isUnread(node: Node, value: Value | undefined): value is Value {
  return value !== undefined && value.uses.size === 0 && !node.graph.isOutput(value);
}

/** Whether a node makes something that is read; one that does not is dead as a whole. */
function isAlive(node: Node): boolean {
  return node.outputs.some((value) => value !== undefined && !isUnread(node, value));
}

function describe(node: Node, value: Value): string {
  return `${value.name} of ${labelOf(node)}`;
}

function dropOptional(node: Node): string[] {
  if (!isAlive(node)) return [];
  return (ruleOf(node).optionalOutputs ?? []).flatMap((index) => {
    const value = node.outputs[index];
    if (!isUnread(node, value)) return [];
    const description = describe(node, value);
    node.graph.dropOutput(node, index);
    return [description];
  });
}

const LISTS = ['scan_output_axes', 'scan_output_directions'] as const;

/** Outputs that come out of bodies and go into no further turn of them. */
function dropOfBodies(node: Node): string[] {
  const bodies = subgraphsOf(node);
  const bindings = bodies.length === 0 || !isAlive(node) ? undefined : bindingsOf(node);
  // Lists that have an entry for each output of the body would have to shrink too.
  if (bindings === undefined || LISTS.some((name) => node.attributes.has(name))) return [];
  const carried = new Set(bindings.flatMap(({ way, from }) => (way === 'next' ? [from] : [])));
  return [...node.outputs].flatMap((value) => {
    if (!isUnread(node, value)) return [];
    const sources = bindings.filter(({ way, to }) => way === 'out' && to === value).map(({ from }) => from);
    if (sources.length === 0 || sources.some((source) => carried.has(source))) return [];
    const places = sources.flatMap((source) => {
      const body = bodies.find((each) => each.outputs.includes(source));
      return body === undefined ? [] : [{ body, index: body.outputs.indexOf(source) }];
    });
    // The same value may come out of a body in two places, of which only one is this.
    const isAlone = (source: Value): boolean => bindings.filter(({ from }) => from === source).length === 1;
    if (places.length !== sources.length || !sources.every(isAlone)) return [];
    const description = describe(node, value);
    node.graph.spliceOutput(node, node.outputs.indexOf(value), places);
    return [description];
  });
}
