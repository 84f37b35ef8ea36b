import type { ChannelMap } from '../../channels/group.ts';
import { rolesOf } from '../../channels/roles.ts';
import type { Value } from '../../ir/value.ts';
import { addSums, stridesOf } from '../../numeric/slices.ts';
import { type Criterion, gatherByUnit, type Scores, weightMembers } from '../criterion.ts';
import type { LayerAxes } from './layer-variables.ts';
import { type FormulaScores, scoreWeight } from './score-weight.ts';

/**
 * Ranks channels by a formula over single weights: a unit is worth the sum of what all its weights are, in every weight
 * of its group.
 */
export function formulaCriterion(scores: FormulaScores, map: ChannelMap): Criterion {
  const axes = layerAxes(map);
  return {
    name: 'formula',
    summary: scores.formula.text,
    score(group, { floatsOf }) {
      const members = weightMembers(group);
      if (members.length === 0) return undefined;
      const total: Scores = new Float64Array(group.count);
      for (const member of members) {
        const { value, dim } = member.axis;
        const ofLayer = axes.get(value) ?? { rows: undefined, columns: undefined };
        const elements = scoreWeight(scores, value, floatsOf(value), ofLayer);
        const perPosition = new Float64Array(value.tensor?.dims[dim] ?? 0);
        addSums(elements, stridesOf(value.tensor?.dims ?? [], dim), perPosition);
        gatherByUnit(group, member, perPosition, map, total);
      }
      return total;
    },
  };
}

/** Which axes of each weight are its layer's outputs and inputs, as the first node that sums with it has them. */
function layerAxes(map: ChannelMap): Map<Value, LayerAxes> {
  const axes = new Map<Value, LayerAxes>();
  for (const { axis, role } of rolesOf(map.couplings).weights) {
    const known = axes.get(axis.value) ?? { rows: undefined, columns: undefined };
    axes.set(axis.value, {
      rows: known.rows ?? (role === 'out' ? axis.dim : undefined),
      columns: known.columns ?? (role === 'in' ? axis.dim : undefined),
    });
  }
  return axes;
}
