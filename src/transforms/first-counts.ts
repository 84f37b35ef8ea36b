import type { ChannelMap, Group } from '../channels/group.ts';
import { headOf, type KeptIndices } from './describe-groups.ts';
import { originalIndex } from './kept-indices.ts';

/** A group as it was: where its channels are in the weight that stands for it, and how many units they make. */
interface First {
  readonly initializer: string;
  readonly axis: number;
  readonly part: Group['part'];
  readonly positions: ReadonlySet<number>;
  readonly count: number;
}

/**
 * How many units groups had before the first of several rounds. Groups are known again by their channels: what they are
 * called may change as channels before theirs leave, and heads go by the same name as the dimensions inside them.
 */
export class FirstCounts {
  readonly #groups: First[] = [];

  /**
   * Notes the groups of a map.
   * @param cuts what has left the model since its first map
   */
  note(map: ChannelMap, cuts: readonly KeptIndices[]): void {
    for (const group of map.groups) {
      const { initializer, axis, positions } = channelsOf(group, map, cuts);
      this.#groups.push({ initializer, axis, part: group.part, positions: new Set(positions), count: group.count });
    }
  }

  /**
   * Units that a group of a later map had when it was noted for the first time; undefined where it is new.
   * @param cuts what has left the model since its first map
   */
  countOf(group: Group, map: ChannelMap, cuts: readonly KeptIndices[]): number | undefined {
    const { initializer, axis, positions } = channelsOf(group, map, cuts);
    const [position] = positions;
    return this.#groups.find(
      (each) =>
        each.initializer === initializer &&
        each.axis === axis &&
        each.part === group.part &&
        position !== undefined &&
        each.positions.has(position),
    )?.count;
  }
}

/** The channels of a group along the weight that stands for it, in the numbering of the first map. */
function channelsOf(
  group: Group,
  map: ChannelMap,
  cuts: readonly KeptIndices[],
): { readonly initializer: string; readonly axis: number; readonly positions: readonly number[] } {
  const head = headOf(group);
  const of = { initializer: head?.axis.value.name ?? '', axis: head?.axis.dim ?? 0 };
  const positions: number[] = [];
  (head && map.unitsAlong(head.axis))?.forEach((unit, index) => {
    if (unit >= group.first && unit < group.first + group.count) positions.push(originalIndex(cuts, of, index));
  });
  return { ...of, positions };
}
