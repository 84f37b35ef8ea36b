import { OnnxPruneError } from '../errors.ts';
import type { RequestOptions, RuntimeChild } from './child.ts';
import { OutputMeasure } from './measure.ts';
import { errorOf, type InnerRounding, judgeOutput } from './prove.ts';
import { runAll } from './run.ts';
import type { Feeds, ModelSource, Optimization } from './types.ts';

/** An output that is not the same when a model runs again on the same inputs. */
export interface UnsteadyOutput {
  readonly name: string;
  /** How far apart two runs were; see `OutputProof`. */
  readonly error: number;
}

/**
 * Runs a model again and again on the same inputs, and tells outputs that are not the same each time: because it draws random
 * numbers, or because an operator leaves memory unwritten, as onnxruntime's Conv does without input channels. On one thread onnxruntime
 * repeats all else to the bit; runs that are optimised otherwise may differ by what `judgeOutput` grants to rounding at most.
 *
 * @param optimizations how sessions are optimised that are loaded one after the other
 * @returns the worst difference of each such output; nothing where the model does not run, for that is another matter
 */
export async function unsteadyOutputs(
  child: RuntimeChild,
  source: ModelSource,
  batches: readonly Feeds[],
  options: RequestOptions & {
    readonly optimizations: readonly Optimization[];
    readonly inner?: ReadonlySet<InnerRounding>;
  },
): Promise<readonly UnsteadyOutput[]> {
  const { optimizations, inner, ...request } = options;
  const [level = 'all'] = optimizations;
  const found = new Map<string, number>();
  try {
    let first: Awaited<ReturnType<typeof runAll>> | undefined;
    for (const optimization of optimizations) {
      const runs = await runAll(child, source, [...batches, ...batches], { ...request, optimization });
      first ??= runs.slice(0, batches.length);
      for (const [index, outputs] of runs.entries()) {
        for (const [name, tensor] of Object.entries(first[index % batches.length] ?? {})) {
          const measure = new OutputMeasure(name);
          measure.add(tensor, outputs[name]);
          const result = measure.result();
          const error = errorOf(result);
          const isSame = optimization === level ? result.identical : judgeOutput(result, error, inner).passed;
          if (!isSame) found.set(name, Math.max(error, found.get(name) ?? 0));
        }
      }
    }
  } catch (error) {
    if (!(error instanceof OnnxPruneError) || request.signal?.aborted) throw error;
  }
  return [...found].map(([name, error]) => ({ name, error }));
}
