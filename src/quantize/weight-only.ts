import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import type { BlockFormat } from '../ops/rounded-form.ts';
import type { OpRule } from '../ops/rule.ts';
import { type RoundedSites, sitesOf } from './sites.ts';

/**
 * The nodes whose constants can be stored in few bits, while what is computed stays float32 in and out. `applySites` writes
 * them.
 * @param format blocks of columns with a scale each, scales [rows, ⌈columns / size⌉], codes from −8 to 7 for 4 bits; left out:
 * int8 with one scale a row, in operators of ONNX alone
 */
export function weightOnlySites(graph: Graph, ruleOf: (node: Node) => OpRule, format?: BlockFormat): RoundedSites {
  return sitesOf(graph, (node) => {
    const { dequantized, blocked, layer, products } = ruleOf(node);
    const form = format === undefined ? dequantized : blocked && ((each: Node) => blocked(each, format));
    if (form !== undefined) return form(node);
    const multiplies = layer?.(node) !== undefined || products !== undefined;
    return multiplies ? `the runtime would widen the weights of ${node.opType} at each run` : undefined;
  });
}
