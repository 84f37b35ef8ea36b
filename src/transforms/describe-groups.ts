import type { Quota } from '../budget/plan.ts';
import type { Cut } from '../channels/cut.ts';
import type { ChannelMap, Group, Member } from '../channels/group.ts';
import type { Graph } from '../ir/graph.ts';
import { initializersIn, labelOf } from '../ir/node.ts';
import { LATER, type Selected } from './select-groups.ts';

/** One initializer axis that was cut. */
export interface AxisCut {
  readonly initializer: string;
  readonly axis: number;
  readonly before: number;
  readonly after: number;
}

/** What stays along one axis of an initializer. */
export interface KeptIndices {
  readonly initializer: string;
  readonly axis: number;
  /** Length of the axis before. */
  readonly before: number;
  /** Positions that stay, ascending, in the numbering before. */
  readonly kept: readonly number[];
}

/** What happened to one group of channels. */
export interface GroupReport {
  /** The weight that makes the channels, with `[i…]` behind it (`[:, i…]` along another axis) where several groups have channels along it. */
  readonly name: string;
  /** The initializer and its axis that `before`, `after` and `kept` count along. */
  readonly weight: { readonly initializer: string; readonly axis: number };
  /** The nodes that make the channels and those that sum over them. */
  readonly producers: readonly string[];
  readonly consumers: readonly string[];
  /** Channels along the axis of the weight that names the group. */
  readonly before: number;
  /** What the amount asked to keep, before alignment. */
  readonly asked: number;
  readonly after: number;
  /** Channels that leave together; 1 unless the structure ties some. */
  readonly unit: number;
  /** The criterion that ranked them. */
  readonly criterion: string;
  /** Indices that stay along the axis of the weight that names the group, in the numbering before. */
  readonly kept: readonly number[];
  readonly cuts: readonly AxisCut[];
  /** What the units are where they are heads of an attention, or dimensions inside them. */
  readonly part: 'heads' | 'head-dim' | null;
  /** Nodes that take statistics over the channels; the proof takes them over those that stay. */
  readonly approximate: readonly string[];
}

/** Layers that keep their width, and why: ends the sentence "kept whole because …". */
export interface KeptLayer {
  readonly reason: string;
  readonly layers: readonly {
    readonly node: string;
    readonly initializer: string;
    readonly channels: number;
    readonly of: number;
  }[];
}

/** The member that stands for a group: the weight that makes its channels, else the first that reads them. */
export function headOf(group: Group): Member | undefined {
  return group.members.find((member) => member.role === 'out') ?? group.members.find((member) => member.role === 'in');
}

/** Channels of a group along the axis of the weight that names it. */
export function channelsIn(group: Group, unitsAlong: ChannelMap['unitsAlong']): number {
  const head = headOf(group);
  const units = head && unitsAlong(head.axis);
  const isInside = (unit: number): boolean => unit >= group.first && unit < group.first + group.count;
  return units?.reduce((sum, unit) => sum + Number(isInside(unit)), 0) ?? group.count;
}

/** Describes a group after its cut was decided and before the graph shrinks. */
export function describeGroup({ group, asked }: Quota, cut: Cut, criterion: string): GroupReport {
  const head = headOf(group);
  const units = head && cut.map.unitsAlong(head.axis);
  const kept: number[] = [];
  let before = 0;
  units?.forEach((unit, index) => {
    if (unit < group.first || unit >= group.first + group.count) return;
    before++;
    if (cut.removed[unit] === 0) kept.push(index);
  });
  const unit = before / group.count;
  return {
    name: group.name,
    weight: { initializer: head?.axis.value.name ?? '', axis: head?.axis.dim ?? 0 },
    producers: namesOf(group, 'out'),
    consumers: namesOf(group, 'in'),
    before,
    asked: Math.round(asked * unit),
    after: kept.length,
    unit,
    criterion,
    kept,
    cuts: axisCuts(group, cut),
    part: group.part ?? null,
    approximate: group.mixers.map(labelOf),
  };
}

/** The nodes whose weights play a part in a group, each once. */
export function namesOf(group: Group, role: Member['role']): string[] {
  return [...new Set(group.members.filter((member) => member.role === role).map(({ node }) => labelOf(node)))];
}

function axisCuts(group: Group, cut: Cut): AxisCut[] {
  const seen = new Set<string>();
  return group.members.flatMap(({ axis }) => {
    const key = `${axis.value.name} ${axis.dim}`;
    if (seen.has(key)) return [];
    seen.add(key);
    const before = axis.value.tensor?.dims[axis.dim] ?? 0;
    return [{ initializer: axis.value.name, axis: axis.dim, before, after: cut.kept(axis)?.length ?? before }];
  });
}

/** Every initializer axis that a cut shortens; call it before the graph shrinks. */
export function cutAxes(graph: Graph, cut: Cut): KeptIndices[] {
  return initializersIn(graph).flatMap((value) =>
    (value.tensor?.dims ?? []).flatMap((before, axis) => {
      const kept = cut.kept({ value, dim: axis });
      return kept === undefined ? [] : [{ initializer: value.name, axis, before, kept }];
    }),
  );
}

/** The layers that keep some or all channels, by reason, most layers first. */
export function keptWhole(map: ChannelMap, selected: readonly Selected[]): KeptLayer[] {
  const byReason = new Map<string, KeptLayer['layers'][number][]>();
  const note = (reason: string, layer: KeptLayer['layers'][number]): void => {
    const layers = byReason.get(reason) ?? [];
    layers.push(layer);
    byReason.set(reason, layers);
  };
  for (const { axis, node, reason, positions } of map.refusals) {
    note(reason, {
      node: labelOf(node),
      initializer: axis.value.name,
      channels: positions,
      of: axis.value.tensor?.dims[axis.dim] ?? positions,
    });
  }
  for (const { group, keptBy } of selected) {
    const head = headOf(group);
    if (keptBy === undefined || keptBy === LATER || head === undefined) continue;
    note(keptBy, {
      node: labelOf(head.node),
      initializer: head.axis.value.name,
      channels: group.count,
      of: group.count,
    });
  }
  return [...byReason]
    .map(([reason, layers]) => ({ reason, layers }))
    .sort((a, b) => b.layers.length - a.layers.length);
}
