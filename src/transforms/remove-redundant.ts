import { type Alignment, alignUp } from '../budget/align.ts';
import { buildChannelMap } from '../channels/build.ts';
import { Cut } from '../channels/cut.ts';
import type { ChannelMap, Group } from '../channels/group.ts';
import { moveColumns } from '../channels/move-columns.ts';
import { numberChannels } from '../channels/number-channels.ts';
import {
  findRedundant,
  type Redundancies,
  type RedundancyReason,
  type RedundantUnit,
} from '../channels/redundant-units.ts';
import { shrink } from '../channels/shrink.ts';
import { sumSites } from '../channels/sum-sites.ts';
import { present } from '../errors.ts';
import { checkGraph } from '../ir/check.ts';
import type { Evaluator } from '../ir/facts.ts';
import type { Graph } from '../ir/graph.ts';
import { cloneModel, type Model } from '../ir/model.ts';
import type { Axis } from '../ir/value.ts';
import { removeDeadCode } from '../normalise/dead-code.ts';
import { evaluateOnVectors } from '../normalise/evaluate-node.ts';
import { ruleOf } from '../ops/rules.ts';
import { dropUnreadOutputs } from '../ops/unread-outputs.ts';
import { cutAxes, headOf, type KeptIndices } from './describe-groups.ts';
import { composeAxes, originalIndex } from './kept-indices.ts';
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
}

/** A channel that left without a trace, or several that leave together. */
export interface RedundantChannel {
  /** Its index along the axis of the weight that names the group, in the numbering before the step; the first of several. */
  readonly index: number;
  /**
   * `unread`: nothing reads it. `zero`: it is zero whatever the inputs are. `constant`: it is the same number everywhere, which went
   * into the biases of what reads it. `duplicate`: it is a multiple of another channel, whose readers took its weights over.
   */
  readonly reason: RedundancyReason;
  /** The channel that it is a multiple of, and the multiple. */
  readonly of?: number;
  readonly multiple?: number;
}

/** What left a group without a trace. */
export interface RedundantGroup {
  readonly name: string;
  readonly weight: { readonly initializer: string; readonly axis: number };
  readonly before: number;
  readonly after: number;
  readonly removed: readonly RedundantChannel[];
  /** Channels that could leave too, but without which the kernels would be slower. */
  readonly keptForSpeed: number;
}

