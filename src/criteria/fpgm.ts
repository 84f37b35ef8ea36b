import type { ChannelMap, Group, Member } from '../channels/group.ts';
import { gram, trianglePlace } from '../numeric/gram.ts';
import { type Floats, stridesOf } from '../numeric/slices.ts';
import { addNormalised, type NamedCriterion, type Scores, weightMembers } from './criterion.ts';

/** The slices of a group's units along a member's axis, one row per unit. */
function rowsOf(group: Group, member: Member, data: Floats, map: ChannelMap): { rows: Float32Array; width: number } {
  const { value, dim } = member.axis;
  const { outer, size, inner } = stridesOf(value.tensor?.dims ?? [], dim);
  const units = map.unitsAlong(member.axis) ?? new Int32Array(size).fill(-1);
  const owned = new Int32Array(group.count);
  for (const unit of units)
    if (unit >= group.first && unit < group.first + group.count)
      owned[unit - group.first] = (owned[unit - group.first] as number) + 1;
  const width = outer * inner * Math.max(...owned);
  // The usual weight has its units in order along its first axis, so that its data are the rows already.
  const isInOrder = outer === 1 && size === group.count && units.every((unit, i) => unit === group.first + i);
  if (isInOrder && data instanceof Float32Array) return { rows: data, width };
  const rows = new Float32Array(group.count * width);
  const filled = new Int32Array(group.count);
  for (let block = 0; block < outer; block++) {
    for (let i = 0; i < size; i++) {
      const own = (units[i] as number) - group.first;
      if (own < 0 || own >= group.count) continue;
      const from = (block * size + i) * inner;
      rows.set(data.subarray(from, from + inner), own * width + (filled[own] as number));
      filled[own] = (filled[own] as number) + inner;
    }
  }
  return { rows, width };
}

/** Sum of Euclidean distances of each row to all others: ‖a − b‖² = ‖a‖² + ‖b‖² − 2 a·b. */
function distanceSums(rows: Float32Array, count: number, width: number): Scores {
  const products = gram(rows, count, width);
  const product = (i: number, j: number): number => products[trianglePlace(i, j)] as number;
  const sums: Scores = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) {
      const distance = Math.sqrt(Math.max(0, product(i, i) + product(j, j) - 2 * product(i, j)));
      sums[i] = (sums[i] as number) + distance;
      sums[j] = (sums[j] as number) + distance;
    }
  }
  return sums;
}

/**
 * Distance from the geometric median: filters close to all the others can be replaced by them. Quadratic in the channels
 * of a group.
 * Source: He et al., "Filter Pruning via Geometric Median", CVPR 2019, equation 8 (summed distances instead of the median).
 */
export const fpgm: NamedCriterion = {
  name: 'fpgm',
  summary: 'distance of a filter from all the others',
  score(group, { map, floatsOf }) {
    const makers = weightMembers(group).filter((member) => member.role === 'out');
    const members = makers.length > 0 ? makers : weightMembers(group);
    if (members.length === 0) return undefined;
    const total: Scores = new Float64Array(group.count);
    for (const member of members) {
      const { rows, width } = rowsOf(group, member, floatsOf(member.axis.value), map);
      addNormalised(total, distanceSums(rows, group.count, width));
    }
    return total.map((score) => score / members.length);
  },
};
