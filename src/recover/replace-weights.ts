import { readMatrix } from './layer-matrix.ts';
import { errorOf, shiftFor } from './least-squares.ts';
import type { Moments } from './moments.ts';
import type { Stop } from './stops.ts';
import type { Visit, Walk } from './walk.ts';

/** Sums over all of the data, and over the part that is judged by, where that is another. */
export interface JudgedMoments {
  readonly all: Moments;
  readonly check: Moments | undefined;
}

/**
 * Gives a layer other weights, and has its bias make up for what its output lacks on average then.
 * @param elements the new matrix [rows, features]
 * @returns mean square of what its output lacks, summed over channels
 */
export function replaceWeights(
  walk: Walk,
  stop: Stop,
  { shares, affine }: Visit,
  elements: Float64Array,
  { all, check }: JudgedMoments,
): number {
  const { layer, matrix, observation } = stop;
  const before = readMatrix(matrix);
  // As it is looked at.
  const change = elements.map((each, i) => {
    const gain = layer.gain * (observation.gain[Math.floor(i / matrix.features)] as number);
    return (each - (before[i] as number)) * gain;
  });
  const shift = affine ? shiftFor(change, all, matrix) : new Float64Array(matrix.rows);
  walk.apply(stop, { matrix: elements, shift: shift.map((each, row) => each * (shares[row] as number)) });
  return errorOf({ matrix: change, bias: shift }, check ?? all, matrix);
}
