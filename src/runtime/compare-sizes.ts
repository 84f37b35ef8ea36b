import type { RequestOptions, RuntimeChild } from './child.ts';
import { subjectOf } from './model-info.ts';
import type { SizesResult } from './protocol.ts';
import type { RunnableInputs } from './runnable.ts';
import { seeing } from './seeing.ts';
import type { InputSpec, ModelSource } from './types.ts';

/**
 * Compares two models on random inputs of several sizes, in the child, each choice of sizes by itself. Both are loaded once.
 *
 * @param trials choices of sizes, tried in order; those that A does not run with are left out of the answer
 * @param options.most stops once so many suited A
 * @returns per choice that A runs with, how far B's outputs are from A's, or why B does not run
 * @throws OnnxPruneError `runtime-refused` where a model cannot be loaded
 */
export function compareSizes(
  child: RuntimeChild,
  a: ModelSource,
  b: ModelSource,
  specs: readonly InputSpec[],
  trials: readonly RunnableInputs[],
  options: RequestOptions & { readonly seed: number; readonly most: number },
): Promise<SizesResult> {
  const { seed, most } = options;
  const subject = `${subjectOf(a)} against ${subjectOf(b)}`;
  return seeing(a, b, {}, ({ settings, ...sides }) =>
    child.request('compareSizes', subject, { ...sides, specs, seed, trials, most, options: settings }, options),
  );
}
