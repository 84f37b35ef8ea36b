import { OnnxPruneError } from '../errors.ts';
import { parseWhole } from './parse.ts';

/** Options that speak of calibration data. */
export interface CalibrationOptions {
  /** How many samples of the calibration data are used, spread evenly over them; default all. */
  readonly samples?: number | string | undefined;
  /** Samples that go through the model at a time, where it leaves that open; default 32, or half of the samples where there are no more. */
  readonly batch?: number | string | undefined;
}

/** Which samples are used, and in what batches; undefined where nobody says. */
export interface CalibrationWishes {
  readonly samples: number | undefined;
  readonly batch: number | undefined;
}

/** Checks the options that speak of calibration data. @throws OnnxPruneError `bad-option` for anything but whole numbers from 1 */
export function checkCalibrationOptions({ samples, batch }: CalibrationOptions): CalibrationWishes {
  return {
    samples: samples === undefined ? undefined : parseWhole('--samples', samples, 1),
    batch: batch === undefined ? undefined : parseWhole('--batch', batch, 1),
  };
}

/**
 * Refuses options that speak of calibration data where there are none.
 * @throws OnnxPruneError `bad-option`
 */
export function checkCalibrationGiven({ samples, batch }: CalibrationWishes, given: boolean): void {
  const orphan = samples !== undefined ? '--samples' : batch !== undefined ? '--batch' : undefined;
  if (given || orphan === undefined) return;
  throw new OnnxPruneError(
    'bad-option',
    orphan,
    `${orphan} belongs to --calibration, which was not given; give it data, or leave ${orphan} out.`,
  );
}
