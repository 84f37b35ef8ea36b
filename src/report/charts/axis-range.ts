/**
 * The range of an axis for values that need not be seen against 0: all of them with a little air; from 0
 * where they come near it anyway.
 * @param least how much the range spans at least, so that noise does not look like a landslide
 * @param most where the range ends at the latest; such as 100 for percent
 */
export function looseRange(values: readonly number[], least: number, most: number): readonly [number, number] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const air = Math.max((high - low) * 0.06, (least - (high - low)) / 2);
  const from = low >= 0 && low < (high - low) / 4 ? 0 : low - air;
  return [low >= 0 ? Math.max(0, from) : from, Math.min(most, high + air)];
}

/** The range of an axis from 0 to a little above the largest value. */
export function fromZero(values: readonly number[]): readonly [number, number] {
  return [0, Math.max(...values) * 1.06 || 1];
}

/**
 * The range of an axis from 0 for medians whose whiskers may reach far: all of them, unless some are more than three times as far out as
 * the largest median. Those are to be cut, lest they press the medians to the foot.
 * @returns the range, and whether whiskers leave it
 */
export function whiskerRange(
  medians: readonly number[],
  tops: readonly number[],
): { readonly range: readonly [number, number]; readonly isCut: boolean } {
  const all = fromZero([...medians, ...tops]);
  const most = Math.max(...medians) * 3;
  return most > 0 && all[1] > most ? { range: [0, most], isCut: true } : { range: all, isCut: false };
}

/** Whether values are better seen on a logarithmic axis: all positive, the largest more than 30 times the smallest. */
export function wantsLog(values: readonly number[]): boolean {
  const low = Math.min(...values);
  return low > 0 && Math.max(...values) > low * 30;
}

/** The range of a logarithmic axis, with a little air. */
export function logRange(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values) / 1.15, Math.max(...values) * 1.15];
}
