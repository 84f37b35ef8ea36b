import type { Quantizer } from './parameters.ts';
import type { Pieces } from './pieces.ts';

/**
 * The sum of the squared errors of quantizing the numbers of pieces, in the squared units of the numbers. Integer q represents an interval of length 1 around it, in steps, and
 * the first and the last integer all that lies beyond, so that rounding and clipping are one.
 */
export function errorOver({ from, to, mass }: Pieces, quantizer: Quantizer): number {
  const { scale, zeroPoint, lowest, highest } = quantizer;
  const first = lowest - zeroPoint;
  const last = highest - zeroPoint;
  let sum = 0;
  for (let i = 0; i < mass.length; i++) {
    const start = (from[i] as number) / scale;
    const end = (to[i] as number) / scale;
    const low = Math.min(last, Math.max(first, Math.round(start)));
    const high = Math.min(last, Math.max(first, Math.round(end)));
    const own = mass[i] as number;
    const a = start - low;
    const b = end - high;
    if (low === high) sum += (own * (a * a + a * b + b * b)) / 3;
    // Part of an interval, whole ones, part of one: sums of positive terms, which do not cancel.
    else {
      const ends = (0.5 - a) * (a * a + a / 2 + 0.25) + (b + 0.5) * (b * b - b / 2 + 0.25);
      sum += (own * (ends / 3 + (high - low - 1) / 12)) / (end - start);
    }
  }
  return sum * scale * scale;
}
