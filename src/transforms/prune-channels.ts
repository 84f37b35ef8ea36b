import type { Alignment } from '../budget/align.ts';
import { type BudgetOptions, type Candidate, planQuotas, selectUnits } from '../budget/plan.ts';
import { buildChannelMap } from '../channels/build.ts';
import type { ProductPart } from '../channels/choose.ts';
import { Cut } from '../channels/cut.ts';
import type { ChannelMap, Group } from '../channels/group.ts';
import { maskModel } from '../channels/masked-model.ts';
import { realValuesOf } from '../channels/real-values.ts';
import { shrink } from '../channels/shrink.ts';
import { criterionNamed, scoreGroup } from '../criteria/criteria.ts';
import type { Evidence } from '../criteria/criterion.ts';
import { formulaCriterion } from '../criteria/formula/formula-criterion.ts';
import type { FormulaScores } from '../criteria/formula/score-weight.ts';
import { checkGraph } from '../ir/check.ts';
import type { Model } from '../ir/model.ts';
import type { Value } from '../ir/value.ts';
import { removeDeadCode } from '../normalise/dead-code.ts';
import { ruleOf } from '../ops/rules.ts';
import {
  cutAxes,
  describeGroup,
  type GroupReport,
  type KeptIndices,
  type KeptLayer,
  keptWhole,
} from './describe-groups.ts';
import { LATER, type Selection, selectGroups } from './select-groups.ts';
import { NO_WITNESSES, type Witnesses, witnessesOf } from './witnesses.ts';

/** Name of the step in reports and failures. */
export const NAME = 'prune channels';

/** What to remove. */
export interface PruneChannelsOptions extends Selection {
  /** Whether heads or the dimensions inside them leave where they share an axis. */
  readonly prefer: ProductPart;
  /** Includes axes over which an operator takes statistics. */
  readonly allowApproximate: boolean;
  /** Each group loses its amount (`uniform`), or all those without one of their own lose it together (`global`). */
  readonly scope: 'uniform' | 'global';
  /** No group loses a larger fraction than this. */
  readonly maxRatio: number;
  readonly alignment: Alignment;
  /** What an amount that is shared by losses is a fraction of; see `BudgetOptions.costOf`. */
  readonly costOf?: BudgetOptions['costOf'];
  /** What can leave the graph, where somebody has found that out by the same options already. */
  readonly map?: ChannelMap | undefined;
  /** Units that a group had before rounds that went before this one; see `Candidate.before`. */
  readonly countBefore?: ((group: Group) => number | undefined) | undefined;
  /** Ranks the units of a group of `map` by measurement, for the criterion `reconstruction`. */
  readonly measuredRanking?: Evidence['measuredRanking'];
  /** What ranks where the criterion is `formula`. */
  readonly formula?: FormulaScores | undefined;
  /** Decides what the criterion `random` draws. */
  readonly seed: number;
  /** Whether to build the masked model for the proof. */
  readonly masked: boolean;
  /** Hears what leaves, before it has left. The weights from before can be read afterwards then, too. */
  readonly onCut?: ((cut: Cut) => void) | undefined;
  /** `copy` where clones of the model are read afterwards; otherwise as `pruneChannels` says. */
  readonly memory?: 'copy' | undefined;
}

/** What was removed. */
export interface PruneChannelsReport {
  readonly name: typeof NAME;
  readonly removedChannels: number;
  readonly groups: readonly GroupReport[];
  readonly kept: readonly KeptLayer[];
  /** Every axis of an initializer that lost positions. Cutting all of them replays the run. */
  readonly axes: readonly KeptIndices[];
}

/** Outcome of the step. */
export interface PrunedChannels {
  readonly report: PruneChannelsReport;
  /** The model as it was, with the channels masked that left; absent where it was not asked for. */
  readonly masked: Model | undefined;
  readonly witnesses: Witnesses;
}

/** The report of a step that was not taken. */
export const NOTHING_PRUNED: PruneChannelsReport = { name: NAME, removedChannels: 0, groups: [], kept: [], axes: [] };

/**
 * Removes the least important channels of every group, in place, and what becomes dead by it. Without `masked` the
 * memory of large weights is reused, so that neither a clone of the model nor its message may be read afterwards.
 *
 * @param model normalised, with static facts
 * @throws OnnxPruneError `bad-option` for patterns that match nothing, `bad-model` for weights that cannot be ranked
 */
export function pruneChannels(model: Model, options: PruneChannelsOptions): PrunedChannels {
  const { graph } = model;
  const map = options.map ?? buildChannelMap(graph, ruleOf, options);
  const selected = selectGroups(map, graph, options);
  const evidence = {
    map,
    seed: options.seed,
    measuredRanking: options.measuredRanking,
    floatsOf: (value: Value) => realValuesOf(map, value),
  };
  const formula = options.formula && formulaCriterion(options.formula, map);
  const scoredBy = new Map<Group, string>();
  const candidates: Candidate[] = [];
  for (const each of selected) {
    if (each.keptBy !== undefined) continue;
    const { group, amount } = each;
    const ranking = each.criterion === 'formula' && formula !== undefined ? formula : criterionNamed(each.criterion);
    const { scores, by } = scoreGroup(ranking, group, evidence);
    scoredBy.set(group, by);
    candidates.push({
      group,
      scores,
      before: options.countBefore?.(group),
      amount: amount.each ? amount.fraction : undefined,
      losses: ranking.name === 'reconstruction' ? options.measuredRanking?.(group)?.losses : undefined,
    });
  }
  const shared = Object.values(options.amounts).find((each) => each !== undefined && each !== LATER && !each.each);
  const amount = shared === undefined || shared === LATER ? 0 : shared.fraction;
  const quotas = planQuotas(candidates, { ...options, amount });
  const cut = new Cut(map, selectUnits(candidates, quotas, map.unitCount));
  const report: PruneChannelsReport = {
    name: NAME,
    removedChannels: removedChannels(map, cut),
    // A group of one unit can lose nothing: its last unit stays.
    groups: quotas
      .filter(({ group }) => group.count > 1)
      .map((quota) => describeGroup(quota, cut, scoredBy.get(quota.group) ?? options.criterion)),
    kept: keptWhole(map, selected),
    axes: cutAxes(graph, cut),
  };
  const masked = options.masked ? maskModel(model, cut) : undefined;
  const witnesses = options.masked ? witnessesOf(graph, cut) : NO_WITNESSES;
  options.onCut?.(cut);
  // Unless somebody has heard of it, or for a masked model, nothing reads the weights from before any more.
  const isRead = masked !== undefined || options.onCut !== undefined || options.memory === 'copy';
  shrink(graph, cut, ruleOf, isRead ? 'copy' : 'reuse');
  removeDeadCode(graph);
  checkGraph(graph, NAME);
  return { report, masked, witnesses };
}

function removedChannels(map: ChannelMap, cut: Cut): number {
  return map.groups.reduce((sum, group) => sum + group.count - cut.countKept(group), 0);
}