/** What left a model without changing its outputs, but for the order in which sums are taken. */
export interface RemoveRedundantReport {
  readonly name: typeof NAME;
  readonly removedChannels: number;
  readonly byReason: Readonly<Record<RedundancyReason, number>>;
  readonly groups: readonly RedundantGroup[];
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
  for (let round = 0; round < MOST_ROUNDS; round++) {
    let map = buildChannelMap(graph, ruleOf);
    const found = await redundanciesOf(model, map, evaluator, { ...options, again: options.again || round > 0 });
    const plan = planRemoval(map, found.units, options.alignment);
    for (const group of describe(map, plan, axes)) groups.set(group.name, joined(groups.get(group.name), group));
    if (plan.removed.size === 0) break;
    const leaving = found.units.filter(({ unit }) => plan.removed.has(unit));
    const places = leaving.map(({ unit }) => placeOf(map, unit));
    const repairs = found.repairs.filter(({ unit }) => plan.removed.has(unit));
    moveColumns(repairs, ruleOf);
    // What was added for the constants has channels of its own.
    if (repairs.length > 0) map = buildChannelMap(graph, ruleOf);
    const removed = new Uint8Array(map.unitCount);
    for (const { axis, index } of places) removed[present(map.unitsAlong(axis)?.[index], 'a unit that leaves')] = 1;
    const cut = new Cut(map, removed);
    axes = composeAxes(axes, cutAxes(graph, cut));
    shrink(graph, cut, ruleOf, reference === undefined ? 'reuse' : 'copy');
    deadNodes += removeDeadCode(graph).nodes;
    checkGraph(graph, NAME);
  }
  const report = { name: NAME, ...totals([...groups.values()]), axes, outputs, deadNodes } as const;
  if (reference === undefined || report.removedChannels === 0)
    return { report, reference: undefined, witnesses: NO_WITNESSES };
  return { report, reference, witnesses: witnessesBetween(reference.graph, graph) };
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
  return findRedundant(
    map,
    sumSites(map, table, ruleOf),
    (unit) => free[unit] === 1,
    ({ node }) => ruleOf(node).takesBias?.(node) ?? false,
  );
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

/** Which of the redundant units of each group leave: all, but for one that must stay and those that kernels want. */
interface Plan {
  readonly removed: ReadonlySet<number>;
  readonly byGroup: readonly {
    readonly group: Group;
    readonly leaving: readonly RedundantUnit[];
    readonly keptForSpeed: number;
  }[];
}

/** What costs most to take apart stays first. */
const EASE: readonly RedundancyReason[] = ['unread', 'zero', 'constant', 'duplicate'];

function planRemoval(map: ChannelMap, units: readonly RedundantUnit[], alignment: Alignment | undefined): Plan {
  const removed = new Set<number>();
  const byGroup = map.groups.flatMap((group) => {
    const own = units.filter(({ unit }) => unit >= group.first && unit < group.first + group.count);
    if (own.length === 0) return [];
    const least = Math.max(1, group.count - own.length);
    const kept = alignment === undefined ? least : alignUp(least, group.count, group.blockedWidth, alignment);
    const leaving = [...own]
      .sort((a, b) => EASE.indexOf(a.reason) - EASE.indexOf(b.reason) || a.unit - b.unit)
      .slice(0, group.count - kept)
      .sort((a, b) => a.unit - b.unit);
    for (const { unit } of leaving) removed.add(unit);
    return [{ group, leaving, keptForSpeed: kept - least }];
  });
  return { removed, byGroup };
}

/** A position that stands for a unit: the first along the axis of the weight that names its group. */
function placeOf(map: ChannelMap, unit: number): { readonly axis: Axis; readonly index: number } {
  const group = map.groups.find(({ first, count }) => unit >= first && unit < first + count);
  const { axis } = present(group && headOf(group), 'the weight of a group');
  return { axis, index: present(map.unitsAlong(axis), 'the units of a weight').indexOf(unit) };
}

/** What leaves each group in a round, in the numbering before the step. */
function describe(map: ChannelMap, { byGroup }: Plan, axes: readonly KeptIndices[]): RedundantGroup[] {
  return byGroup.map(({ group, leaving, keptForSpeed }) => {
    const { axis } = present(headOf(group), 'the weight of a group');
    const weight = { initializer: axis.value.name, axis: axis.dim };
    const indexOf = (unit: number): number => originalIndex(axes, weight, placeOf(map, unit).index);
    const removed = leaving.map(({ unit, reason, of, multiple }) => ({
      index: indexOf(unit),
      reason,
      ...(of !== undefined && { of: indexOf(of), multiple }),
    }));
    return {
      name: group.name,
      weight,
      before: group.count,
      after: group.count - leaving.length,
      removed,
      keptForSpeed,
    };
  });
}

/** One group's part of two rounds. */
function joined(first: RedundantGroup | undefined, second: RedundantGroup): RedundantGroup {
  if (first === undefined) return second;
  return { ...second, before: first.before, removed: [...first.removed, ...second.removed] };
}

function totals(
  found: readonly RedundantGroup[],
): Pick<RemoveRedundantReport, 'removedChannels' | 'byReason' | 'groups'> {
  const groups = found.filter(({ removed, keptForSpeed }) => removed.length + keptForSpeed > 0);
  const byReason = { unread: 0, zero: 0, constant: 0, duplicate: 0 };
  for (const { removed } of groups) for (const { reason } of removed) byReason[reason]++;
  return { removedChannels: groups.reduce((sum, { removed }) => sum + removed.length, 0), byReason, groups };
}
