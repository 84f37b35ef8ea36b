import { type Consumer, Survivors } from './survivors.ts';

export type { Consumer } from './survivors.ts';

/** In which order units leave, and what each costs. */
export interface Elimination {
  /** The units that left, first to last. */
  readonly order: Int32Array;
  /** What each of these cost when it left; the sums up to each are the total error so far. */
  readonly losses: Float64Array;
  /** The units that stay, by what each would cost now, least first; so `order` and this rank all units. */
  readonly rest: Int32Array;
  /** What each of `rest` would cost if it left alone now. */
  readonly restScores: Float64Array;
  /** What was added to the diagonal of H of each consumer: its own damping, or more where H was singular with it. */
  readonly dampings: Float64Array;
}

/**
 * Takes units out one after the other, always the one that costs least after the others have taken over its part as well as
 * they can (least squares): backward elimination by structured Optimal Brain Surgeon. The loss is exact: the sum of losses is
 * Σ importance · tr((W − Ŵ)·(H + damping · I)·(W − Ŵ)ᵀ), with Ŵ the least-squares weights of the features that are left,
 * apart from rounding, which grows with the condition of H: its part in a loss is about 2⁻⁵² · the largest eigenvalue of H /
 * damping. Equal units leave from the highest number down.
 *
 * See {@link Survivors} for formulas, sources and costs; one inverse of H a consumer comes first.
 * @param consumers all layers that read the units, each with its own features of them
 * @param count number of units
 * @param options `least`: how many units stay
 * @throws OnnxPruneError `bad-data` where moments or weights are not finite
 */
export function eliminate(
  consumers: readonly Consumer[],
  count: number,
  options: { readonly least: number },
): Elimination {
  const leaving = Math.min(Math.max(count - options.least, 0), count);
  const all = consumers.map((each) => ({
    survivors: new Survivors(each, count, leaving),
    importance: each.importance,
  }));
  const scoreOf = (unit: number): number =>
    all.reduce((sum, { survivors, importance }) => sum + importance * survivors.score(unit), 0);
  const order = new Int32Array(leaving);
  const losses = new Float64Array(leaving);
  let staying = Array.from({ length: count }, (_, unit) => ({ unit, score: scoreOf(unit) }));
  for (let step = 0; step < leaving; step++) {
    const next = staying.reduce((best, each) => (each.score <= best.score ? each : best));
    order[step] = next.unit;
    losses[step] = next.score;
    for (const { survivors } of all) survivors.remove(next.unit);
    staying = staying.filter(({ unit }) => unit !== next.unit).map(({ unit }) => ({ unit, score: scoreOf(unit) }));
  }
  staying.sort((a, b) => a.score - b.score || b.unit - a.unit);
  return {
    order,
    losses,
    rest: Int32Array.from(staying, ({ unit }) => unit),
    restScores: Float64Array.from(staying, ({ score }) => score),
    dampings: Float64Array.from(all, ({ survivors }) => survivors.damping),
  };
}
