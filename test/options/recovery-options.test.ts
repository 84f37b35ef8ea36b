import { describe, expect, it } from 'vitest';
import type { PruneOptions } from '../../src/index.ts';
import { checkPruneOptions } from '../../src/options/prune-options.ts';

const HALF = { structured: 0.5 };
const ZEROS = { unstructured: 0.5 };

describe('options about recovery', () => {
  it.each<[PruneOptions, boolean, { recover: string; rounds: number; oneShot: string | undefined }]>([
    [HALF, false, { recover: 'none', rounds: 1, oneShot: undefined }],
    [HALF, true, { recover: 'least-squares', rounds: 1, oneShot: undefined }],
    [{ ...HALF, recover: 'bias', steps: '3' }, true, { recover: 'bias', rounds: 3, oneShot: undefined }],
    [{ ...HALF, recover: 'none' }, true, { recover: 'none', rounds: 1, oneShot: undefined }],
    [ZEROS, true, { recover: 'none', rounds: 1, oneShot: undefined }],
    [{ ...ZEROS, oneShot: true }, true, { recover: 'none', rounds: 1, oneShot: 'auto' }],
    [{ pattern: '2:4', oneShot: 'alps' }, true, { recover: 'none', rounds: 1, oneShot: 'alps' }],
    [{ ...ZEROS, oneShot: false }, false, { recover: 'none', rounds: 1, oneShot: undefined }],
    // Steps are those of the schedule.
    [
      { ...ZEROS, ...HALF, schedule: 'constant', steps: 4 },
      true,
      { recover: 'least-squares', rounds: 1, oneShot: undefined },
    ],
  ])('%j, with data: %j, are read', (options, calibrated, expected) => {
    expect(checkPruneOptions(options, calibrated)).toMatchObject(expected);
  });

  it.each<[PruneOptions, boolean, string, string]>([
    [{ ...HALF, recover: 'bias' }, false, '--recover', 'add --calibration'],
    [{ ...HALF, recover: 'biases' }, true, '--recover', 'did you mean "bias"'],
    [{ ...ZEROS, steps: 5 }, true, '--steps', 'belongs to a schedule'],
    [{ ...HALF, steps: 5 }, false, '--steps', 'belongs to a schedule'],
    [{ ...HALF, recover: 'none', steps: 5 }, true, '--steps', 'belongs to a schedule'],
    [{ ...HALF, steps: 101 }, true, '--steps', 'from 1 to 100'],
    [{ ...HALF, oneShot: true }, true, '--one-shot', 'add --unstructured'],
    [{ threshold: 0.1, oneShot: true }, true, '--one-shot', 'add --unstructured'],
    [{ ...ZEROS, oneShot: true }, false, '--one-shot', 'add --calibration'],
    [{ ...ZEROS, oneShot: 'wand' }, true, '--one-shot', 'did you mean "wanda"'],
  ])('%j, with data: %j, are refused', (options, calibrated, subject, words) => {
    expect(() => checkPruneOptions(options, calibrated)).toThrow(
      expect.objectContaining({ code: 'bad-option', subject, message: expect.stringContaining(words) }),
    );
  });
});
