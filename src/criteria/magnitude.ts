import type { Group, Member } from '../channels/group.ts';
import { addAbsSums, addSquareSums, type Floats, type Strides, stridesOf } from '../numeric/slices.ts';
import {
  addNormalised,
  type CriterionName,
  gatherByUnit,
  type NamedCriterion,
  type Scores,
  weightMembers,
} from './criterion.ts';

/** How the weights of a group add up to the importance of its units. */
interface Magnitude {
  readonly name: CriterionName;
  readonly summary: string;
  readonly membersOf: (group: Group) => readonly Member[];
  /** Adds what each slice along an axis weighs. */
  readonly add: (data: Floats, strides: Strides, sums: Float64Array) => void;
  /** From the sum over one weight's slice to what is averaged over the weights, each scaled to a mean of 1 before. */
  readonly each: (sum: number) => number;
  /** From that average to the score. */
  readonly all: (average: number) => number;
}

function magnitude({ name, summary, membersOf, add, each, all }: Magnitude): NamedCriterion {
  return {
    name,
    summary,
    score(group, { map, floatsOf }) {
      const members = membersOf(group);
      if (members.length === 0) return undefined;
      const total: Scores = new Float64Array(group.count);
      for (const member of members) {
        const { value, dim } = member.axis;
        const perPosition = new Float64Array(value.tensor?.dims[dim] ?? 0);
        add(floatsOf(value), stridesOf(value.tensor?.dims ?? [], dim), perPosition);
        const part: Scores = new Float64Array(group.count);
        gatherByUnit(group, member, perPosition, map, part);
        addNormalised(total, part.map(each));
      }
      return total.map((score) => all(score / members.length));
    },
  };
}

const unchanged = (value: number): number => value;

/**
 * Group magnitude by absolute values: Σ|w| of a unit's slice in every weight of the group, each weight scaled to a mean
 * of 1, averaged over the weights.
 * Source: Li et al., "Pruning Filters for Efficient ConvNets", ICLR 2017 (L1 norm of a filter); Fang et al., "DepGraph:
 * Towards Any Structural Pruning", CVPR 2023 (over all weights of a group).
 */
export const l1: NamedCriterion = magnitude({
  name: 'l1',
  summary: 'sum of absolute weights, over all weights of a group',
  membersOf: weightMembers,
  add: addAbsSums,
  each: unchanged,
  all: unchanged,
});

/** Group magnitude by Euclidean norms, otherwise like `l1`. */
export const l2: NamedCriterion = magnitude({
  name: 'l2',
  summary: 'Euclidean norm of the weights, over all weights of a group',
  membersOf: weightMembers,
  add: addSquareSums,
  each: Math.sqrt,
  all: unchanged,
});

/**
 * Euclidean norm of the weights that read a channel, root mean square over the layers that do. The weights that make a
 * channel are left out: normalization undoes their scale, and where it is folded into them it distorts it, so what the
 * readers take of a channel tells more. Undefined where no layer sums over the channels.
 */
export const fanOut: NamedCriterion = magnitude({
  name: 'fan-out',
  summary: 'Euclidean norm of the weights that read a channel',
  membersOf: (group) => weightMembers(group).filter((member) => member.role === 'in'),
  add: addSquareSums,
  each: unchanged,
  all: Math.sqrt,
});
