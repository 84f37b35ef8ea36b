import type { DataType } from '../ir/data-type.ts';
import type { Axis } from '../ir/value.ts';
import type { Place } from '../ops/rule.ts';
import { PlaceMap } from './places.ts';

/**
 * What the channels along an axis hold: channel i is `scales[i]` times what all channels with the number `ids[i]` hold.
 * The number `ONES` is held by channels that are the same number everywhere, which is their scale.
 */
export interface ChannelNumbers {
  readonly ids: Int32Array;
  readonly scales: Float64Array;
  /** Whether nothing at all is known: each channel has a number that no other channel of any axis has. */
  readonly isUnknown: boolean;
}

/** The number of what is one everywhere. */
export const ONES = 0;

/** Whether a channel is zero everywhere. */
export function isZero({ ids, scales }: ChannelNumbers, at: number): boolean {
  return ids[at] === ONES && scales[at] === 0;
}

/** How far apart ratios of numbers of a type may be, of what was computed in float64 out of stored ones: some roundings. */
export function nearnessOf(type: DataType): number {
  return type === 'float64' ? 2 ** -50 : 2 ** -22;
}

/** Numbers what channels hold, so that equal numbers mean equal up to a multiple: value numbering, channel by channel. */
export class NumberTable {
  readonly #numbers = new PlaceMap<ChannelNumbers>();
  readonly #known = new Map<string, { readonly id: number; readonly ratios: readonly number[] }[]>();
  #last = ONES;

  /** A number that nothing else bears. */
  fresh(): number {
    return ++this.#last;
  }

  /** The numbers along an axis; where nothing is known of its channels, each has one of its own. */
  along(axis: Axis, length: number): ChannelNumbers {
    const known = this.#numbers.get(axis);
    if (known !== undefined && known.ids.length === length) return known;
    const made: ChannelNumbers = {
      ids: Int32Array.from({ length }, () => this.fresh()),
      scales: new Float64Array(length).fill(1),
      isUnknown: true,
    };
    this.#numbers.set(axis, made);
    return made;
  }

  /** Whether anything is known of the channels along an axis. */
  isKnown(axis: Axis): boolean {
    return this.#numbers.get(axis)?.isUnknown === false;
  }

  set(place: Place, numbers: ChannelNumbers): void {
    this.#numbers.set(place, numbers);
  }

  /**
   * The number of what a key and some ratios make: the same key with ratios that are the same but for rounding gives
   * the same number.
   * @param near how far apart ratios may be, as a part of themselves; see `nearnessOf`
   */
  intern(key: string, ratios: readonly number[] = [], near = 0): number {
    const bucket = this.#known.get(key) ?? [];
    this.#known.set(key, bucket);
    const match = bucket.find(
      (each) =>
        each.ratios.length === ratios.length &&
        each.ratios.every((ratio, i) => isNear(ratio, ratios[i] ?? Number.NaN, near)),
    );
    if (match !== undefined) return match.id;
    const id = this.fresh();
    bucket.push({ id, ratios });
    return id;
  }
}

function isNear(a: number, b: number, near: number): boolean {
  return a === b || Math.abs(a - b) <= near * Math.abs(a);
}
