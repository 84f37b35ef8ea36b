import type { Axis } from '../ir/value.ts';
import { isAxis, type Place } from '../ops/rule.ts';
import type { ProductPart } from './choose.ts';
import type { ChannelMap, Group, Member, Refusal } from './group.ts';
import type { PlaceTable } from './places.ts';
import type { Positions } from './positions.ts';
import type { Roles } from './roles.ts';

interface OpenGroup {
  readonly sets: number[];
  readonly placeIds: readonly number[];
}

/**
 * Numbers the sets that may leave (the units) and gathers those that touch exactly the same places into groups.
 * Places are visited in executable order, so units come in the order of the channels of the layer that makes them.
 */
export function groupUnits(table: PlaceTable, positions: Positions, roles: Roles): Omit<ChannelMap, 'couplings'> {
  const touched = placesOfSets(table, positions);
  const groups = new Map<string, OpenGroup>();
  for (const [set, placeIds] of touched) {
    const key = placeIds.join(' ');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { sets: [set], placeIds });
    else group.sets.push(set);
  }

  const unitOf = new Map<number, number>();
  const done: Group[] = [];
  for (const { sets, placeIds } of groups.values()) {
    const places = placeIds.map((id) => table.places[id]).filter((place) => place !== undefined);
    const members = membersOf(places, roles);
    // A unit without a weight saves nothing worth having and has no importance to be ranked by.
    if (!members.some((member) => member.role !== 'through')) continue;
    const first = unitOf.size;
    for (const set of sets) unitOf.set(set, first + unitOf.size - first);
    done.push({
      name: headOf(members)?.value.name ?? '',
      first,
      count: sets.length,
      members,
      places,
      part: partOf(places, roles),
      mixers: [...new Set(places.flatMap((place) => roles.mixersOf(place)))],
      blockedWidth: blockedWidthOf(placeIds, sets, table, positions, roles),
    });
  }

  const known = new Map<number, Int32Array>();
  const unitsAlong = (place: Place): Int32Array | undefined => {
    const id = table.find(place);
    if (id === undefined || (positions.offsets[id] ?? -1) < 0) return undefined;
    const units =
      known.get(id) ??
      Int32Array.from({ length: positions.lengthOf(id) }, (_, i) => unitOf.get(positions.setOf(id, i)) ?? -1);
    known.set(id, units);
    return units;
  };
  return {
    groups: named(done, unitsAlong),
    unitCount: unitOf.size,
    refusals: refusalsOf(table, positions, roles),
    quantizations: roles.quantizations,
    unitsAlong,
  };
}

/** The places that each free set has positions along, ascending. */
function placesOfSets(table: PlaceTable, positions: Positions): Map<number, number[]> {
  const touched = new Map<number, number[]>();
  for (let id = 0; id < table.places.length; id++) {
    if ((positions.offsets[id] as number) < 0) continue;
    for (let i = 0; i < positions.lengthOf(id); i++) {
      const set = positions.setOf(id, i);
      if (positions.reasonOf(set) !== undefined) continue;
      const places = touched.get(set);
      if (places === undefined) touched.set(set, [id]);
      else if (places[places.length - 1] !== id) places.push(id);
    }
  }
  return touched;
}

function membersOf(places: readonly Place[], roles: Roles): Member[] {
  const members: Member[] = [];
  for (const place of places) {
    if (!isAxis(place)) continue;
    // A tied weight plays a part at each of its nodes; each part counts.
    const seen = new Set<string>();
    for (const use of roles.uses.get(place.value) ?? []) {
      const role = use.roleOf(place.dim);
      if (seen.has(role)) continue;
      seen.add(role);
      members.push({ axis: place, role, node: use.node, gain: roles.isGain(place) });
    }
  }
  return members;
}

/** Heads go first: their places lie beside those of the dimensions inside them. */
function partOf(places: readonly Place[], roles: Roles): ProductPart | undefined {
  const parts = new Set(places.map((place) => roles.partOf(place)));
  return parts.has('heads') ? 'heads' : parts.has('head-dim') ? 'head-dim' : undefined;
}

/** A group is called after the weight that makes its channels, else after the first that reads them. */
function headOf(members: readonly Member[]): Axis | undefined {
  return (members.find((member) => member.role === 'out') ?? members.find((member) => member.role === 'in'))?.axis;
}

/**
 * Gives groups of one weight (the halves of a Split, say) names of their own: the first index that each has along it, and
 * which axis that is where they lie along several.
 */
function named(groups: readonly Group[], unitsAlong: ChannelMap['unitsAlong']): Group[] {
  const bearers = new Map<string, number[]>();
  for (const { name, members } of groups) bearers.set(name, [...(bearers.get(name) ?? []), headOf(members)?.dim ?? 0]);
  return groups.map((group) => {
    const head = headOf(group.members);
    const dims = bearers.get(group.name) ?? [];
    if (dims.length === 1 || head === undefined) return group;
    const index = unitsAlong(head)?.findIndex((unit) => unit >= group.first && unit < group.first + group.count);
    const axes = new Set(dims).size > 1 ? ':, '.repeat(head.dim) : '';
    return { ...group, name: `${group.name}[${axes}${index}…]` };
  });
}

function blockedWidthOf(
  placeIds: readonly number[],
  sets: readonly number[],
  table: PlaceTable,
  positions: Positions,
  roles: Roles,
): number {
  const own = new Set(sets);
  let width = 0;
  for (const id of placeIds) {
    const place = table.places[id];
    if (place === undefined || !roles.isBlocked(place)) continue;
    let count = 0;
    for (let i = 0; i < positions.lengthOf(id); i++) if (own.has(positions.setOf(id, i))) count++;
    width = Math.max(width, Math.ceil(count / sets.length));
  }
  return width;
}

/** For each weight's outgoing axis, how many positions stay and why; the reason of most of them stands for all. */
function refusalsOf(table: PlaceTable, positions: Positions, roles: Roles): Refusal[] {
  const refusals: Refusal[] = [];
  for (const { axis, node, role } of roles.weights) {
    const id = table.find(axis);
    if (role !== 'out' || id === undefined || positions.lengthOf(id) < 2) continue;
    const counts = new Map<string, number>();
    for (let i = 0; i < positions.lengthOf(id); i++) {
      const reason = positions.reasonOf(positions.setOf(id, i));
      if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
    for (const [reason, count] of counts) refusals.push({ axis, node, reason, positions: count });
  }
  for (const { axis, node, reason } of roles.unread) {
    const positions = axis.value.tensor?.dims[axis.dim] ?? 0;
    if (positions > 1) refusals.push({ axis, node, reason, positions });
  }
  return refusals;
}
