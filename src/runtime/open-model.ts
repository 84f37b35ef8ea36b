import { randomUUID } from 'node:crypto';
import type { RequestOptions, RuntimeChild } from './child.ts';
import { subjectOf } from './model-info.ts';
import type { Outputs } from './run.ts';
import type { Feeds, ModelInfo, ModelSource, SessionSettings } from './types.ts';

/** A model that stays loaded in the child between runs: for calibration data that comes batch by batch. */
export interface OpenModel {
  readonly info: ModelInfo;
  /**
   * Runs one batch; `outputs` names those wanted, default all that are tensors.
   * @throws OnnxPruneError `runtime-refused` with onnxruntime's own words, `bad-data` for data that does not fit,
   * `internal`
   * once the model is closed or the process it was loaded in was stopped (a time limit, an abort)
   */
  run(feeds: Feeds, options?: RequestOptions & { readonly outputs?: readonly string[] | undefined }): Promise<Outputs>;
  /** Gives its memory back. */
  close(): Promise<void>;
}

/**
 * Loads a model to run it many times.
 * @throws OnnxPruneError `runtime-refused` with onnxruntime's own words where it does not accept the model
 */
export async function openModel(
  child: RuntimeChild,
  source: ModelSource,
  options: RequestOptions & SessionSettings = {},
): Promise<OpenModel> {
  const { optimization, threads } = options;
  const subject = subjectOf(source);
  // Unique over processes: after a restart the old name must not mean another model.
  const key = randomUUID();
  const info = await child.request('open', subject, { key, source, settings: { optimization, threads } }, options);
  return {
    info,
    run: (feeds, { outputs, ...rest } = {}) => child.request('runOpen', subject, { key, feeds, outputs }, rest),
    close: async () => {
      // Its process took it along; starting another to say so would be a waste.
      if (child.pid === undefined) return;
      await child.request('release', subject, { key });
    },
  };
}
