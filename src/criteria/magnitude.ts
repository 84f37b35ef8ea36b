import { addAbsSums, addSquareSums, type Floats, type Strides, stridesOf } from '../numeric/slices.ts';
import {
  addNormalised,
  type Criterion,
  type CriterionName,
  gatherByUnit,
  type Scores,
  weightMembers,
} from './criterion.ts';

/**
 * Group magnitude: the norm of a unit's slice in every weight of the group, each weight's norms scaled to a mean of 1,
 * averaged over the weights.
 * Source: Fang et al., "DepGraph: Towards Any Structural Pruning", CVPR 2023 (group importance, mean normalisation);
 * Li et al., "Pruning Filters for Efficient ConvNets", ICLR 2017 (L1 norm of a filter).
 */
function magnitude(
  name: CriterionName,
  summary: string,
  add: (data: Floats, strides: Strides, sums: Float64Array) => void,
  finish: (sum: number) => number,
): Criterion {
  return {
    name,
    summary,
    score(group, { map, floatsOf }) {
      const members = weightMembers(group);
      if (members.length === 0) return undefined;
      const total: Scores = new Float64Array(group.count);
      for (const member of members) {
        const { value, dim } = member.axis;
        const perPosition = new Float64Array(value.tensor?.dims[dim] ?? 0);
        add(floatsOf(value), stridesOf(value.tensor?.dims ?? [], dim), perPosition);
        const part: Scores = new Float64Array(group.count);
        gatherByUnit(group, member, perPosition, map, part);
        addNormalised(total, part.map(finish));
      }
      return total.map((score) => score / members.length);
    },
  };
}

/** Sum of absolute weights. */
export const l1: Criterion = magnitude('l1', 'sum of absolute weights', addAbsSums, (sum) => sum);

/** Euclidean norm of the weights. */
export const l2: Criterion = magnitude('l2', 'Euclidean norm of the weights', addSquareSums, Math.sqrt);
