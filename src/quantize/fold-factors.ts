import type { RuleLookup } from '../channels/couplings.ts';
import type { Graph } from '../ir/graph.ts';

/**
 * Takes the numbers that nodes multiply their products and biases by into the constants, where those are their own: the runtime
 * has kernels for integers only where such a number is 1.
 *
 * @returns how many nodes had such numbers
 */
export function foldFactors(graph: Graph, ruleOf: RuleLookup): number {
  return [...graph.nodes].filter((node) => ruleOf(node).takeFactorsIn?.(node, graph) ?? false).length;
}
