import { messageOf, OnnxPruneError } from '../errors.ts';
import { makeInputs } from './inputs.ts';
import type { Params, SizeComparison, SizesResult, Tell } from './protocol.ts';
import { PairMeasure, withBoth, withoutTensors } from './worker-compare.ts';

/** Compares two models at one choice of sizes after the other, each by itself, until enough of them suit A. */
export function compareSizes(
  { a, b, specs, seed, trials, most, options, passOver }: Params<'compareSizes'>,
  tell: Tell,
): Promise<SizesResult> {
  return withBoth(a, b, options, async (left, right) => {
    const uncompared = passOver ? [] : withoutTensors(left, right);
    const sizes: SizeComparison[] = [];
    if (uncompared.length > 0) return { sizes, uncompared };
    for (const [trial, choice] of trials.entries()) {
      if (sizes.length === most) break;
      const feeds = makeInputs(specs, { seed: seed + trial, ...choice });
      const pair = new PairMeasure(left, right);
      const ofA = await refusable(pair.runA(feeds));
      if (typeof ofA !== 'string') {
        const ofB = await refusable(pair.runB(feeds));
        if (typeof ofB !== 'string') pair.add(ofA, ofB);
        const refusal = typeof ofB === 'string' ? ofB : undefined;
        sizes.push({ trial, outputs: refusal === undefined ? pair.result() : [], refusal });
      }
      tell(trial + 1, trials.length);
    }
    return { sizes, uncompared };
  });
}

/** A run, or why it was refused: a size that does not suit is an answer. Anything else is no question of sizes. */
async function refusable<T>(run: Promise<T>): Promise<T | string> {
  try {
    return await run;
  } catch (error) {
    if (!(error instanceof OnnxPruneError) || error.code === 'internal') throw error;
    return messageOf(error);
  }
}
