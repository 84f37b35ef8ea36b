import fc from 'fast-check';
import type { FloatType } from '../../src/numeric/float-bytes.ts';
import { rawBytes } from '../support/build-tensor.ts';

/** Elements among which there are many ties: few magnitudes, zeros of both signs, denormals, extremes. */
export const weights: fc.Arbitrary<number> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0, -0, 0.5, -0.5, 1, -1, 0.25, -2) },
  { weight: 1, arbitrary: fc.constantFrom(2 ** -149, -(2 ** -149), 2 ** -130, 2 ** -126, -1e30, 3.4e38) },
  { weight: 2, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }) },
);

/** Bytes that begin so far into a buffer, as tensors do in files. */
export function bytesAt(type: FloatType, values: readonly number[], offset: number): Uint8Array {
  const bytes = rawBytes(type, values);
  const shifted = new Uint8Array(bytes.length + offset).subarray(offset);
  shifted.set(bytes);
  return shifted;
}

/** An element in some arrays. */
interface Place {
  readonly array: number;
  readonly index: number;
  readonly score: number;
}

/**
 * Which elements leave, by sorting all of them: the lowest scores first, of equal ones those of later arrays and then of
 * higher index. The slow definition.
 */
export function slowestLeave(scores: readonly (readonly number[])[], count: number): boolean[][] {
  const places = scores.flatMap((list, array) => list.map((score, index): Place => ({ array, index, score })));
  places.sort((a, b) => a.score - b.score || b.array - a.array || b.index - a.index);
  const leaves = scores.map((list) => list.map(() => false));
  for (const { array, index } of places.slice(0, count)) {
    const list = leaves[array];
    if (list !== undefined) list[index] = true;
  }
  return leaves;
}

/** The elements after those that leave became zero; what was zero keeps its sign. */
export function cleared(values: readonly (readonly number[])[], leaves: readonly (readonly boolean[])[]): number[][] {
  return values.map((list, array) => list.map((value, i) => (leaves[array]?.[i] && value !== 0 ? 0 : value)));
}
