import { createRandom, type Random } from '../support/random.ts';

/** Draws for a mutation: the same ones for the same seed. */
export class Dice {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = createRandom(seed);
  }

  /** A whole number from 0 to below `bound`; 0 where `bound` is 0. */
  below(bound: number): number {
    return this.#random.below(bound);
  }

  /** Whether a thing of this probability happens. */
  chance(probability: number): boolean {
    return this.#random.uniform() < probability;
  }

  /** One of a list; undefined where it is empty. */
  pick<T>(list: readonly T[]): T | undefined {
    return list[this.below(list.length)];
  }

  /** One of a list that is not empty. */
  one<T>(...list: readonly [T, ...T[]]): T {
    return this.pick(list) ?? list[0];
  }

  /** Standard normal. */
  normal(): number {
    return this.#random.normal();
  }

  /** A seed of 31 bits for draws apart. */
  seed(): number {
    return this.below(2 ** 31);
  }
}
