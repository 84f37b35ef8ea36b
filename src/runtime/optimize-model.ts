import type { RequestOptions, RuntimeChild } from './child.ts';
import { subjectOf } from './model-info.ts';
import type { ModelSource, SessionSettings } from './types.ts';

/**
 * Loads a model and saves the graph that onnxruntime runs after all its optimisations, which depend on the processor: which
 * nodes became one, in which layout, and what was computed ahead.
 * @param target path of the file; weights go to a file of that name with `.data` behind it
 * @throws OnnxPruneError `runtime-refused` with onnxruntime's own words, where it does not accept the model or cannot
 * write the file
 */
export async function optimizeModel(
  child: RuntimeChild,
  source: ModelSource,
  target: string,
  options: RequestOptions & SessionSettings = {},
): Promise<void> {
  const { optimization, threads } = options;
  await child.request('optimize', subjectOf(source), { source, target, settings: { optimization, threads } }, options);
}
