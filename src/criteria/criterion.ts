import type { ChannelMap, Group, Member } from '../channels/group.ts';
import { holdsWeights } from '../ir/data-type.ts';
import type { Value } from '../ir/value.ts';
import type { Floats } from '../numeric/slices.ts';

/** What a criterion may look at. */
export interface Evidence {
  readonly map: ChannelMap;
  /** The data of an initializer as the real numbers that they stand for. */
  floatsOf(value: Value): Floats;
  readonly seed: number;
  /**
   * The order in which the units of a group are spared by what the layers that read them were measured to lose; absent where no
   * data were given, and undefined for a group that no measured layer reads.
   */
  readonly measuredRanking?: ((group: Group) => UnitRanking | undefined) | undefined;
}

/** The order in which the units of a group are spared, and what that costs. */
export interface UnitRanking {
  readonly scores: Scores;
  /**
   * What is lost once k units have left, for k from 0: the error of the layers that read the channels after they have made up for
   * it, relative to how their outputs vary, summed over the layers.
   */
  readonly losses: Float64Array;
}

/** Importance of a group's units: the lower, the sooner a unit leaves. Finite, one number per unit, in the group's order. */
export type Scores = Float64Array;

/** The names users give criteria. */
export type CriterionName = 'reconstruction' | 'fan-out' | 'l1' | 'l2' | 'bn-scale' | 'fpgm' | 'random';

/** What ranks channels: a criterion that has a name, or a formula of the user's. */
export type RankedBy = CriterionName | 'formula';

/** One way to tell which units matter. */
export interface Criterion {
  readonly name: RankedBy;
  /** One line for people. */
  readonly summary: string;
  /** @returns undefined where the group lacks what the criterion looks at */
  score(group: Group, evidence: Evidence): Scores | undefined;
}

/** A criterion that users call by its name. */
export interface NamedCriterion extends Criterion {
  readonly name: CriterionName;
}

/** Spreads numbers per position along a member's axis over the units that own the positions. */
export function gatherByUnit(
  group: Group,
  member: Member,
  perPosition: Float64Array,
  map: ChannelMap,
  scores: Scores,
): void {
  const units = map.unitsAlong(member.axis);
  units?.forEach((unit, position) => {
    const own = unit - group.first;
    if (own >= 0 && own < group.count) scores[own] = (scores[own] as number) + (perPosition[position] as number);
  });
}

/**
 * Members whose slices count as a unit's weights: what layers sum with, and everything else of two or more axes. Biases
 * and other vectors, whatever their rank, say where a channel sits, not how much it matters; nor do tables of indices and
 * masks, which hold a number for each channel too where elements are gathered by them.
 */
export function weightMembers(group: Group): readonly Member[] {
  return group.members.filter(({ axis, role }) => {
    const { tensor } = axis.value;
    if (tensor === undefined || !holdsWeights(tensor.type)) return false;
    const { dims } = tensor;
    return dims.length >= 2 && (role !== 'through' || dims.filter((length) => length > 1).length >= 2);
  });
}

/** Adds scores scaled to a mean of 1, so that each member has the same say whatever its size. */
export function addNormalised(total: Scores, part: Scores): void {
  let sum = 0;
  for (const score of part) sum += score;
  const mean = sum / part.length;
  if (mean === 0) return;
  for (let i = 0; i < part.length; i++) total[i] = (total[i] as number) + (part[i] as number) / mean;
}
