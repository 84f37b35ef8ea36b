import { type Random, seededRandom } from '../../src/numeric/random.ts';

export type { Random };

/** A deterministic source of numbers, so that every test and fixture can be made again bit by bit. */
export const createRandom: (seed: number) => Random = seededRandom;

/** `count` standard normal float32 numbers from `seed`. */
export function normals(count: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.normal());
}
