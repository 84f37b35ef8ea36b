import { availableParallelism } from 'node:os';
import type { CalibrationBatches } from './calibrate/batches.ts';
import { measureLayerInputs } from './calibrate/layer-inputs.ts';
import { CalibrationStages } from './calibrate/stages.ts';
import type { WriteModel } from './calibrate/write-model.ts';
import type { Model } from './ir/model.ts';
import type { ModelFiles } from './model-files.ts';
import type { LayerStatistics } from './run-transforms.ts';
import type { RequestOptions, RuntimeChild } from './runtime/index.ts';
import type { Stopwatch } from './stopwatch.ts';

/** What a run learns from, and with what. */
export interface Lessons {
  readonly batches: CalibrationBatches;
  readonly files: ModelFiles;
  readonly child: RuntimeChild;
  readonly clock: Stopwatch;
  readonly request: RequestOptions;
}

/** Bytes of activations that are held in memory between two parts of a model; more than these go to files. */
const MOST_ACTIVATIONS = 2 ** 29;

/** How statistics of what layers read are taken. */
export function statisticsOn({ batches, files, child, clock, request }: Lessons, threads: number): LayerStatistics {
  return (model) =>
    clock.time('calibrate', (onProgress) => {
      const write: WriteModel = (name, each) => files.put(name, each);
      return measureLayerInputs(model, batches, { child, write, request, threads, onProgress });
    });
}

/** How parts of a model are run on the calibration data, which are handed over when somebody first asks. */
export function stagesOn({ batches, files, child, clock, request }: Lessons): {
  readonly open: () => Promise<CalibrationStages>;
  readonly close: () => Promise<void>;
} {
  let stages: Promise<CalibrationStages> | undefined;
  const settings = {
    child,
    place: (name: string) => files.place(name),
    write: (name: string, model: Model) => files.put(name, model),
    memoryLimit: MOST_ACTIVATIONS,
    request,
    // What is summed is the same with any number of threads.
    threads: availableParallelism(),
  };
  return {
    open: () => {
      stages ??= clock.time('read calibration data', (tell) => CalibrationStages.open(batches, settings, tell));
      return stages;
    },
    close: async () => (await stages)?.close(),
  };
}
