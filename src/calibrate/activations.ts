import { OnnxPruneError } from '../errors.ts';
import { exportModel, type Model } from '../ir/model.ts';
import type { Value } from '../ir/value.ts';
import { writeModelFile } from '../onnx/write.ts';
import { type HostTensor, type Outputs, openModel, type RequestOptions, type RuntimeChild } from '../runtime/index.ts';
import { type Probe, probeActivations, type Site } from '../transforms/activation-statistics.ts';
import type { CalibrationBatches } from './batches.ts';

/** What flows through a value, per channel, over all samples and all other positions. */
export interface ChannelStatistics {
  readonly mean: Float64Array;
  readonly meanSquare: Float64Array;
}

/** How the model is run. */
export interface CalibrationRun {
  readonly child: RuntimeChild;
  /** Where the model that is run may be written. */
  readonly path: string;
  /** The time limit, which holds for each batch, and the signal to stop. */
  readonly request?: RequestOptions | undefined;
  /** Threads inside an operator; default 1. */
  readonly threads?: number | undefined;
  /** Hears after each batch how many samples are done. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Measures what the layers of a model read: onnxruntime reduces it to two numbers per channel and batch, which are
 * averaged here in float64, each batch by its number of samples. One batch is in memory at a time.
 *
 * @returns the statistics by value; see `probeActivations` for the values that have none
 * @throws OnnxPruneError `bad-data` for data that make a value NaN or infinite, or that do not fit the model;
 *   `runtime-refused` with onnxruntime's own words. Rejects with the signal's reason when aborted.
 */
export async function measureActivations(
  model: Model,
  sites: readonly Site[],
  batches: CalibrationBatches,
  run: CalibrationRun,
): Promise<ReadonlyMap<Value, ChannelStatistics>> {
  const { model: probed, probes } = probeActivations(model, sites);
  if (probes.length === 0) return new Map();
  await writeModelFile(run.path, exportModel(probed, 'embed'), { temporary: true });
  const outputs = probes.flatMap(({ mean, meanSquare }) => [mean, meanSquare]);
  const sums = new Map<Value, ChannelStatistics>();
  const { child, request = {}, threads } = run;
  const open = await openModel(child, run.path, { ...request, threads });
  try {
    let done = 0;
    for await (const { feeds, size } of batches.read()) {
      const results = await open.run(feeds, { ...request, outputs });
      for (const probe of probes) addBatch(sums, probe, results, size / batches.samples);
      done += size;
      run.onProgress?.(done, batches.samples);
    }
  } finally {
    await open.close();
  }
  return sums;
}

function addBatch(
  sums: Map<Value, ChannelStatistics>,
  { value, mean, meanSquare }: Probe,
  results: Outputs,
  share: number,
): void {
  const means = numbersOf(results[mean], value.name);
  const squares = numbersOf(results[meanSquare], value.name);
  const known = sums.get(value);
  const sum = known ?? { mean: new Float64Array(means.length), meanSquare: new Float64Array(means.length) };
  sums.set(value, sum);
  addScaled(sum.mean, means, share, value.name);
  addScaled(sum.meanSquare, squares, share, value.name);
}

function addScaled(sum: Float64Array, part: Float32Array | Float64Array, share: number, name: string): void {
  for (let channel = 0; channel < sum.length; channel++) {
    const number = part[channel] ?? Number.NaN;
    if (!Number.isFinite(number)) {
      throw new OnnxPruneError(
        'bad-data',
        name,
        `On the calibration data channel ${channel} of "${name}" becomes ${Number.isNaN(number) ? 'NaN' : 'infinite'}, so it has no mean; look for such numbers in the data, or try the data that the model was made for.`,
      );
    }
    sum[channel] = (sum[channel] as number) + share * number;
  }
}

function numbersOf(tensor: HostTensor | undefined, name: string): Float32Array | Float64Array {
  const data = tensor?.data;
  if (data instanceof Float32Array || data instanceof Float64Array) return data;
  throw new OnnxPruneError(
    'internal',
    name,
    `Internal error: onnxruntime gave no statistics of "${name}". Please report this with the model.`,
  );
}
