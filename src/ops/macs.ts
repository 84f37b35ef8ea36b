import type { Graph } from '../ir/graph.ts';
import { type Node, nodesIn } from '../ir/node.ts';
import { ruleOf } from './rules.ts';

/** Multiply-accumulates of a graph, and how many nodes that multiply have tensors of unknown rank. */
export interface MacCount {
  readonly macs: number;
  readonly unknown: number;
}

/** Multiply-accumulates of one node; undefined where it has none or where they are unknown. */
export function macsOfNode(node: Node): number | undefined {
  return ruleOf(node).macs?.(node);
}

/**
 * Sums the multiply-accumulates of convolutions and matrix products; open lengths (batch, sequence) count as 1, and so do
 * the turns of a loop. */
export function countMacs(graph: Graph): MacCount {
  let [macs, unknown] = [0, 0];
  for (const node of nodesIn(graph)) {
    const rule = ruleOf(node);
    if (rule.macs === undefined) continue;
    const own = rule.macs(node);
    if (own === undefined) unknown++;
    else macs += own;
  }
  return { macs, unknown };
}
