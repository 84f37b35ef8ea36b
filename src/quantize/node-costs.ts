import type { Node } from '../ir/node.ts';

/** How long a node takes, as the runtime calls it. */
export interface NodeCost {
  readonly name: string;
  readonly operator: string;
  readonly microseconds: number;
}

/**
 * Gives each node its part of all the time that was measured. The runtime makes up names for nodes that have none: those of an
 * operator are told apart by their order, which is that of the saved graph, or share their time evenly where some of them never
 * ran. So do nodes of one name and operator.
 * @param times in the order in which the nodes ran
 * @returns parts that are 1 together; none where no time was measured
 */
export function nodeCosts(nodes: readonly Node[], times: readonly NodeCost[]): Map<Node, number> {
  const known = new Set(nodes.map(({ opType, name }) => keyOf(opType, name)));
  const measured = new Map<string, number[]>();
  for (const { name, operator, microseconds } of times) {
    const key = keyOf(operator, known.has(keyOf(operator, name)) ? name : '');
    measured.set(key, [...(measured.get(key) ?? []), microseconds]);
  }
  const costs = new Map<Node, number>();
  for (const [key, alike] of groupsOf(nodes)) {
    const found = measured.get(key) ?? [];
    const mean = sum(found) / alike.length;
    alike.forEach((node, index) => {
      costs.set(node, found.length === alike.length ? (found[index] ?? 0) : mean);
    });
  }
  const total = sum([...costs.values()]);
  return total === 0 ? new Map() : new Map([...costs].map(([node, cost]) => [node, cost / total]));
}

function keyOf(operator: string, name: string): string {
  return `${operator} ${name}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function groupsOf(nodes: readonly Node[]): Map<string, readonly Node[]> {
  const groups = new Map<string, readonly Node[]>();
  for (const node of nodes) {
    const key = keyOf(node.opType, node.name);
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  return groups;
}
