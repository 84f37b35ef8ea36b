import type { Mask, PatternShare, Share } from './problem.ts';

/**
 * Keeps all but the lowest scores; of equal ones the later leave first. Patterns are of consecutive columns
 * (`inner` 1). Cost: a sort of all scores, or of each row's; a pass over the groups for patterns.
 * @param scores [rows, columns], no NaN
 */
export function selectMask(scores: Float64Array, rows: number, columns: number, share: Share): Mask {
  const mask = new Uint8Array(rows * columns).fill(1);
  if (share.kind === 'pattern') {
    for (let at = 0; at < scores.length; at += share.of) {
      dropFromGroup(scores, at, share, mask.subarray(at, at + share.of));
    }
  } else if (share.per === 'layer') dropLowest(scores, share.zeros, mask);
  else {
    for (let row = 0; row < rows; row++) {
      const [from, to] = [row * columns, (row + 1) * columns];
      dropLowest(scores.subarray(from, to), zerosOfRow(share.zeros, rows, row), mask.subarray(from, to));
    }
  }
  return mask;
}

/** Zeros of a row where all rows together have so many, as evenly spread as whole numbers allow. */
function zerosOfRow(zeros: number, rows: number, row: number): number {
  return Math.floor((zeros * (row + 1)) / rows) - Math.floor((zeros * row) / rows);
}

/** Clears the mask of exactly `count` lowest scores, of equal ones the last. */
export function dropLowest(scores: Float64Array, count: number, mask: Mask): void {
  if (count === 0) return;
  const sorted = scores.slice().sort();
  const bound = sorted[count - 1] as number;
  let ties = 0;
  for (let i = count - 1; i >= 0 && sorted[i] === bound; i--) ties++;
  for (let i = scores.length - 1; i >= 0; i--) {
    const score = scores[i] as number;
    if (score < bound) mask[i] = 0;
    else if (score === bound && ties > 0) {
      mask[i] = 0;
      ties--;
    }
  }
}

/**
 * Clears the mask of all but the highest of a group of scores, of equal ones the last.
 * @param from where the group begins among the scores
 * @param mask of the group
 */
export function dropFromGroup(scores: Float64Array, from: number, { keep, of }: PatternShare, mask: Mask): void {
  for (let i = 0; i < of; i++) {
    const score = scores[from + i] as number;
    let above = 0;
    for (let j = 0; j < i; j++) above += Number((scores[from + j] as number) >= score);
    for (let j = i + 1; j < of; j++) above += Number((scores[from + j] as number) > score);
    if (above >= keep) mask[i] = 0;
  }
}

/** Copies the weights that stay; the others are zero. */
export function applyMask(weights: Float64Array, mask: Mask): Float64Array {
  return weights.map((weight, i) => (mask[i] === 0 ? 0 : weight));
}
