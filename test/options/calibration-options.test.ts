import { describe, expect, it } from 'vitest';
import {
  type CalibrationOptions,
  checkCalibrationGiven,
  checkCalibrationOptions,
} from '../../src/options/calibration-options.ts';
import { checkPruneOptions } from '../../src/options/prune-options.ts';

describe('options about calibration data', () => {
  it.each<[CalibrationOptions, number | undefined, number | undefined]>([
    [{}, undefined, undefined],
    [{ samples: 100 }, 100, undefined],
    [{ samples: '1', batch: '8' }, 1, 8],
  ])('%j are read', (options, samples, batch) => {
    expect(checkCalibrationOptions(options)).toEqual({ samples, batch });
    expect(checkPruneOptions({ structured: 0.5, ...options })).toMatchObject({ samples, batch });
  });

  it.each<[CalibrationOptions, string]>([
    [{ samples: 0 }, '--samples must be a whole number of at least 1, but is 0.'],
    [{ samples: '1.5' }, '--samples must be a whole number of at least 1, but is "1.5".'],
    [{ batch: '' }, '--batch must be a whole number of at least 1, but is "".'],
    [{ batch: -1 }, '--batch must be a whole number of at least 1, but is -1.'],
    [{ batch: 'all' }, '--batch must be a whole number of at least 1, but is "all".'],
  ])('%j are refused', (options, message) => {
    expect(() => checkCalibrationOptions(options)).toThrow(expect.objectContaining({ code: 'bad-option', message }));
  });

  it.each<[CalibrationOptions, string]>([
    [{ samples: 5 }, '--samples'],
    [{ batch: 5 }, '--batch'],
    [{ samples: 5, batch: 5 }, '--samples'],
  ])('%j are for nothing without data', (options, orphan) => {
    const wishes = checkCalibrationOptions(options);
    const message = `${orphan} belongs to --calibration, which was not given; give it data, or leave ${orphan} out.`;
    expect(() => checkCalibrationGiven(wishes, false)).toThrow(
      expect.objectContaining({ code: 'bad-option', subject: orphan, message }),
    );
    expect(() => checkCalibrationGiven(wishes, true)).not.toThrow();
  });

  it('may be left out with data and without', () => {
    for (const given of [true, false])
      expect(() => checkCalibrationGiven(checkCalibrationOptions({}), given)).not.toThrow();
  });
});
