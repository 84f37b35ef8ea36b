import type { Model } from '../ir/model.ts';
import type { Histogram } from '../numeric/histogram.ts';

/** Runs parts of models on all calibration data, and keeps what flows between them. Whoever has a runtime gives one. */
export interface Activations {
  /** How many samples there are. */
  readonly samples: number;
  /**
   * Runs a part on every batch.
   * @param onProgress hears of every batch that is done
   * @returns the sums over the batches of the outputs that were to be summed, by name: one of all batches, or one of each half of them
   * @throws OnnxPruneError `bad-data` where a sum is not finite
   */
  run(
    stage: Stage,
    onProgress?: (done: number, total: number) => void,
  ): Promise<ReadonlyMap<string, readonly Float64Array[]>>;
  /**
   * Runs a part on every batch, and tells how the elements of its outputs are spread over all of them.
   * @throws OnnxPruneError `bad-data` for outputs of other types, and for one to take the largest of that is not of one shape
   */
  spread(stage: SpreadStage): Promise<Spread>;
  /** Forgets what was kept. */
  drop(names: readonly string[]): Promise<void>;
}

/** A part of a model, and where its inputs come from and its outputs go. */
export interface PartStage {
  readonly model: Model;
  /** By the name of the input, the name under which what it takes was kept; the inputs of the calibration data have their own names. */
  readonly take: ReadonlyMap<string, string>;
  /** By the name of the output, the name to keep it under. */
  readonly keep: ReadonlyMap<string, string>;
  /** About how many samples are enough: batches that are spread over the data. All where absent. */
  readonly samples?: number | undefined;
}

/** A part of a model of whose outputs sums are taken. */
export interface Stage extends PartStage {
  /** Outputs to be summed over the batches, in float64. */
  readonly sum: readonly string[];
  /** Whether the halves of the data are summed apart: every other batch. */
  readonly halves: boolean;
}

/** A part of a model of whose outputs is told how their elements are spread. */
export interface SpreadStage extends PartStage {
  /** Outputs of which histograms are taken: float32, float64 or float16. */
  readonly spread: readonly string[];
  /** Outputs, of these types and of one shape in every batch, of which the largest of each element is taken. */
  readonly most: readonly string[];
}

/** How the elements of outputs are spread over all batches, by the names of the outputs. */
export interface Spread {
  readonly histograms: ReadonlyMap<string, Histogram>;
  /** The largest of each element; NaN where it was NaN in a batch. */
  readonly most: ReadonlyMap<string, Float64Array>;
}
