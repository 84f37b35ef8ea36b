import { describe, expect, it } from 'vitest';
import { OnnxPruneError } from '../../src/index.ts';
import {
  checkRecoveryOptions,
  type RecoveryContext,
  type RecoveryOptions,
} from '../../src/options/recovery-options.ts';

const PLAIN: RecoveryContext = { calibrated: false, prunesChannels: true, scheduled: false, weights: undefined };
const DATA: RecoveryContext = { ...PLAIN, calibrated: true };
const ZEROS: RecoveryContext = { ...DATA, prunesChannels: false, weights: 'amount' };

describe('recovery', () => {
  it.each<[RecoveryOptions, RecoveryContext, object]>([
    [{}, PLAIN, { recover: 'none', rounds: 1, oneShot: undefined }],
    [{}, DATA, { recover: 'least-squares', rounds: 1, oneShot: undefined }],
    [{}, ZEROS, { recover: 'none', rounds: 1, oneShot: undefined }],
    [{ recover: 'none' }, PLAIN, { recover: 'none' }],
    [{ recover: 'bias', steps: '3' }, DATA, { recover: 'bias', rounds: 3 }],
    [{ steps: 5 }, { ...DATA, scheduled: true }, { rounds: 1 }],
    [{ oneShot: true }, ZEROS, { oneShot: 'auto' }],
    [{ oneShot: false }, ZEROS, { oneShot: undefined }],
    [{ oneShot: 'alps' }, { ...ZEROS, weights: 'pattern' }, { oneShot: 'alps' }],
  ])('asked for by %j among %j is %j', (options, context, settled) => {
    expect(checkRecoveryOptions(options, context)).toMatchObject(settled);
  });

  it.each<[RecoveryOptions, RecoveryContext, string, string]>([
    [{ recover: 'bias' }, PLAIN, '--recover', 'none were given; add --calibration'],
    [{ recover: 'biases' }, DATA, '--recover', 'did you mean "bias"?'],
    [{ steps: 3 }, PLAIN, '--steps', '--steps belongs to a schedule; add --schedule polynomial'],
    [{ steps: 3, recover: 'none' }, DATA, '--steps', '--steps belongs to a schedule'],
    [{ steps: 3 }, ZEROS, '--steps', '--steps belongs to a schedule'],
    [{ steps: 0 }, DATA, '--steps', 'must be a whole number from 1 to 100'],
    [{ oneShot: true }, DATA, '--one-shot', 'add --unstructured with an amount, or --pattern'],
    [{ oneShot: true }, { ...ZEROS, weights: 'threshold' }, '--one-shot', 'add --unstructured'],
    [{ oneShot: true }, { ...ZEROS, calibrated: false }, '--one-shot', 'add --calibration'],
    [{ oneShot: 'sparse' }, ZEROS, '--one-shot', 'must be one of auto, wanda, sparsegpt, alps, magnitude'],
  ])('asked for by %j among %j is refused', (options, context, subject, words) => {
    const check = (): unknown => checkRecoveryOptions(options, context);
    expect(check).toThrow(OnnxPruneError);
    expect(check).toThrow(expect.objectContaining({ code: 'bad-option', subject }));
    expect(check).toThrow(words);
  });
});
