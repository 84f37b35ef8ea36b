import { seededRandom } from '../numeric/random.ts';
import type { NamedCriterion } from './criterion.ts';

/** By lot, the same for the same seed: the baseline that every criterion has to beat. */
export const random: NamedCriterion = {
  name: 'random',
  summary: 'by lot, from --seed',
  score(group, { seed }) {
    const draw = seededRandom(seed * 7919 + group.first);
    return Float64Array.from({ length: group.count }, draw.uniform);
  },
};
