/** A step below every whole count, so that 0.1 · 30 is 3 and not 4 after rounding up. */
const EPSILON = 1e-9;

/**
 * Fewest units that stay under a cap on the ratio: all of them under a cap of 0, none under a cap of 1.
 *
 * @param maxRatio largest fraction that may leave, 0 to 1
 */
export function fewestUnder(count: number, maxRatio: number): number {
  return Math.ceil(count * (1 - maxRatio) - EPSILON);
}
