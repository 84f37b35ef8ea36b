import { OnnxPruneError } from '../errors.ts';
import type { SampleSource } from '../judge/sample-source.ts';
import { fixedBatch } from '../judge/test-data.ts';
import type { InputSpec } from '../runtime/index.ts';
import { type BatchChoice, type CalibrationBatches, calibrationBatches } from './batches.ts';

/** Samples in two parts that share none. */
export interface HeldOut<Samples> {
  /** What may be learnt from. */
  readonly batches: Samples;
  /** What stays unseen, to be judged by. */
  readonly held: Samples;
}

/** One of so many samples is held out. */
const OF = 4;
/** Samples that are held out at most: they are held in memory, and so many tell a percentage point. */
const MOST = 1024;

/**
 * Holds out the last one of every four samples, so that both parts are alike where data are sorted. Whoever closes the
 * source closes both parts.
 */
export function holdOut(source: SampleSource): HeldOut<SampleSource> {
  const held = Math.floor(source.count / OF);
  return {
    batches: part(source, source.count - held, (index) => index + Math.floor(index / (OF - 1))),
    held: part(source, held, (index) => index * OF + OF - 1),
  };
}

/**
 * Shares samples out into batches of two parts, a quarter of those that are used, though no more than 1024, being held out.
 * @throws OnnxPruneError `bad-data` where that is less than a batch, and as `calibrationBatches` does
 */
export function holdOutBatches(
  source: SampleSource,
  specs: readonly InputSpec[],
  choice: BatchChoice,
): HeldOut<CalibrationBatches> {
  const used = Math.min(choice.samples ?? source.count, source.count);
  const held = Math.min(Math.floor(used / OF), MOST);
  const batch = fixedBatch(specs) ?? 1;
  if (held < batch)
    throw new OnnxPruneError(
      'bad-data',
      'calibration data',
      `--max-drop without --test holds out a quarter of the calibration samples to measure on, which of ${used} is less than a batch of ${batch}; give at least ${OF * batch}, or data with --test.`,
    );
  const parts = holdOut(source);
  return {
    batches: calibrationBatches(parts.batches, specs, { ...choice, samples: used - held }),
    held: calibrationBatches(parts.held, specs, { ...choice, samples: held }),
  };
}

function part(source: SampleSource, count: number, place: (index: number) => number): SampleSource {
  return {
    count,
    labelled: source.labelled,
    batch: (samples) => source.batch(samples.map(place)),
    close: () => source.close(),
  };
}
