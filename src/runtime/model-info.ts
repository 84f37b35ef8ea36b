import type { RequestOptions, RuntimeChild } from './child.ts';
import type { ModelInfo, ModelSource, SessionSettings } from './types.ts';

/** What an error calls a model: its path, or that it came as bytes. */
export function subjectOf(source: ModelSource): string {
  return typeof source === 'string' ? source : 'the model';
}

/**
 * Loads a model and gives its inputs and outputs, in the model's order.
 * @throws OnnxPruneError `runtime-refused` with onnxruntime's own words where it does not accept the model
 */
export function modelInfo(
  child: RuntimeChild,
  source: ModelSource,
  options: RequestOptions & SessionSettings = {},
): Promise<ModelInfo> {
  const { optimization, threads } = options;
  return child.request('info', subjectOf(source), { source, settings: { optimization, threads } }, options);
}
