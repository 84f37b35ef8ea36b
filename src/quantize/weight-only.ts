import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import type { BlockFormat } from '../ops/rounded-form.ts';
import type { OpRule } from '../ops/rule.ts';
import { type RoundedSites, sitesOf } from './sites.ts';

/**
 * The nodes whose constants can be stored in few bits, while what is computed stays float32 in and out. `applySites` writes
 * them. ONNX's own DequantizeLinear before a product would say the same, but the runtime takes it up in some places only, and
 * widens the weights in each run elsewhere: before a rectifier for one (measured: a seventh of the speed).
 * @param format blocks of columns with a scale each, scales [rows, ⌈columns / size⌉]; codes from −8 to 7 for 4 bits, int8 for 8
 */
export function weightOnlySites(graph: Graph, ruleOf: (node: Node) => OpRule, format: BlockFormat): RoundedSites {
  return sitesOf(graph, (node) => {
    const { blocked, layer, products } = ruleOf(node);
    if (blocked !== undefined) return blocked(node, format);
    const multiplies = layer?.(node) !== undefined || products !== undefined;
    return multiplies ? `the runtime would widen the weights of ${node.opType} at each run` : undefined;
  });
}
