import { OnnxPruneError } from '../errors.ts';
import type { SampleBatch, SampleSource } from '../judge/sample-source.ts';
import { fixedBatch } from '../judge/test-data.ts';
import { seededRandom } from '../numeric/random.ts';
import type { InputSpec } from '../runtime/index.ts';

/** Which samples are used and how many of them go through a model at a time. */
export interface BatchChoice {
  /** How many samples to use; all where left out or where there are no more. */
  readonly samples?: number | undefined;
  /** Samples per batch where the model leaves that open; default 32. */
  readonly batch?: number | undefined;
  /** Batches that there have to be at least, where their size is open and the samples suffice; default 1. */
  readonly least?: number | undefined;
  /** Decides which samples are used where not all are; default 0. */
  readonly seed?: number | undefined;
}

/** Calibration data in batches that a model takes. */
export interface CalibrationBatches {
  /** How many samples the batches have in all. */
  readonly samples: number;
  /** How many batches there are. */
  readonly count: number;
  /** Whether batches come with labels. */
  readonly labelled: boolean;
  /**
   * Reads the batches one after the other, in the order of the data, the next one while the last is in use; every call is
   * a new pass.
   */
  read(): AsyncGenerator<CalibrationBatch, void, undefined>;
}

/** One batch, and how many samples it has. */
export interface CalibrationBatch extends SampleBatch {
  readonly size: number;
}

/** Samples that go through the model at a time where neither it nor the user says. */
const OPEN_BATCH = 32;

/**
 * Shares samples out into batches, without reading any.
 *
 * Where fewer samples are wanted than there are, the data are divided into that many stretches of equal length and one
 * sample is drawn from each (stratified sampling: W. G. Cochran, Sampling Techniques, 3rd ed. 1977, ch. 5), since data are
 * often sorted by class, or go through the classes in turn. Where the model's batch is fixed, what does not fill it is left
 * out: of all samples the last ones, of a number of samples as many as the rest.
 *
 * @throws OnnxPruneError `bad-option` where a batch is asked for that the model does not take, or samples that do not fill
 *   one; `bad-data` where there are too few samples to fill one
 */
export function calibrationBatches(
  source: SampleSource,
  specs: readonly InputSpec[],
  { samples, batch, least = 1, seed = 0 }: BatchChoice = {},
): CalibrationBatches {
  const fixed = fixedBatch(specs);
  if (fixed !== undefined && batch !== undefined && batch !== fixed) throw otherBatch(batch, fixed);
  if (source.count < (fixed ?? 1)) throw tooFew(source.count, fixed ?? 1);
  const wanted = Math.min(samples ?? source.count, source.count);
  if (fixed !== undefined && wanted < fixed) throw tooFewWanted(wanted, fixed);
  const used = fixed === undefined ? wanted : wanted - (wanted % fixed);
  const size = fixed ?? batch ?? openBatch(wanted, least);
  const chosen = wanted === source.count ? undefined : spread(source.count, used, seed);
  const count = Math.ceil(used / size);
  return {
    samples: used,
    count,
    labelled: source.labelled,
    async *read() {
      const load = (at: number): Promise<SampleBatch> | undefined => {
        if (at >= used) return undefined;
        const end = Math.min(at + size, used);
        return source.batch(chosen?.slice(at, end) ?? Array.from({ length: end - at }, (_, i) => at + i));
      };
      let coming = load(0);
      try {
        for (let at = 0; coming !== undefined; at += size) {
          const batch: SampleBatch = await coming;
          // While the model runs on one batch, the next one is read. What is wrong with it is said when it is asked for.
          coming = load(at + size);
          coming?.catch(() => undefined);
          yield { ...batch, size: Math.min(size, used - at) };
        }
      } finally {
        // Whoever leaves early may close the source, so that nothing may be under way.
        await coming?.catch(() => undefined);
      }
    },
  };
}

/** Samples of a batch where that is open, so that there are so many batches at least. */
function openBatch(samples: number, least: number): number {
  return Math.ceil(samples / OPEN_BATCH) < least ? Math.ceil(samples / least) : OPEN_BATCH;
}

/** One number from each of `wanted` equal stretches of 0 to `count` - 1. */
function spread(count: number, wanted: number, seed: number): number[] {
  const random = seededRandom(seed);
  const start = (stretch: number): number => Math.floor((stretch * count) / wanted);
  return Array.from({ length: wanted }, (_, i) => start(i) + random.below(start(i + 1) - start(i)));
}

function otherBatch(batch: number, fixed: number): OnnxPruneError {
  return new OnnxPruneError(
    'bad-option',
    '--batch',
    `--batch is ${batch}, but the model takes batches of ${fixed} and no others; leave --batch out.`,
  );
}

function tooFewWanted(wanted: number, fixed: number): OnnxPruneError {
  return new OnnxPruneError(
    'bad-option',
    '--samples',
    `--samples is ${wanted}, but the model takes batches of ${fixed}; give at least ${fixed}.`,
  );
}

function tooFew(count: number, least: number): OnnxPruneError {
  return new OnnxPruneError(
    'bad-data',
    'calibration data',
    `The model takes batches of ${least}, but the calibration data have ${count} samples; give at least ${least}.`,
  );
}
