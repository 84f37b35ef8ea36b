import type { Measurement } from './measure.ts';

/** An amount, a fraction, and what came of it. */
export interface Point {
  readonly amount: number;
  readonly measurement: Measurement;
}

/** The fraction of all samples that the model got right before and, on balance, does not any more. */
export function lossOf({ hits, hitsBefore, total }: Measurement): number {
  return (hitsBefore - hits) / total;
}

/**
 * The largest amount that costs at most `loss`: the largest of those known that does, and from there upwards in whole
 * percents for as long as the loss holds. Accuracy does not fall evenly, so that a larger amount may hold again beyond;
 * only known ones are found there.
 *
 * @param known measurements by amount
 * @returns undefined where no known amount holds
 */
export async function mostWithin(
  loss: number,
  known: ReadonlyMap<number, Measurement | undefined>,
  measure: (amount: number) => Promise<Measurement>,
): Promise<Point | undefined> {
  let most: Point | undefined;
  for (const [amount, measurement] of known) {
    const holds = measurement !== undefined && lossOf(measurement) <= loss;
    if (holds && amount >= (most?.amount ?? 0)) most = { amount, measurement };
  }
  if (most === undefined) return undefined;
  // Whole percents, since steps of 0.01 would add up to something else.
  for (let percents = Math.floor(most.amount * 100 + 1e-9) + 1; percents < 100; percents++) {
    const amount = percents / 100;
    const measurement = known.get(amount) ?? (await measure(amount));
    if (lossOf(measurement) > loss) break;
    most = { amount, measurement };
  }
  return most;
}
