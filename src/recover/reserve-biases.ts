import type { RuleLookup } from '../channels/couplings.ts';
import type { Model } from '../ir/model.ts';
import type { Lineage } from './lineage.ts';
import { stopsOf } from './stops.ts';

/**
 * Gives the layers of a pruned model the biases that recovering would give them, in place, so that it has the parameters
 * and nodes that it would have then. The numbers in them mean nothing; those of no two layers are the same.
 */
export function reserveBiases(model: Model, lineage: Lineage, ruleOf: RuleLookup): void {
  stopsOf(model, lineage, ruleOf, 'changed').forEach(({ node, matrix }, index) => {
    const rule = ruleOf(node);
    if (rule.takesBias?.(node) === true)
      rule.addBias?.(node, new Float64Array(matrix.rows).fill(index + 1), node.graph);
  });
}
