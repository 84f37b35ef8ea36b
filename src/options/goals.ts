import { OnnxPruneError } from '../errors.ts';
import { parseDrop } from './parse.ts';
import { parseTarget, type Target } from './target.ts';

/** Options that say what a result must come to. */
export interface GoalOptions {
  /**
   * The most parameters, multiplications, milliseconds or bytes that may stay, instead of `structured`: "macs=40%" of the
   * original, "params=1.5M", "latency=5ms" or "size=500KB". The amount of channels is found by it, or, with `unstructured`
   * "auto", that of weights.
   */
  readonly target?: string | undefined;
  /**
   * Percentage points that accuracy may fall by: "1%" or 0.01. Without a target or an amount, the largest amount of
   * channels is found that keeps to it. Measured on the test data, or on calibration data that are held out; by labels,
   * or, without any, as the share of answers that are no more those of the original.
   */
  readonly maxDrop?: number | string | undefined;
}

/** What a result must come to, after checking. */
export interface Goals {
  readonly target: Target | undefined;
  /** Fraction of 1. */
  readonly maxDrop: number | undefined;
  /** Whose amount is to be found by the target, or by `maxDrop` without one; undefined where nothing is to be found. */
  readonly sought: 'channels' | 'weights' | undefined;
}

/** Stands for an amount of weights that is to be found. */
const AUTO = 'auto';

/** The other options that goals are checked against. */
export interface GoalContext {
  readonly structured?: unknown;
  readonly unstructured?: unknown;
  readonly gzip?: unknown;
  readonly sparseFormat?: unknown;
  readonly schedule?: unknown;
  readonly bench?: unknown;
}

/**
 * Checks the options that say what a result must come to.
 * @param hasOtherWork whether other options give the run something to do, so that `maxDrop` alone is no more than a gate
 * @throws OnnxPruneError `bad-option`, also for goals that what leaves cannot bring nearer
 */
export function checkGoals(options: GoalOptions, context: GoalContext, hasOtherWork: boolean): Goals {
  const target = options.target === undefined ? undefined : parseTarget('--target', options.target);
  const maxDrop = options.maxDrop === undefined ? undefined : parseDrop('--max-drop', options.maxDrop);
  const ofWeights = context.unstructured === AUTO;
  if (ofWeights && target === undefined && maxDrop === undefined)
    refuse(
      '--unstructured',
      '--unstructured auto finds the amount by --target size= or --max-drop, and neither was given; give one of them, or an amount such as "90%".',
    );
  if (ofWeights && context.schedule !== undefined)
    refuse(
      '--schedule',
      '--schedule leads to an amount that is given, and --unstructured auto has none; give one, or leave --schedule out.',
    );
  if (target !== undefined) checkTarget(target, context, ofWeights);
  const finds = target !== undefined || (maxDrop !== undefined && !hasOtherWork);
  return { target, maxDrop, sought: ofWeights ? 'weights' : finds ? 'channels' : undefined };
}

/**
 * Refuses a drop that nothing can be measured on.
 * @param given whether there are test or calibration data
 * @throws OnnxPruneError `bad-option`
 */
export function checkDropMeasurable({ maxDrop }: Goals, given: boolean): void {
  if (maxDrop === undefined || given) return;
  refuse(
    '--max-drop',
    '--max-drop has to see how many right answers are lost, and no data were given; add --test with inputs and labels, or --calibration, of which a quarter is held out to compare answers with those of the original.',
  );
}

function checkTarget({ kind }: Target, context: GoalContext, ofWeights: boolean): void {
  if (!ofWeights && context.structured !== undefined)
    refuse('--target', '--target and --structured each say how many channels leave; give one of them.');
  if (kind === 'latency' && context.bench === false)
    refuse('--target', '--target latency= has to measure latency; leave --no-bench out.');
  if (!ofWeights) return;
  if (kind !== 'size')
    refuse(
      '--target',
      `--target ${kind}= cannot be met by --unstructured auto, since weights that are zero stay in the model; leave --unstructured auto out, so that channels leave, or aim at size=.`,
    );
  if (context.gzip !== true && context.sparseFormat !== true)
    refuse(
      '--target',
      '--target size= cannot be met by --unstructured auto alone, since zeros take as many bytes as other numbers; add --gzip or --sparse-format, or leave --unstructured auto out, so that channels leave.',
    );
}

function refuse(option: string, message: string): never {
  throw new OnnxPruneError('bad-option', option, message);
}
