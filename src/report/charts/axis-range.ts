/**
 * The range of an axis for values that need not be seen against 0: all of them with a twentieth of their span as air; from 0
 * where they come near it anyway.
 * @param most where the range ends at the latest; such as 100 for percent
 */
export function looseRange(values: readonly number[], most: number): readonly [number, number] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const air = (high - low || Math.abs(high) * 0.02 || 1) * 0.06;
  const from = low >= 0 && low < (high - low) / 4 ? 0 : low - air;
  return [low >= 0 ? Math.max(0, from) : from, Math.min(most, high + air)];
}

/** The range of an axis from 0 to a little above the largest value. */
export function fromZero(values: readonly number[]): readonly [number, number] {
  return [0, Math.max(...values) * 1.06 || 1];
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
