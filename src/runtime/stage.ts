import { randomUUID } from 'node:crypto';
import { OnnxPruneError } from '../errors.ts';
import type { ActivationStore } from './activation-store.ts';
import type { RequestOptions, RuntimeChild } from './child.ts';
import { subjectOf } from './model-info.ts';
import type { StageSum } from './running-sum.ts';
import type { ModelSource, SessionSettings } from './types.ts';

/** A segment of a net, and what becomes of its inputs and outputs. */
export interface StageRun {
  /** The segment's model. */
  readonly source: ModelSource;
  /** Batches 0 to `batches` − 1 are run, in this order. */
  readonly batches: number;
  /** Only every so many of them are. Default 1. */
  readonly step?: number | undefined;
  /** Stored name of every input of the model; several inputs may take the same. Names the model lacks are ignored. */
  readonly take: Readonly<Record<string, string>>;
  /** Outputs to keep in the store, per batch: output name → stored name, which may be one that is taken. */
  readonly keep: Readonly<Record<string, string>>;
  /** Outputs (float32 or float64, of the same shape in every batch) to sum over the batches, in float64. */
  readonly sum: readonly string[];
  /** Sums are given per part, for checks on held-out data; batch i is of part i mod `parts`. Default 1. */
  readonly parts?: number | undefined;
}

/** Settings of `runStage`; time limit and abort hold for each batch by itself. */
export interface StageOptions extends RequestOptions, SessionSettings {
  /** Told after each batch. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Runs a model over batches of the store. Activations stay in the child; only the sums come out of it, once, at the
 * end. The model is loaded once and given up whatever happens. What batches before a failure have stored stays stored.
 *
 * @param store of this child
 * @returns per output of `sum` one sum per part, zeros where a part has no batch; not finite where an output was not
 * @throws OnnxPruneError `runtime-refused` with onnxruntime's own words; `bad-data` for activations that are not stored
 * or do not fit the inputs, for outputs that the model lacks or that cannot be summed, and without batches; `bad-file`
 * when the disk is full; `internal` once the store is gone. Rejects with the signal's reason when aborted.
 */
export async function runStage(
  child: RuntimeChild,
  store: ActivationStore,
  stage: StageRun,
  options: StageOptions = {},
): Promise<ReadonlyMap<string, readonly StageSum[]>> {
  const { source, batches, step = 1, take, keep, sum, parts = 1 } = stage;
  const { optimization, threads, onProgress, ...request } = options;
  const subject = subjectOf(source);
  checkStage(subject, stage);
  const params = { store: await store.ready(), take, keep, sum, parts };
  const key = randomUUID();
  await child.request(
    'stageOpen',
    subject,
    { key, source, settings: { optimization, threads }, stage: params },
    request,
  );
  const close = async (): Promise<void> => {
    // Its process took it along; starting another to say so would be a waste.
    if (child.pid !== undefined) await child.request('stageClose', subject, { key });
  };
  try {
    for (let batch = 0; batch < batches; batch += step) {
      await child.request('stageRun', subject, { key, batch }, request);
      onProgress?.(batch + 1, batches);
    }
    const sums = await child.request('stageSums', subject, { key }, request);
    await close();
    return sums;
  } catch (error) {
    // Why it failed matters more than that the rest did, too.
    await close().catch(() => undefined);
    throw error;
  }
}

function checkStage(subject: string, { batches, keep, sum, parts = 1 }: StageRun): void {
  const problem = !(Number.isInteger(batches) && batches > 0)
    ? `it has ${batches} batches, expected one or more`
    : !(Number.isInteger(parts) && parts > 0)
      ? `its sums are in ${parts} parts, expected one or more`
      : sum.length === 0 && Object.keys(keep).length === 0
        ? 'none of its outputs is kept or summed; name one'
        : undefined;
  if (problem !== undefined)
    throw new OnnxPruneError('bad-data', subject, `Running ${subject} is of no use: ${problem}.`);
}
