import type { Random } from '../numeric/random.ts';

/**
 * The order in which things are measured, round after round: a random one, and then the same backwards, so that a drift of the machine
 * falls on all of them alike. Were it always the same two, those in the middle would never run twice in a row, as those at the ends do,
 * and find the caches cold; and what comes and goes in the time of a round would always meet the same ones.
 */
export function* turns<T>(all: readonly T[], random: Random): Generator<readonly T[], never> {
  for (;;) {
    const order = [...all];
    // Source: Durstenfeld, "Algorithm 235: Random permutation", 1964.
    for (let last = order.length - 1; last > 0; last--) {
      const other = random.below(last + 1);
      [order[last], order[other]] = [order[other] as T, order[last] as T];
    }
    yield order;
    yield order.toReversed();
  }
}
