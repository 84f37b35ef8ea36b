import { OnnxPruneError } from '../errors.ts';
import type { FidelityReport } from '../report/report.ts';

/** How much worse a model became. */
export interface Drop {
  /** By right answers, or, without labels, by answers that are the original's: classes with the largest number. */
  readonly by: 'accuracy' | 'agreement';
  /** The output whose last axis are the classes. */
  readonly output: string;
  /** Fraction of answers that were right before, or the same, and are no more; below 0 for more right ones. */
  readonly value: number;
  /** Answers. */
  readonly total: number;
}

/** Digits that say something: 1 − 0.99 is 0.01. */
const DIGITS = 12;

/**
 * Reads from a comparison with the original how far right answers fell (top-1), or, on data without labels, in how many
 * answers the models do not agree, on the first output that has classes.
 *
 * @throws OnnxPruneError `bad-data` for labels that fit no output or label nothing, `unsupported` without an output with
 *   classes
 */
export function dropOf(
  { outputs, accuracy, regression }: Pick<FidelityReport, 'outputs' | 'accuracy'> & Partial<FidelityReport>,
  labelled: boolean,
): Drop {
  if (labelled) {
    if (regression)
      throw new OnnxPruneError(
        'bad-data',
        'labels',
        `--max-drop counts right answers, and the labels are numbers that output "${regression.output}" should have, of which none is right or wrong; hold the result to --max-error or --min-cosine instead.`,
      );
    if (accuracy === null || accuracy.total === 0)
      throw new OnnxPruneError(
        'bad-data',
        'labels',
        `--max-drop goes by labels where the data have any, and ${accuracy === null ? 'these fit no output: class scores have the shape of the labels and a further, last axis of the classes' : 'all of these are negative, which labels nothing'}; mend the labels, or leave them out.`,
      );
    const { output, hitsA, hitsB, total } = accuracy;
    return { by: 'accuracy', output, value: (hitsA - hitsB) / total, total };
  }
  for (const { name, argmaxAgreement, count, dims, problem } of outputs) {
    if (argmaxAgreement === undefined || problem !== undefined) continue;
    const value = Number((1 - argmaxAgreement).toPrecision(DIGITS));
    return { by: 'agreement', output: name, value, total: Math.round(count / (dims.at(-1) ?? 1)) };
  }
  throw new OnnxPruneError(
    'unsupported',
    '--max-drop',
    '--max-drop counts answers by the largest number along the last axis of an output, and no output has numbers of more than one class there; give an amount, and judge the result by your own measure.',
  );
}
