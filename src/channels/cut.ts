import type { Kept, Place } from '../ops/rule.ts';
import type { ChannelMap, Group } from './group.ts';
import { PlaceMap } from './places.ts';

/** A decision what leaves: one flag per unit of a channel map. */
export class Cut {
  readonly map: ChannelMap;
  /** 1 for units that leave. */
  readonly removed: Uint8Array;
  readonly #kept = new PlaceMap<{ readonly indices: readonly number[] | undefined }>();

  constructor(map: ChannelMap, removed: Uint8Array) {
    this.map = map;
    this.removed = removed;
  }

  /** Units of a group that stay. */
  countKept(group: Group): number {
    let kept = 0;
    for (let unit = group.first; unit < group.first + group.count; unit++) kept += 1 - (this.removed[unit] as number);
    return kept;
  }

  /** Units that leave, over all groups. */
  get countRemoved(): number {
    return this.removed.reduce((sum, flag) => sum + flag, 0);
  }

  /** The positions that stay along a place, ascending; undefined where all do. */
  readonly kept: Kept = (place) => {
    const known = this.#kept.get(place) ?? { indices: this.#compute(place) };
    this.#kept.set(place, known);
    return known.indices;
  };

  #compute(place: Place): readonly number[] | undefined {
    const units = this.map.unitsAlong(place);
    if (units === undefined) return undefined;
    const kept: number[] = [];
    units.forEach((unit, index) => {
      if (unit < 0 || this.removed[unit] === 0) kept.push(index);
    });
    return kept.length === units.length ? undefined : kept;
  }
}
