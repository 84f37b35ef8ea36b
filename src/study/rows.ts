import { buildChannelMap } from '../channels/build.ts';
import { weightTensorsOf } from '../channels/weight-tensors.ts';
import type { Graph } from '../ir/graph.ts';
import { labelOf } from '../ir/node.ts';
import { ruleOf } from '../ops/rules.ts';
import type { SensitivityRow } from '../report/study.ts';
import { channelsIn, namesOf } from '../transforms/describe-groups.ts';
import { selectGroups } from '../transforms/select-groups.ts';
import { selectWeights } from '../transforms/select-weights.ts';

/** A group of channels, or a weight, that a study prunes alone. */
export type Subject = Pick<SensitivityRow, 'name' | 'nodes' | 'size' | 'unit' | 'part'>;

/** What a user has kept out. */
interface Wishes {
  readonly exclude: readonly string[];
  readonly only: readonly string[];
}

/** The groups of channels that may lose some. @throws OnnxPruneError `bad-option` for patterns that match nothing */
export function groupsOf(graph: Graph, wishes: Wishes): Subject[] {
  const map = buildChannelMap(graph, ruleOf);
  const some = { fraction: 0, each: true };
  const selection = {
    ...wishes,
    amounts: { channels: some, heads: some, 'head-dim': some },
    criterion: 'l2',
    layers: [],
  } as const;
  return selectGroups(map, graph, selection).flatMap(({ group, keptBy }) => {
    // The last unit of a group stays, so those of one have nothing to offer.
    if (keptBy !== undefined || group.count < 2) return [];
    const size = channelsIn(group, map.unitsAlong);
    const { name, part, count } = group;
    return [{ name, nodes: namesOf(group, 'out'), size, unit: size / count, part: part ?? null }];
  });
}

/** The weights that may lose elements. @throws OnnxPruneError `bad-option` for patterns that match nothing */
export function weightsOf(graph: Graph, wishes: Wishes): Subject[] {
  const weights = weightTensorsOf(graph, ruleOf);
  const { candidates } = selectWeights(weights, graph, { ...wishes, include: [], layers: [] }, undefined);
  return candidates.map(({ weight: { name, nodes, tensor } }) => ({
    name,
    nodes: nodes.map(labelOf),
    size: tensor.size,
    unit: 1,
    part: null,
  }));
}
