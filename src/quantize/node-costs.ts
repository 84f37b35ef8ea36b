import type { Node } from '../ir/node.ts';

/** How long a node takes, as the runtime calls it. */
export interface NodeCost {
  readonly name: string;
  readonly operator: string;
  readonly microseconds: number;
}

/**
 * Gives each node its part of all the time that was measured. Nodes of one name and operator share theirs evenly, and so do
 * those of an operator that have no name, since the runtime makes up names for them.
 * @returns parts that are 1 together; none where no time was measured
 */
export function nodeCosts(nodes: readonly Node[], times: readonly NodeCost[]): Map<Node, number> {
  const known = new Set(nodes.map((node) => keyOf(node.opType, node.name)));
  const measured = new Map<string, number>();
  for (const { name, operator, microseconds } of times) {
    const key = keyOf(operator, known.has(keyOf(operator, name)) ? name : '');
    measured.set(key, (measured.get(key) ?? 0) + microseconds);
  }
  const sharers = new Map<string, number>();
  for (const node of nodes) {
    const key = keyOf(node.opType, node.name);
    sharers.set(key, (sharers.get(key) ?? 0) + 1);
  }
  const costs = new Map<Node, number>();
  let total = 0;
  for (const node of nodes) {
    const key = keyOf(node.opType, node.name);
    const cost = (measured.get(key) ?? 0) / (sharers.get(key) ?? 1);
    costs.set(node, cost);
    total += cost;
  }
  return total === 0 ? new Map() : new Map([...costs].map(([node, cost]) => [node, cost / total]));
}

function keyOf(operator: string, name: string): string {
  return `${operator} ${name}`;
}
