import type { Model } from '../ir/model.ts';

/** Runs parts of models on all calibration data, and keeps what flows between them. Whoever has a runtime gives one. */
export interface Activations {
  /** How many samples there are. */
  readonly samples: number;
  /**
   * Runs a part on every batch.
   * @returns the sums over the batches of the outputs that were to be summed, by name: one of all batches, or one of each half of them
   * @throws OnnxPruneError `bad-data` where a sum is not finite
   */
  run(stage: Stage): Promise<ReadonlyMap<string, readonly Float64Array[]>>;
  /** Forgets what was kept. */
  drop(names: readonly string[]): Promise<void>;
}

/** A part of a model, and what becomes of its inputs and outputs. */
export interface Stage {
  readonly model: Model;
  /** By the name of the input, the name under which what it takes was kept; the inputs of the calibration data have their own names. */
  readonly take: ReadonlyMap<string, string>;
  /** By the name of the output, the name to keep it under. */
  readonly keep: ReadonlyMap<string, string>;
  /** Outputs to be summed over the batches, in float64. */
  readonly sum: readonly string[];
  /** Whether the halves of the data are summed apart: every other batch. */
  readonly halves: boolean;
  /** About how many samples are enough: batches that are spread over the data. All where absent. */
  readonly samples?: number | undefined;
}
