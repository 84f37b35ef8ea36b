import type { Histogram } from '../../numeric/histogram.ts';
import { errorOver } from './error.ts';
import { minMaxRange } from './min-max.ts';
import { type Levels, uint8Quantizer } from './parameters.ts';
import { type Pieces, piecesOf } from './pieces.ts';
import type { Range } from './range.ts';

/**
 * The range whose quantizer has the least expected squared error over the histogram, never a greater one than the range
 * of all numbers. Both ends are searched together: first under the usual model, a twelfth of the squared step inside
 * and the squared distance outside, which takes the ends one by one; then, near the best, with the exact error of the
 * quantizer, zero point rounded.
 * Sources: Sung et al., "Resiliency of Deep Neural Networks under Quantization", 2015, for ranges of least squared
 * error; Banner et al., "Post-training 4-bit quantization of convolution networks for rapid-deployment", NeurIPS 2019,
 * for the model.
 */
export function mseRange(histogram: Histogram, levels: Levels): Range {
  const whole = minMaxRange(histogram);
  if (whole.most === whole.least) return whole;
  const pieces = piecesOf(histogram);
  const errorOf = (range: Range): number => errorOver(pieces, uint8Quantizer(range, levels));
  const best = polish(search(pieces, whole, levels), whole, errorOf);
  return best.error < errorOf(whole) ? best.range : whole;
}

/** What clipping at an end costs: how many numbers lie beyond it, and the sum of their squared distances from it. */
interface Tail {
  readonly end: number;
  readonly mass: number;
  readonly error: number;
}

/** Sixth parts of octaves from the whole down to 2^-11 of it, which is one bin of 2048, and nothing. */
const FACTORS: readonly number[] = [...Array.from({ length: 67 }, (_, i) => 2 ** (-i / 6)), 0];

/** Finer and finer factors around the best so far. */
const ZOOMS: readonly (readonly number[])[] = [1 / 48, 1 / 384].map((octaves) =>
  Array.from({ length: 17 }, (_, i) => 2 ** ((8 - i) * octaves)),
);

/** The best range under the model. */
function search(pieces: Pieces, whole: Range, levels: Levels): Range {
  let best = bestPair(pieces, ends(FACTORS, whole.least), ends(FACTORS, whole.most), levels);
  for (const factors of ZOOMS) {
    const least = ends(factors, best.least).map((end) => Math.max(whole.least, end));
    const most = ends(factors, best.most).map((end) => Math.min(whole.most, end));
    best = bestPair(pieces, least, most, levels);
  }
  return best;
}

function ends(factors: readonly number[], end: number): readonly number[] {
  return end === 0 ? [0] : factors.map((factor) => factor * end);
}

function bestPair(pieces: Pieces, leasts: readonly number[], mosts: readonly number[], levels: Levels): Range {
  const below = leasts.map((end) => tailOf(pieces, end, -1));
  const above = mosts.map((end) => tailOf(pieces, end, 1));
  let best = { least: 0, most: 0 };
  let leastError = Number.POSITIVE_INFINITY;
  for (const low of below) {
    for (const high of above) {
      const step = (high.end - low.end) / (levels - 1);
      const rounding = ((pieces.total - low.mass - high.mass) * step * step) / 12;
      const error = rounding + low.error + high.error;
      if (error < leastError) [best, leastError] = [{ least: low.end + 0, most: high.end + 0 }, error];
    }
  }
  return best;
}

function tailOf({ from, to, mass }: Pieces, end: number, sign: 1 | -1): Tail {
  const [inner, outer] = sign > 0 ? [from, to] : [to, from];
  let beyond = 0;
  let error = 0;
  for (let i = 0; i < mass.length; i++) {
    const far = sign * ((outer[i] as number) - end);
    if (far <= 0) continue;
    const near = sign * ((inner[i] as number) - end);
    const own = near >= 0 ? (mass[i] as number) : (mass[i] as number) * (far / (far - near));
    const start = Math.max(0, near);
    beyond += own;
    error += (own * (start * start + start * far + far * far)) / 3;
  }
  return { end, mass: beyond, error };
}

/** Shares of the ends by which polishing moves them, each once inwards and once outwards. */
const MOVES: readonly number[] = [1 / 32, 1 / 64, 1 / 128, 1 / 256, 1 / 512, 1 / 1024];

/** Moves the ends, one by one and together, where that lowers the exact error. */
function polish(
  start: Range,
  whole: Range,
  errorOf: (range: Range) => number,
): { readonly range: Range; readonly error: number } {
  let range = start;
  let error = errorOf(start);
  const move = (low: number, high: number): void => {
    const least = Math.max(whole.least, range.least * low);
    const most = Math.min(whole.most, range.most * high);
    if (least === range.least && most === range.most) return;
    const moved = errorOf({ least, most });
    if (moved < error) [range, error] = [{ least: least + 0, most: most + 0 }, moved];
  };
  for (const share of MOVES) {
    for (const factor of [1 - share, 1 + share]) {
      move(factor, 1);
      move(1, factor);
      move(factor, factor);
    }
  }
  return { range, error };
}
