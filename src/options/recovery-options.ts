import { OnnxPruneError } from '../errors.ts';
import { METHODS, RECOVERIES } from './choices.ts';
import { parseChoice, parseWhole } from './parse.ts';

/** Options that speak of making up for what was pruned, on calibration data. */
export interface RecoveryOptions {
  /**
   * What layers make up for once channels have left: nothing, the mean of their outputs, or as much as least squares can.
   * Default least-squares where calibration data are given.
   */
  readonly recover?: Recovery | string | undefined;
  /**
   * How zeros are chosen with calibration data, and the weights that stay made to take over: `auto` (or true) tries the methods on
   * every layer and takes the best on data held out; `wanda`, `sparsegpt`, `alps` or `magnitude`, each with a refit.
   */
  readonly oneShot?: boolean | string | undefined;
  /** Rounds in which channels leave, with recovery and a new ranking after each; default 1. */
  readonly steps?: number | string | undefined;
}

/** What layers make up for: nothing, a shift of the mean, or all that a change of their weights can. */
export type Recovery = (typeof RECOVERIES)[number];

const MOST_ROUNDS = 100;

/** How channels leave and what is made up for. */
export interface RecoveryWishes {
  readonly recover: Recovery;
  readonly rounds: number;
  /** How zeros are chosen on calibration data; undefined where they are chosen by a criterion alone. */
  readonly oneShot: (typeof METHODS)[number] | undefined;
}

/** What recovery is asked for with. */
export interface RecoveryContext {
  /** Whether calibration data are given. */
  readonly calibrated: boolean;
  readonly prunesChannels: boolean;
  /** Whether `steps` are those of a schedule. */
  readonly scheduled: boolean;
  /** Which weights become zero: by an amount, a pattern or a threshold; undefined where none do. */
  readonly weights: 'amount' | 'pattern' | 'threshold' | undefined;
}

/**
 * Checks the options that speak of recovery.
 * @throws OnnxPruneError `bad-option`, also for what needs data where there are none
 */
export function checkRecoveryOptions(options: RecoveryOptions, context: RecoveryContext): RecoveryWishes {
  const { recover, steps } = options;
  const { calibrated, prunesChannels, scheduled } = context;
  const oneShot = checkOneShot(options, context);
  const wanted = recover === undefined ? undefined : parseChoice('--recover', recover, RECOVERIES);
  if (wanted !== undefined && wanted !== 'none' && !calibrated) {
    throw new OnnxPruneError(
      'bad-option',
      '--recover',
      `--recover ${wanted} learns from data what a layer has to make up for, and none were given; add --calibration with a few hundred inputs of the model.`,
    );
  }
  const settled = wanted ?? (calibrated && prunesChannels ? 'least-squares' : 'none');
  if (scheduled || steps === undefined) return { recover: settled, rounds: 1, oneShot };
  if (!prunesChannels || settled === 'none') {
    throw new OnnxPruneError(
      'bad-option',
      '--steps',
      '--steps belongs to a schedule; add --schedule polynomial or --schedule constant, or let channels leave in that many rounds, with --structured and --calibration.',
    );
  }
  return { recover: settled, rounds: parseWhole('--steps', steps, 1, MOST_ROUNDS), oneShot };
}

function checkOneShot(
  { oneShot }: RecoveryOptions,
  { calibrated, weights }: RecoveryContext,
): RecoveryWishes['oneShot'] {
  if (oneShot === undefined || oneShot === false) return undefined;
  const method = oneShot === true ? 'auto' : parseChoice('--one-shot', oneShot, METHODS);
  const refuse = (why: string): never => {
    throw new OnnxPruneError('bad-option', '--one-shot', why);
  };
  if (weights === undefined || weights === 'threshold')
    refuse(
      '--one-shot chooses a number of weights of each layer that become zero, and none is given; add --unstructured with an amount, or --pattern.',
    );
  if (!calibrated)
    refuse(
      '--one-shot learns from data which weights matter, and none were given; add --calibration with a few hundred inputs of the model.',
    );
  return method;
}
