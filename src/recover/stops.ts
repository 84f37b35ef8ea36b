import type { RuleLookup } from '../channels/couplings.ts';
import type { Model } from '../ir/model.ts';
import { labelOf, type Node } from '../ir/node.ts';
import { lengthOf, type Value } from '../ir/value.ts';
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
  /**
   * What of its data can be seen: every number that a row multiplies (`patches`), the channels as a whole, where the numbers
   * cannot be laid out or are too many (`channels`), or nothing that would help, since its weights are not its own (`nothing`).
   */
  readonly sight: 'patches' | 'channels' | 'nothing';
  /** Why it is not all: ends the sentence "… because …". */
  readonly reason: string | undefined;
  /** The reference's data, with the number of its channels, and weight of the same names, for layers of which channels are seen. */
  readonly whole: { readonly data: Value; readonly channels: number; readonly weight: Value } | undefined;
  /** Whether each position of its output reads all positions of the kernel, but for borders: one of a transposed convolution does not. */
  readonly isLaidOut: boolean;
}

/** Features, or channels, up to which second moments are taken of all of them: their matrix is square. */
export const MOST_FEATURES = 4608;

/**
 * The layers of a model whose output can be looked at, in executable order.
 * @param which all of them, or those where something may be off, because of what has left
 */
export function stopsOf({ graph }: Model, lineage: Lineage, ruleOf: RuleLookup, which: 'changed' | 'all'): Stop[] {
  const targets = new Map([...lineage.reference.graph.values].map((value) => [value.name, value]));
  const nodes = graph.sorted();
  const candidates = nodes.flatMap((node): Candidate[] => {
    const layer = ruleOf(node).layer?.(node);
    const matrix = layer && layerMatrix(layer);
    if (layer === undefined || matrix === undefined || node.opset < 7) return [];
    const found = observationsOf(layer, ruleOf).flatMap((observation) => {
      const target = targets.get(observation.value.name);
      return target === undefined || target.tensor !== undefined ? [] : [{ observation, target }];
    });
    const last = found.at(-1);
    if (last === undefined || !(which === 'all' || lineage.isChanged(last.observation.value))) return [];
    const [first = last] = found;
    const { sight, reason } = sightOf({ node, layer, matrix }, ruleOf);
    const [data, weight] = [targets.get(layer.data.value.name), targets.get(layer.weight.name)];
    const channels = data && lengthOf({ value: data, dim: layer.data.dim });
    const whole =
      data === undefined || channels === undefined || weight?.tensor === undefined
        ? undefined
        : { data, channels, weight };
    const isBlind = sight === 'channels' && whole === undefined;
    const isLaidOut = hasPatches({ node, layer, matrix }, ruleOf);
    return [
      { kind: 'layer', node, layer, matrix, first, last, sight: isBlind ? 'nothing' : sight, reason, whole, isLaidOut },
    ];
  });
  const order: Order = {
    places: new Map(nodes.map((node, place) => [node, place])),
    candidates: new Map(candidates.map((candidate) => [candidate.node, candidate])),
  };
  return candidates.map(({ first, last, ...rest }) => ({
    ...rest,
    ...(isSettled(last.observation.value, rest.node, order) ? last : first),
  }));
}

/** The nodes of a graph in executable order, and those of them that are candidates. */
interface Order {
  readonly places: ReadonlyMap<Node, number>;
  readonly candidates: ReadonlyMap<Node, Candidate>;
}

/** A stop before it is known where its output is looked at: where it is made, or as far on as it can be followed. */
interface Candidate extends Omit<Stop, 'observation' | 'target'> {
  readonly first: Pick<Stop, 'observation' | 'target'>;
  readonly last: Pick<Stop, 'observation' | 'target'>;
}

/**
 * Whether what a value gets from layers that come after a node is no longer going to change but by what is seen in that same
 * value: a layer must not make up for what another one is about to make up for itself. Only what lies between is looked at.
 */
function isSettled(value: Value, node: Node, { places, candidates }: Order): boolean {
  const from = places.get(node) ?? 0;
  const seen = new Set<Value>([value]);
  for (const { producer } of seen) {
    if (producer === undefined || (places.get(producer) ?? 0) <= from) continue;
    const other = candidates.get(producer);
    if (other !== undefined && other.last.observation.value !== value) return false;
    for (const input of producer.inputs) if (input !== undefined) seen.add(input);
  }
  return true;
}

function sightOf(reading: Reading, ruleOf: RuleLookup): Pick<Stop, 'sight' | 'reason'> {
  const { node, layer, matrix } = reading;
  const { weight } = layer;
  const shared = whyShared(node, weight);
  if (shared !== undefined) return { sight: 'nothing', reason: shared };
  if (matrix.features / matrix.kernel > MOST_FEATURES)
    return {
      sight: 'nothing',
      reason: `it reads ${matrix.features / matrix.kernel} channels, more than ${MOST_FEATURES}`,
    };
  if (!hasPatches(reading, ruleOf))
    return { sight: 'channels', reason: `what a position of ${labelOf(node)} sums over is not laid out` };
  if (matrix.features > MOST_FEATURES)
    return { sight: 'channels', reason: `its rows have ${matrix.features} weights, more than ${MOST_FEATURES}` };
  return { sight: 'patches', reason: undefined };
}

/** Why a weight does not belong to one input of a node alone; undefined where it does. */
export function whyShared(node: Node, weight: Value): string | undefined {
  if (weight.uses.size > 1) return `other nodes read its weight "${weight.name}" too`;
  if (!node.graph.owns(weight) || node.graph.isOutput(weight)) return `its weight "${weight.name}" is not its own`;
  if (node.inputs.indexOf(weight) !== node.inputs.lastIndexOf(weight))
    return `${labelOf(node)} reads its weight "${weight.name}" in several places`;
  return undefined;
}
