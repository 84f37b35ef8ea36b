import { OnnxPruneError } from '../errors.ts';
import type { Activations, PartStage, Spread, SpreadStage, Stage } from '../recover/activations.ts';
import {
  ActivationStore,
  type RequestOptions,
  type RuntimeChild,
  runSpread,
  runStage,
  type SegmentRun,
} from '../runtime/index.ts';
import type { CalibrationBatches } from './batches.ts';
import { type WriteModel, writingTo } from './write-model.ts';

/** How stages are run. */
export interface StageSettings {
  readonly child: RuntimeChild;
  /** Gives a path in a folder of the run's own, for parts of models and for what does not fit into memory. */
  readonly place: (name: string) => string;
  /** How parts of models are written; with their data inside by default. */
  readonly write?: WriteModel | undefined;
  /** Bytes of activations that are held in memory at most; the rest goes to files. */
  readonly memoryLimit: number;
  readonly request?: RequestOptions | undefined;
  /** Threads inside an operator; default 1. */
  readonly threads?: number | undefined;
}

/** Runs parts of models on calibration data that are held by the runtime's own process, with what flows between them. */
export class CalibrationStages implements Activations {
  readonly #settings: StageSettings;
  readonly #store: ActivationStore;
  readonly #batches: number;
  /** How many samples the data have. */
  readonly samples: number;

  private constructor(settings: StageSettings, store: ActivationStore, batches: CalibrationBatches) {
    this.#settings = settings;
    this.#store = store;
    this.#batches = batches.count;
    this.samples = batches.samples;
  }

  /** Hands the data over, batch by batch. @throws OnnxPruneError as reading the data does */
  static async open(
    batches: CalibrationBatches,
    settings: StageSettings,
    onProgress?: (done: number, total: number) => void,
  ): Promise<CalibrationStages> {
    const { child, place, memoryLimit, request } = settings;
    const store = new ActivationStore(child, { folder: place('activations'), memoryLimit });
    let index = 0;
    for await (const { feeds } of batches.read()) {
      await store.put(index++, feeds, request);
      onProgress?.(index, batches.count);
    }
    return new CalibrationStages(settings, store, batches);
  }

  async run(
    { sum, halves, ...part }: Stage,
    onProgress?: (done: number, total: number) => void,
  ): Promise<ReadonlyMap<string, readonly Float64Array[]>> {
    const { child, request, threads } = this.#settings;
    // One batch alone cannot be halved: it is both.
    const parts = halves && this.#batches > 1 ? 2 : 1;
    const stage = { ...(await this.#segment(part)), sum, parts };
    const sums = await runStage(child, this.#store, stage, { ...request, threads, onProgress });
    return new Map([...sums].map(([name, each]) => [name, each.map(({ data }) => checked(data))]));
  }

  async spread({ spread, most, ...part }: SpreadStage): Promise<Spread> {
    const { child, request, threads } = this.#settings;
    const stage = { ...(await this.#segment(part)), spread, most };
    return runSpread(child, this.#store, stage, { ...request, threads });
  }

  /** Writes the model of a part to where the runtime finds it. */
  async #segment({ model, take, keep, samples }: PartStage): Promise<SegmentRun> {
    const { place, write = writingTo(place) } = this.#settings;
    const source = await write('stage.onnx', model);
    return {
      source,
      batches: this.#batches,
      step: samples === undefined ? 1 : Math.max(1, Math.floor(this.samples / samples)),
      take: Object.fromEntries(take),
      keep: Object.fromEntries(keep),
    };
  }

  drop(names: readonly string[]): Promise<void> {
    return this.#store.drop(names);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

/** @throws OnnxPruneError `bad-data` where a sum is not finite */
function checked(data: Float64Array): Float64Array {
  if (data.every(Number.isFinite)) return data;
  throw new OnnxPruneError(
    'bad-data',
    'calibration data',
    'On the calibration data something in the model, or its square, becomes NaN or infinite, so nothing can be learnt from them; look for such numbers in the data, or try the data that the model was made for.',
  );
}
