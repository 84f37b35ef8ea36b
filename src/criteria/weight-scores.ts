import type { WeightTensor } from '../channels/weight-tensors.ts';
import { OnnxPruneError } from '../errors.ts';
import type { FloatType } from '../numeric/float-bytes.ts';
import {
  type Keys,
  magnitudeKeyAt,
  magnitudeKeys,
  randomKeyAt,
  randomKeys,
  scoreKeyAt,
  scoreKeys,
} from '../numeric/keys.ts';
import type { Floats } from '../numeric/slices.ts';

/** A way to rank single weights that is none of the built-in ones. */
export interface WeightScore {
  readonly name: string;
  /**
   * Importance of each weight, finite and of any sign: the lower, the sooner it leaves. The memory is overwritten.
   * @param values the weights, row-major
   */
  score(weight: WeightTensor, values: Floats): Float32Array;
}

/** How single weights are ranked: by absolute value, by lot from a seed, or by scores. */
export type WeightCriterion = 'magnitude' | 'random' | WeightScore;

/** The name of a criterion in reports. */
export function nameOfCriterion(criterion: WeightCriterion): string {
  return typeof criterion === 'string' ? criterion : criterion.name;
}

/**
 * What the elements of a weight are ranked by. Magnitudes and lots need no memory; float64 is ranked as rounded to
 * float32. Elements that are zero come first, whatever the criterion.
 * @param type of the weight's elements
 * @param bytes of the weight, which the keys go on reading
 * @throws OnnxPruneError `bad-option` for scores that are not finite, `internal` for another number of them
 */
export function rankWeights(
  criterion: WeightCriterion,
  weight: WeightTensor,
  type: FloatType,
  bytes: Uint8Array,
  seed: number,
): Keys {
  const magnitudes = magnitudeKeys(type, bytes);
  if (criterion === 'magnitude') return magnitudes;
  if (criterion === 'random') return randomKeys(seed, weight.index, magnitudes);
  const values = weight.tensor.floats();
  const scores = criterion.score(weight, values);
  checkScores(criterion, weight, scores, values);
  // Keys are written over scores, which must not be the weights themselves.
  return scoreKeys(scores.buffer === values.buffer ? scores.slice() : scores, magnitudes);
}

/** The lowest key of the weights whose score is at least `bound`: their magnitude, lot in [0, 1), or score. */
export function keyAt(criterion: WeightCriterion, bound: number): number {
  if (criterion === 'magnitude') return magnitudeKeyAt(Math.max(bound, 0));
  return criterion === 'random' ? randomKeyAt(bound) : scoreKeyAt(bound);
}

function checkScores({ name }: WeightScore, weight: WeightTensor, scores: Float32Array, values: Floats): void {
  if (scores.length !== values.length) {
    throw new OnnxPruneError(
      'internal',
      name,
      `Criterion "${name}" gives ${scores.length} scores for the ${values.length} elements of weight "${weight.name}"; a score function returns one for each.`,
    );
  }
  // Weights that are not finite have scores that mean nothing, and are reported as such.
  const place = scores.findIndex((score, i) => !Number.isFinite(score) && Number.isFinite(values[i]));
  if (place < 0) return;
  throw new OnnxPruneError(
    'bad-option',
    name,
    `Criterion "${name}" gives ${scores[place]} for element ${place} of weight "${weight.name}", which is ${values[place]}; change it so that every score is a finite number, or leave the weight out with --exclude "${weight.name}".`,
  );
}
