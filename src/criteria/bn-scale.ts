import { addAbsSums, stridesOf } from '../numeric/slices.ts';
import { addNormalised, gatherByUnit, type NamedCriterion, type Scores } from './criterion.ts';

/**
 * The gain |γ| that the normalizations of a group give a channel.
 * Source: Liu et al., "Learning Efficient Convolutional Networks through Network Slimming", ICCV 2017.
 */
export const bnScale: NamedCriterion = {
  name: 'bn-scale',
  summary: 'gain of the normalization behind a channel',
  score(group, { map, floatsOf }) {
    const gains = group.members.filter((member) => member.gain);
    if (gains.length === 0) return undefined;
    const total: Scores = new Float64Array(group.count);
    for (const member of gains) {
      const { value, dim } = member.axis;
      const perPosition = new Float64Array(value.tensor?.dims[dim] ?? 0);
      addAbsSums(floatsOf(value), stridesOf(value.tensor?.dims ?? [], dim), perPosition);
      const part: Scores = new Float64Array(group.count);
      gatherByUnit(group, member, perPosition, map, part);
      addNormalised(total, part);
    }
    return total.map((score) => score / gains.length);
  },
};
