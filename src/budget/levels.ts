import { type Alignment, alignCount } from './align.ts';
import type { Level } from './allocate.ts';
import { fewestUnder } from './cap.ts';

/** A width that a group may be cut to. */
export interface WidthLevel extends Level {
  /** Units that stay. */
  readonly keep: number;
}

/** A group whose units were put in the order they leave, with what is lost by it. */
export interface LossCurve {
  /** Units there are. */
  readonly count: number;
  /** Channels per unit along the axis that kernels block; 0 where none does. */
  readonly blockedWidth: number;
  /**
   * `losses[k]` is the error after the first k units left, over the energy of the output, so that groups compare;
   * `losses[0]` belongs to the whole group. No more than `losses.length - 1` units may leave.
   */
  readonly losses: Float64Array;
}

/** Which widths come into question. */
export interface LevelOptions {
  /** No group loses a larger fraction than this, 0 to 1. */
  readonly maxRatio: number;
  readonly alignment: Alignment;
  /** What the group costs with so many units; the units themselves where absent. */
  readonly cost?: ((keep: number) => number) | undefined;
  /** Levels at most where they are spread evenly, at least 2. */
  readonly most?: number | undefined;
  /** A width that the levels are to be dense around, for a choice that is to be refined; spread evenly where absent. */
  readonly near?: number | undefined;
  /** How many widths away from that one levels may be, however few there are; any number where absent. */
  readonly reach?: number | undefined;
}

/** As many levels as keep a programme over hundreds of groups below a second. */
const MOST_LEVELS = 32;

/**
 * The levels of a group, from the widest down: the widths that alignment leaves as they are. Where there are more than
 * `most` they are thinned: evenly, with the widest and the narrowest among them, or by distances from one that double, with
 * it and its neighbours among them.
 */
export function widthLevels(curve: LossCurve, options: LevelOptions): WidthLevel[] {
  const { cost, near, reach, most = MOST_LEVELS } = options;
  const widths = widthsOf(curve, options);
  const index = near === undefined ? -1 : widths.indexOf(near);
  const isThinned = widths.length > most || reach !== undefined;
  const chosen = isThinned ? (index < 0 ? spread(widths, most) : around(widths, index, reach)) : widths;
  return chosen.map((keep) => ({
    keep,
    error: curve.losses[curve.count - keep] as number,
    cost: cost === undefined ? keep : cost(keep),
  }));
}

/**
 * Every width that a group may be cut to, from the widest down: those that rounding to whole blocks leaves as they are, and
 * the narrowest under the cap where rounding would fall below it. The whole group is always one of them.
 */
export function widthsOf({ count, blockedWidth, losses }: LossCurve, options: LevelOptions): number[] {
  const { maxRatio, alignment } = options;
  const fewest = Math.max(1, fewestUnder(count, maxRatio));
  const narrowest = Math.max(fewest, count - losses.length + 1);
  const widths: number[] = [];
  for (let keep = count; keep >= narrowest; keep--) {
    if (Math.max(alignCount(keep, count, blockedWidth, alignment), fewest) === keep) widths.push(keep);
  }
  return widths;
}

/** So many of a list, evenly spread over it, the first and the last among them. */
function spread(list: readonly number[], most: number): number[] {
  if (list.length <= most) return [...list];
  return Array.from({ length: most }, (_, i) => list[Math.round((i * (list.length - 1)) / (most - 1))] as number);
}

/** Those of a list at an index, and 1, 2, 4, 8… before and behind it, as far as the reach. */
function around(list: readonly number[], index: number, reach = Number.POSITIVE_INFINITY): number[] {
  const before: number[] = [];
  const behind: number[] = [];
  for (let distance = 1; distance < list.length && distance <= reach; distance *= 2) {
    if (index >= distance) before.unshift(list[index - distance] as number);
    if (index + distance < list.length) behind.push(list[index + distance] as number);
  }
  return [...before, list[index] as number, ...behind];
}
