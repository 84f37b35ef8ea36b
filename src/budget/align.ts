/**
 * How kept counts are rounded to what kernels like: `block` is the number of channels a kernel takes at once, 1 for none;
 * `strict` rounds to the block whatever it costs, otherwise narrower multiples stand in where the block is too coarse.
 */
export interface Alignment {
  readonly block: number;
  readonly strict: boolean;
}

/** Rounding may move a count by this fraction of the group before a narrower multiple is tried. */
const TOLERANCE = 1 / 8;
/** onnxruntime's blocked kernels take channel counts that are multiples of 4 only; others fall back to slower ones. */
const NARROWEST = 4;

/**
 * The count to keep: the multiple nearest to the wish, never below one unit nor above all of them, upwards in a tie.
 *
 * @param wish units to keep
 * @param count units there are
 * @param width channels per unit along the axis that the kernel blocks; 0 where none does
 */
export function alignCount(wish: number, count: number, width: number, { block, strict }: Alignment): number {
  const clamped = Math.min(Math.max(wish, 1), count);
  if (width === 0 || block <= 1 || clamped === count) return clamped;
  if (strict) return nearest(clamped, count, unitsPer(block, width));
  for (let size = block; size > NARROWEST; size /= 2) {
    const aligned = nearest(clamped, count, unitsPer(size, width));
    if (Math.abs(aligned - clamped) <= count * TOLERANCE) return aligned;
  }
  return count < NARROWEST * 2 ? clamped : nearest(clamped, count, unitsPer(NARROWEST, width));
}

/**
 * The count to keep where some units left before: what `alignCount` makes of the wish and all that there were, or, where so
 * many are not there any more, as many whole blocks as are.
 *
 * @param wish units to keep
 * @param count units there are
 * @param before units there were, at least as many
 * @param width channels per unit along the axis that the kernel blocks; 0 where none does
 */
export function alignRest(
  wish: number,
  { count, before }: { readonly count: number; readonly before: number },
  width: number,
  alignment: Alignment,
): number {
  const aligned = alignCount(wish, before, width, alignment);
  if (aligned <= count) return aligned;
  const step = unitsPer(alignment.strict ? alignment.block : NARROWEST, width);
  return Math.floor(count / step) * step || count;
}

/**
 * How counts are rounded in rounds before the last: no finer than in the last, so that no width is left there that cannot be
 * aligned without losing much, and no coarser than kernels ask for.
 */
export function alignmentOnTheWay({ block, strict }: Alignment): Alignment {
  return strict ? { block, strict } : { block: Math.min(block, NARROWEST), strict };
}

/**
 * The fewest units, of at least `wish`, that kernels take as fast as they take them all: for units that cost nothing but
 * room, where a narrower layer may be a slower one.
 *
 * @param wish units that have to stay
 * @param count units there are
 * @param width channels per unit along the axis that the kernel blocks; 0 where none does
 */
export function alignUp(wish: number, count: number, width: number, { block, strict }: Alignment): number {
  const fewest = Math.min(Math.max(wish, 1), count);
  if (width === 0 || block <= 1) return fewest;
  const step = unitsPer(strict ? block : NARROWEST, width);
  // A layer that is out of step already has no kernel to lose.
  return count % step === 0 ? Math.ceil(fewest / step) * step : fewest;
}

/** Units whose channels together are a multiple of the block. */
function unitsPer(block: number, width: number): number {
  let [a, b] = [block, width];
  while (b > 0) [a, b] = [b, a % b];
  return block / a;
}

function nearest(wish: number, count: number, step: number): number {
  const rounded = Math.round(wish / step) * step;
  if (rounded < 1) return Math.min(step, count);
  return Math.min(rounded, count);
}
