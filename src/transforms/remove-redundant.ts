import type { Alignment } from '../budget/align.ts';
import { buildChannelMap } from '../channels/build.ts';
import { Cut } from '../channels/cut.ts';
import type { ChannelMap } from '../channels/group.ts';
import { moveColumns, repairChecker } from '../channels/move-columns.ts';
import { numberChannels } from '../channels/number-channels.ts';
import { findRedundant, type Redundancies } from '../channels/redundant-units.ts';
import { shrink } from '../channels/shrink.ts';
import { sumSites } from '../channels/sum-sites.ts';
import { present } from '../errors.ts';
import { checkGraph } from '../ir/check.ts';
import type { Evaluator } from '../ir/facts.ts';
import type { Graph } from '../ir/graph.ts';
import { cloneModel, type Model } from '../ir/model.ts';
import { removeDeadCode } from '../normalise/dead-code.ts';
import { evaluateOnVectors } from '../normalise/evaluate-node.ts';
import { ruleOf } from '../ops/rules.ts';
import { dropUnreadOutputs } from '../ops/unread-outputs.ts';
import { cutAxes, type KeptIndices } from './describe-groups.ts';
import {
  describeRedundant,
  joinRounds,
  placesOf,
  planRemoval,
  type RedundantGroup,
  type RedundantTotals,
  totalsOf,
} from './describe-redundant.ts';
import { composeAxes } from './kept-indices.ts';
import { type Selection, selectGroups } from './select-groups.ts';
import { NO_WITNESSES, type Witnesses, witnessesBetween } from './witnesses.ts';

/** Name of the step in reports and failures. */
export const NAME = 'remove redundant';

/** What may leave without a trace. */
export interface RemoveRedundantOptions extends Pick<Selection, 'exclude' | 'only' | 'layers' | 'again'> {
  /** Keeps so many of the redundant channels that kernels do not become slower; absent where pruning follows that aligns anyway. */
  readonly alignment?: Alignment | undefined;
  /** Whether to keep the model from before for the proof. */
  readonly reference: boolean;
  /** `copy` where clones of the model are read afterwards; without it, and without a reference, large weights are overwritten. */
  readonly memory?: 'copy' | undefined;
  /** Hears what leaves, before it has left. The weights from before can be read afterwards then, too. */
  readonly onCut?: ((cut: Cut) => void) | undefined;
}

/** What left a model without changing its outputs, but for the order in which sums are taken. */
export interface RemoveRedundantReport extends RedundantTotals {
  readonly name: typeof NAME;
  /** Every axis of an initializer that lost positions, in the numbering before the step. */
  readonly axes: readonly KeptIndices[];
  /** Outputs of nodes that nobody read. */
  readonly outputs: readonly string[];
  /** Nodes that nothing depended on any more. */
  readonly deadNodes: number;
}

/** Outcome of the step. */
export interface RemovedRedundant {
  readonly report: RemoveRedundantReport;
  /** The model from before; absent where it was not asked for, or nothing was rewired. */
  readonly reference: Model | undefined;
  readonly witnesses: Witnesses;
  /** What can leave the graph as it is now, by the defaults of `buildChannelMap`. */
  readonly map: ChannelMap;
}

/** Rounds of looking anew: what leaves one layer may free channels of the next. */
const MOST_ROUNDS = 64;

/**
 * Removes, in place, channels that can leave without a trace: that nothing reads, that are zero or the same number
 * everywhere, or multiples of others; and outputs of nodes and nodes that nobody reads. Outputs stay equal, but for the
 * order in which sums are taken.
 *
 * @param model normalised, with static facts
 * @param evaluator runs single nodes on constants
 * @throws OnnxPruneError `bad-option` for patterns that match nothing
 */
export async function removeRedundant(
  model: Model,
  evaluator: Evaluator,
  options: RemoveRedundantOptions,
): Promise<RemovedRedundant> {
  const { graph } = model;
  const reference = options.reference ? cloneModel(model).model : undefined;
  const groups = new Map<string, RedundantGroup>();
  let axes: readonly KeptIndices[] = [];
  const outputs = dropUnreadOutputs(graph);
  let deadNodes = removeDeadCode(graph).nodes;
  let map = buildChannelMap(graph, ruleOf);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const found = await redundanciesOf(model, map, evaluator, { ...options, again: options.again || round > 0 });
    const plan = planRemoval(map, found.units, options.alignment);
    for (const group of describeRedundant(map, plan, axes))
      groups.set(group.name, joinRounds(groups.get(group.name), group));
    if (plan.removed.size === 0) break;
    const places = plan.byGroup.map(({ group, leaving }) => ({ leaving, ...placesOf(map, group) }));
    const repairs = found.repairs.filter(({ unit }) => plan.removed.has(unit));
    // Who has heard of a cut may read the weights from before.
    const isRead = reference !== undefined || options.onCut !== undefined;
    const memory = isRead ? 'copy' : (options.memory ?? 'reuse');
    moveColumns(repairs, ruleOf, memory);
    // What was added for the constants has channels of its own.
    if (repairs.length > 0) map = buildChannelMap(graph, ruleOf);
    const removed = new Uint8Array(map.unitCount);
    for (const { axis, leaving, indexOf } of places) {
      const units = present(map.unitsAlong(axis), 'the units of a weight');
      for (const { unit } of leaving) removed[present(units[indexOf.get(unit) ?? -1], 'a unit that leaves')] = 1;
    }
    const cut = new Cut(map, removed);
    axes = composeAxes(axes, cutAxes(graph, cut));
    options.onCut?.(cut);
    shrink(graph, cut, ruleOf, memory);
    deadNodes += removeDeadCode(graph).nodes;
    checkGraph(graph, NAME);
    map = buildChannelMap(graph, ruleOf);
  }
  const report = { name: NAME, ...totalsOf([...groups.values()]), axes, outputs, deadNodes } as const;
  if (reference === undefined || report.removedChannels === 0)
    return { report, reference: undefined, witnesses: NO_WITNESSES, map };
  return { report, reference, witnesses: witnessesBetween(reference.graph, graph), map };
}

/** What can leave, and what that takes. */
async function redundanciesOf(
  model: Model,
  map: ChannelMap,
  evaluator: Evaluator,
  selection: RemoveRedundantOptions,
): Promise<Redundancies> {
  const free = freeUnits(map, model.graph, selection);
  const table = await numberChannels(map, ruleOf, (node, operands) =>
    evaluateOnVectors(model, node, operands, evaluator),
  );
  return findRedundant(map, sumSites(map, table, ruleOf), (unit) => free[unit] === 1, repairChecker(ruleOf));
}

/** 1 for the units of groups that the user does not keep. */
function freeUnits(
  map: ChannelMap,
  graph: Graph,
  { exclude, only, layers, again }: RemoveRedundantOptions,
): Uint8Array {
  const any = { fraction: 0, each: false };
  const amounts = { heads: any, 'head-dim': any, channels: any };
  const free = new Uint8Array(map.unitCount);
  const rules = layers.map(({ match, exclude: isExcluded }) => ({ match, exclude: isExcluded }));
  for (const { group, keptBy } of selectGroups(map, graph, {
    amounts,
    criterion: 'l2',
    exclude,
    only,
    layers: rules,
    again,
  }))
    if (keptBy === undefined) free.fill(1, group.first, group.first + group.count);
  return free;
}
