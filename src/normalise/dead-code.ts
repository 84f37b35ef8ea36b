import type { Graph } from '../ir/graph.ts';
import { type Node, readsOf, subgraphsOf } from '../ir/node.ts';
import type { Value } from '../ir/value.ts';

/**
 * Removes nodes that no output depends on and initializers nobody reads. Graph inputs stay even when unread, since they
 * are part of the signature; initializers that are listed as inputs too go with their reader. Bodies are cleaned as well.
 */
export function removeDeadCode(graph: Graph): { nodes: number; initializers: number } {
  // What a body no longer reads may be all that kept something outside alive.
  const inside = [...graph.nodes].flatMap((node) => subgraphsOf(node).map(removeDeadCode));
  const live = new Set<Node>();
  const alive = new Set<Value>(graph.outputs);
  const stack = graph.outputs.flatMap((value) => (value.producer === undefined ? [] : [value.producer]));
  while (stack.length > 0) {
    const node = stack.pop();
    if (node === undefined || live.has(node) || node.graph !== graph) continue;
    live.add(node);
    for (const value of readsOf(node)) {
      alive.add(value);
      if (value.producer !== undefined) stack.push(value.producer);
    }
  }
  const dead = graph.sorted().filter((node) => !live.has(node));
  for (const node of dead.reverse()) graph.removeNode(node);
  let [nodes, initializers] = [dead.length, 0];
  for (const body of inside) {
    nodes += body.nodes;
    initializers += body.initializers;
  }
  for (const value of [...graph.initializers]) {
    if (alive.has(value)) continue;
    graph.removeInitializer(value);
    initializers++;
  }
  return { nodes, initializers };
}
