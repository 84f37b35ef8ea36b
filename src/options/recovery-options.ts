import { OnnxPruneError } from '../errors.ts';
import { parseChoice, parseWhole } from './parse.ts';

/** Options that speak of making up for what was pruned, on calibration data. */
export interface RecoveryOptions {
  /**
   * What layers make up for once channels have left: nothing, the mean of their outputs, or as much as least squares can.
   * Default least-squares where calibration data are given.
   */
  readonly recover?: Recovery | string | undefined;
  /** Rounds in which channels leave, with recovery and a new ranking after each; default 1. */
  readonly steps?: number | string | undefined;
}

/** What layers make up for: nothing, a shift of the mean, or all that a change of their weights can. */
export type Recovery = (typeof RECOVERIES)[number];

const RECOVERIES = ['none', 'bias', 'least-squares'] as const;
const MOST_ROUNDS = 100;

/** How channels leave and what is made up for. */
export interface RecoveryWishes {
  readonly recover: Recovery;
  readonly rounds: number;
}

/**
 * Checks the options that speak of recovery.
 * @param context whether calibration data are given, whether channels leave, and whether `steps` are those of a schedule
 * @throws OnnxPruneError `bad-option`, also for what needs data where there are none
 */
export function checkRecoveryOptions(
  { recover, steps }: RecoveryOptions,
  context: { readonly calibrated: boolean; readonly prunesChannels: boolean; readonly scheduled: boolean },
): RecoveryWishes {
  const { calibrated, prunesChannels, scheduled } = context;
  const wanted = recover === undefined ? undefined : parseChoice('--recover', recover, RECOVERIES);
  if (wanted !== undefined && wanted !== 'none' && !calibrated) {
    throw new OnnxPruneError(
      'bad-option',
      '--recover',
      `--recover ${wanted} learns from data what a layer has to make up for, and none were given; add --calibration with a few hundred inputs of the model.`,
    );
  }
  const settled = wanted ?? (calibrated && prunesChannels ? 'least-squares' : 'none');
  if (scheduled || steps === undefined) return { recover: settled, rounds: 1 };
  if (!prunesChannels || settled === 'none') {
    throw new OnnxPruneError(
      'bad-option',
      '--steps',
      '--steps belongs to a schedule; add --schedule polynomial or --schedule constant, or let channels leave in that many rounds, with --structured and --calibration.',
    );
  }
  return { recover: settled, rounds: parseWhole('--steps', steps, 1, MOST_ROUNDS) };
}
