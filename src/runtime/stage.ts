import { randomUUID } from 'node:crypto';
import { OnnxPruneError } from '../errors.ts';
import type { ActivationStore } from './activation-store.ts';
import type { RequestOptions, RuntimeChild } from './child.ts';
import { subjectOf } from './model-info.ts';
import type { StageParams, StageResults } from './protocol.ts';
import type { StageSum } from './running-sum.ts';
import type { ModelSource, SessionSettings } from './types.ts';

/** A segment of a net, and where its inputs come from and its outputs go. */
export interface SegmentRun {
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
}

/** A segment of whose outputs sums are taken. */
export interface StageRun extends SegmentRun {
  /** Outputs (float32 or float64, of the same shape in every batch) to sum over the batches, in float64. */
  readonly sum: readonly string[];
  /** Sums are given per part, for checks on held-out data; batch i is of part i mod `parts`. Default 1. */
  readonly parts?: number | undefined;
}

/** A segment of whose outputs is told how their elements are spread. */
export interface SpreadRun extends SegmentRun {
  /** Outputs (float32, float64 or float16) to take histograms of. */
  readonly spread: readonly string[];
  /** Outputs (of these types, of the same shape in every batch) to take the largest of each element of. */
  readonly most: readonly string[];
}

/** Settings of a run; time limit and abort hold for each batch by itself. */
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
  const { sum, parts = 1 } = stage;
  return (await runSegment(child, store, stage, { sum, parts, spread: [], most: [] }, options)).sums;
}

/**
 * Runs a model over batches of the store as `runStage` does, and tells how the elements of outputs are spread: numbers that are
 * not finite are counted by themselves.
 *
 * @param store of this child
 * @throws OnnxPruneError as `runStage` does
 */
export async function runSpread(
  child: RuntimeChild,
  store: ActivationStore,
  stage: SpreadRun,
  options: StageOptions = {},
): Promise<Pick<StageResults, 'histograms' | 'most'>> {
  const { spread, most } = stage;
  return runSegment(child, store, stage, { sum: [], parts: 1, spread, most }, options);
}

/** What is found on the way. */
type Wanted = Pick<StageParams, 'sum' | 'parts' | 'spread' | 'most'>;

async function runSegment(
  child: RuntimeChild,
  store: ActivationStore,
  { source, batches, step = 1, take, keep }: SegmentRun,
  wanted: Wanted,
  options: StageOptions,
): Promise<StageResults> {
  const { optimization, threads, onProgress, ...request } = options;
  const subject = subjectOf(source);
  checkStage(subject, batches, { ...wanted, keep });
  const params: StageParams = { store: await store.ready(), take, keep, ...wanted };
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
    const results = await child.request('stageResults', subject, { key }, request);
    await close();
    return results;
  } catch (error) {
    // Why it failed matters more than that the rest did, too.
    await close().catch(() => undefined);
    throw error;
  }
}

function checkStage(
  subject: string,
  batches: number,
  { keep, sum, parts, spread, most }: Wanted & Pick<SegmentRun, 'keep'>,
): void {
  const problem = !(Number.isInteger(batches) && batches > 0)
    ? `it has ${batches} batches, expected one or more`
    : !(Number.isInteger(parts) && parts > 0)
      ? `its sums are in ${parts} parts, expected one or more`
      : [...Object.keys(keep), ...sum, ...spread, ...most].length === 0
        ? 'none of its outputs is kept or looked at; name one'
        : undefined;
  if (problem !== undefined)
    throw new OnnxPruneError('bad-data', subject, `Running ${subject} is of no use: ${problem}.`);
}
