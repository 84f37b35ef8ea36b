import type { Graph } from './ir/graph.ts';
import type { Model } from './ir/model.ts';
import { labelOf, type Node, nodesIn } from './ir/node.ts';
import { ruleOf } from './ops/rules.ts';
import type { Int8Wishes } from './options/int8-options.ts';
import type { OpsetChange, QuantizeReport } from './quantize-report.ts';
import { upgradeOpset } from './upgrade/upgrade.ts';

/** The operator set in which scales can be one for each channel. */
const LEAST_OPSET = 13;
/**
 * A model with operators of a set in which all of this can be said; the model itself where it has one, or is quantized already.
 * @throws OnnxPruneError `unsupported` where what changed since its own set is not understood
 */
export function readyForIntegers(model: Model): { readonly model: Model; readonly opset: OpsetChange | null } {
  if (quantizedNodes(model.graph).length > 0) return { model, opset: null };
  const upgraded = upgradeOpset(model, LEAST_OPSET);
  const { from, to } = upgraded.report;
  return { model: upgraded.model, opset: from === to ? null : { from, to } };
}

/** What there is to say of a model that is quantized already. @param quantized its nodes that compute on integers */
export function untouched(wishes: Int8Wishes, portable: boolean, quantized: readonly Node[]): QuantizeReport {
  const [first] = quantized;
  const count = quantized.length === 1 ? '1 node computes' : `${quantized.length} nodes compute`;
  return {
    asked: wishes.mode,
    untouched: `the model is quantized already: ${count} on integers with scales, ${first === undefined ? '' : `"${labelOf(first)}" (${first.opType}) for one`}`,
    layers: [],
    floats: [],
    activations: null,
    equalized: [],
    samples: 0,
    portable,
    overflowing: 0,
    folded: 0,
  };
}

/** Nodes that compute on integers that stand for real numbers already. */
export function quantizedNodes(graph: Graph): Node[] {
  return nodesIn(graph).filter((node) => {
    const { quantized = [], opaque = [] } = ruleOf(node).couple(node);
    return quantized.length + opaque.length > 0;
  });
}
