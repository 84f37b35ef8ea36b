import { type Alignment, alignUp } from '../budget/align.ts';
import type { ChannelMap, Group } from '../channels/group.ts';
import type { RedundancyReason, RedundantUnit } from '../channels/redundant-units.ts';
import { present } from '../errors.ts';
import type { Axis } from '../ir/value.ts';
import { headOf, type KeptIndices } from './describe-groups.ts';
import { originalIndex } from './kept-indices.ts';

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
  /** The group of that channel, where it is another one: the parts of a Concat may hold the same. */
  readonly in?: string;
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

/** Which of the redundant units of each group leave: all, but for one that must stay and those that kernels want. */
export interface RemovalPlan {
  readonly removed: ReadonlySet<number>;
  readonly byGroup: readonly {
    readonly group: Group;
    readonly leaving: readonly RedundantUnit[];
    readonly keptForSpeed: number;
  }[];
}

/** What costs most to take apart stays first. */
const EASE: readonly RedundancyReason[] = ['unread', 'zero', 'constant', 'duplicate'];

/**
 * Chooses what leaves: every group keeps a unit, and with an alignment so many that its kernels do not become slower. What
 * takes least to remove goes first.
 * @param units in ascending order
 */
export function planRemoval(
  map: ChannelMap,
  units: readonly RedundantUnit[],
  alignment: Alignment | undefined,
): RemovalPlan {
  const removed = new Set<number>();
  let next = 0;
  const byGroup = map.groups.flatMap((group) => {
    const from = next;
    // Both are in the order of their units.
    while ((units[next]?.unit ?? Number.POSITIVE_INFINITY) < group.first + group.count) next++;
    const own = units.slice(from, next);
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

/** The positions that stand for the units of a group: the first of each along the axis of the weight that names it. */
export function placesOf(
  map: ChannelMap,
  group: Group,
): { readonly axis: Axis; readonly indexOf: ReadonlyMap<number, number> } {
  const { axis } = present(headOf(group), 'the weight of a group');
  const indexOf = new Map<number, number>();
  map.unitsAlong(axis)?.forEach((unit, index) => {
    if (!indexOf.has(unit)) indexOf.set(unit, index);
  });
  return { axis, indexOf };
}

/** A unit by its index in its group, which is named where it is another one. */
function nameUnit(
  map: ChannelMap,
  unit: number,
  own: Group,
  axes: readonly KeptIndices[],
): { readonly of: number; readonly in?: string } {
  const group = present(
    map.groups.find(({ first, count }) => unit >= first && unit < first + count),
    'the group of a unit',
  );
  const { axis, indexOf } = placesOf(map, group);
  const weight = { initializer: axis.value.name, axis: axis.dim };
  const of = originalIndex(axes, weight, indexOf.get(unit) ?? -1);
  return group === own ? { of } : { of, in: group.name };
}

/** What leaves each group in a round, in the numbering before the step. */
export function describeRedundant(
  map: ChannelMap,
  { byGroup }: RemovalPlan,
  axes: readonly KeptIndices[],
): RedundantGroup[] {
  return byGroup.map(({ group, leaving, keptForSpeed }) => {
    const { axis, indexOf } = placesOf(map, group);
    const weight = { initializer: axis.value.name, axis: axis.dim };
    const removed = leaving.map(({ unit, reason, of, multiple }) => ({
      index: originalIndex(axes, weight, indexOf.get(unit) ?? -1),
      reason,
      ...(of !== undefined && { ...nameUnit(map, of, group, axes), multiple }),
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

/** What left all groups together. */
export interface RedundantTotals {
  readonly removedChannels: number;
  readonly byReason: Readonly<Record<RedundancyReason, number>>;
  /** Those of which something left, or could. */
  readonly groups: readonly RedundantGroup[];
}

/** One group's part of two rounds. */
export function joinRounds(first: RedundantGroup | undefined, second: RedundantGroup): RedundantGroup {
  if (first === undefined) return second;
  return { ...second, before: first.before, removed: [...first.removed, ...second.removed] };
}

export function totalsOf(found: readonly RedundantGroup[]): RedundantTotals {
  const groups = found.filter(({ removed, keptForSpeed }) => removed.length + keptForSpeed > 0);
  const byReason = { unread: 0, zero: 0, constant: 0, duplicate: 0 };
  for (const { removed } of groups) for (const { reason } of removed) byReason[reason]++;
  return { removedChannels: groups.reduce((sum, { removed }) => sum + removed.length, 0), byReason, groups };
}
