import type { RuleLookup } from '../channels/couplings.ts';
import type { Model } from '../ir/model.ts';
import { labelOf, type Node } from '../ir/node.ts';
import type { Value } from '../ir/value.ts';
import { layerMatrix } from './layer-matrix.ts';
import type { Lineage } from './lineage.ts';
import { hasPatches, type Reading } from './moments.ts';
import { type Observation, observationsOf } from './observation.ts';

/** A layer that can make up for what is off in its output. */
export interface Stop extends Reading {
  readonly kind: 'layer';
  /** Where its output is looked at, and the reference's value of the same name. */
  readonly observation: Observation;
  readonly target: Value;
  /** Why the layer's weights stay as they are, so that at most its bias changes: ends the sentence "… because …". */
  readonly fixed: string | undefined;
}

/** Features of a layer up to which second moments are taken of all of them: their matrix is square. */
export const MOST_FEATURES = 4608;

/**
 * The layers of a model whose output can be looked at, in executable order.
 * @param which all of them, or those where something may be off, because of what has left
 */
export function stopsOf({ graph }: Model, lineage: Lineage, ruleOf: RuleLookup, which: 'changed' | 'all'): Stop[] {
  const targets = new Map([...lineage.reference.graph.values].map((value) => [value.name, value]));
  return graph.sorted().flatMap((node): Stop[] => {
    const layer = ruleOf(node).layer?.(node);
    const matrix = layer && layerMatrix(layer);
    if (layer === undefined || matrix === undefined || node.opset < 7) return [];
    const found = observationsOf(layer, ruleOf).flatMap((observation) => {
      const target = targets.get(observation.value.name);
      return target === undefined || target.tensor !== undefined ? [] : [{ observation, target }];
    });
    const last = found.at(-1);
    if (last === undefined || !(which === 'all' || lineage.isChanged(last.observation.value))) return [];
    return [{ kind: 'layer', node, layer, matrix, ...last, fixed: whyFixed({ node, layer, matrix }, ruleOf) }];
  });
}

function whyFixed(reading: Reading, ruleOf: RuleLookup): string | undefined {
  const { node, layer, matrix } = reading;
  const { weight } = layer;
  const shared = whyShared(node, weight);
  if (shared !== undefined) return shared;
  if (!hasPatches(reading, ruleOf)) return `what a position of ${labelOf(node)} sums over is not laid out`;
  if (matrix.features > MOST_FEATURES) return `its rows have ${matrix.features} weights, more than ${MOST_FEATURES}`;
  return undefined;
}

/** Why a weight does not belong to one input of a node alone; undefined where it does. */
export function whyShared(node: Node, weight: Value): string | undefined {
  if (weight.uses.size > 1) return `other nodes read its weight "${weight.name}" too`;
  if (!node.graph.owns(weight) || node.graph.isOutput(weight)) return `its weight "${weight.name}" is not its own`;
  if (node.inputs.indexOf(weight) !== node.inputs.lastIndexOf(weight))
    return `${labelOf(node)} reads its weight "${weight.name}" in several places`;
  return undefined;
}
