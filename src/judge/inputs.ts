import type { Graph } from '../ir/graph.ts';
import { dimsOf } from '../ir/value.ts';
import { indexBounds } from '../ops/index-bounds.ts';
import type { FidelityReport } from '../report/report.ts';
import {
  type Feeds,
  findOtherInputs,
  findRunnableInputs,
  firstThatRuns,
  type InputSpec,
  makeInputs,
  type RequestOptions,
  type RuntimeChild,
} from '../runtime/index.ts';
import { batchesOf, batchOf, fixedBatch, type TestData } from './test-data.ts';

/** What the models are run on. */
export interface JudgeInputs {
  /** For the proof: a few samples. */
  readonly proof: readonly Feeds[];
  /** For fidelity: the test data, or random inputs. */
  readonly fidelity: {
    readonly feeds: readonly Feeds[];
    readonly labels: TestData['labels'][];
    readonly samples: number;
  };
  /** For latency: one batch. */
  readonly latency: Feeds;
  readonly latencyBatch: number;
  readonly on: FidelityReport['on'];
}

/** Batches of random inputs for fidelity, and samples in each where the model leaves the batch open. */
const RANDOM_BATCHES = 4;
const RANDOM_BATCH = 4;
/** Samples of a proof: two, so that nothing can hide in the batch axis. */
const PROOF_BATCH = 2;

/** The inputs that a caller must feed, with bounds for those that hold indices. */
export function inputSpecs(graph: Graph): InputSpec[] {
  const bounds = indexBounds(graph);
  return graph.inputs
    .filter((value) => value.tensor === undefined)
    .map((value) => ({
      name: value.name,
      type: value.type?.type ?? 'undefined',
      dims: dimsOf(value) ?? [],
      bound: bounds.get(value.name),
    }));
}

/**
 * Inputs for the proof, for fidelity and for latency: test data where there are any, else random ones of the declared
 * shapes and types, with sizes for open axes that the original model was seen to run with.
 * @param options.few one batch of random inputs for everything, for models that take long to run
 * @param options.ofPart whether the models are parts of others
 * @param on what the data are, where there are any
 * @throws OnnxPruneError `runtime-refused` when no sizes make the original run
 */
export async function judgeInputs(
  child: RuntimeChild,
  original: string,
  specs: readonly InputSpec[],
  data: TestData | undefined,
  options: RequestOptions & { readonly seed: number; readonly few?: boolean; readonly ofPart?: boolean },
  on: 'test data' | 'calibration data' = 'test data',
): Promise<JudgeInputs> {
  if (data !== undefined) {
    const { feeds, labels, samples } = batchesOf(data, specs);
    const one = fixedBatch(specs) ?? 1;
    const few = batchOf(data, 0, Math.min(data.count, fixedBatch(specs) ?? PROOF_BATCH));
    return {
      proof: [few],
      fidelity: { feeds, labels, samples },
      latency: batchOf(data, 0, one),
      latencyBatch: one,
      on,
    };
  }
  const { seed } = options;
  const found = await findRunnableInputs(child, original, specs, { ...options, batch: PROOF_BATCH });
  const fixed = fixedBatch(specs);
  if (options.few === true) {
    const feeds = [makeInputs(specs, { ...found, batch: fixed ?? found.batch, seed: seed + 1 })];
    const samples = fixed ?? found.batch;
    const [latency = {}] = feeds;
    const fidelity = { feeds, labels: [], samples };
    return {
      proof: feeds,
      fidelity,
      latency,
      latencyBatch: samples,
      on: options.ofPart ? 'random inputs of the part that changed' : 'random inputs',
    };
  }
  // Sizes that were found by luck (an axis that counts samples as well) may run with that very number of samples only.
  const runsWith = async (size: number): Promise<number> =>
    (await firstThatRuns(child, original, specs, [{ ...found, batch: size }], options))?.batch ?? found.batch;
  const batch = fixed ?? (found.batch === 1 ? 1 : await runsWith(RANDOM_BATCH));
  const single = fixed ?? (await runsWith(1));
  const make = (salt: number, size: number): Feeds => makeInputs(specs, { ...found, batch: size, seed: seed + salt });
  // What is right at one length of a sequence or size of an image may be wrong at another.
  const other = await findOtherInputs(child, original, specs, { ...options, first: found });
  const elsewhere = other === undefined ? [] : [makeInputs(specs, { ...other, seed: seed + 4 })];
  const feeds = Array.from({ length: RANDOM_BATCHES }, (_, i) => make(100 + i, batch));
  return {
    proof: [make(1, found.batch), make(2, found.batch), ...elsewhere],
    fidelity: { feeds, labels: [], samples: RANDOM_BATCHES * batch },
    latency: make(3, single),
    latencyBatch: single,
    on: 'random inputs',
  };
}
