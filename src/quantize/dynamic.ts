import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import type { OpRule } from '../ops/rule.ts';
import { type RoundedSites, sitesOf } from './sites.ts';

/**
 * The nodes that can multiply int8 constants with data that are rounded as they come, by the range that they have, so that
 * nothing has to be known of the data before. `applySites` writes them.
 * Codes are int8 [rows, columns], with one scale a row.
 */
export function dynamicSites(graph: Graph, ruleOf: (node: Node) => OpRule): RoundedSites {
  return sitesOf(graph, (node) => {
    const { dynamic, layer, products } = ruleOf(node);
    if (dynamic !== undefined) return dynamic(node);
    const multiplies = layer?.(node) !== undefined || products !== undefined;
    return multiplies
      ? `the runtime has no kernel for ${node.opType} that rounds data as they come and is faster than float`
      : undefined;
  });
}
