import type { Quality, SensitivityReport, SweepReport } from './study.ts';

/** What the quality of a model is judged by: right answers, answers that are the original's, or the cosine of its outputs. */
export type Yardstick = SensitivityReport['by'];

/** What points of a sweep are judged by: the first that the original has a figure of; null where it has none. */
export function yardstickOf({ original: { quality } }: SweepReport): Yardstick | null {
  const all: readonly Yardstick[] = ['accuracy', 'agreement', 'cosine'];
  return all.find((by) => quality[by] !== null) ?? null;
}

/** How much of the original's quality is lost, a fraction of 1, below 0 where there is more; null where nothing was measured. */
export function dropOf(original: Quality, quality: Quality, by: Yardstick): number | null {
  const [before, after] = [original[by], quality[by]];
  return before === null || after === null ? null : before - after;
}

/**
 * The standard error of a drop that was counted in answers, a fraction of 1; null where it was not. Both models answer the same
 * questions, so that only answers which differ between them are left to chance: of n answers of which a part d differs and
 * a drop of x is left over, √((d − x²) / n). Answers may differ without being right either time, so for right answers this is the
 * most that it may be.
 *
 * Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions", 1947.
 */
export function dropError(
  { answers, original, by }: Pick<SensitivityReport, 'answers' | 'original' | 'by'>,
  quality: Quality,
): number | null {
  const drop = dropOf(original.quality, quality, by);
  const { agreement } = quality;
  if (by === 'cosine' || drop === null || agreement === null || answers === null || answers === 0) return null;
  return Math.sqrt(Math.max(0, 1 - agreement - drop * drop) / answers);
}

/** What a study measured and on what, where that is not the accuracy on data of the user's own; null where it is. */
export function dataRemark(report: SweepReport | SensitivityReport): string | null {
  const { on, original } = report;
  if (on === 'random inputs')
    return "No --test data were given: what is measured is how far outputs on random inputs are from the original's, which tells little about accuracy.";
  if (original.quality.accuracy !== null) return null;
  return original.quality.loss === null
    ? "The test data have no labels: what is measured is how far outputs are from the original's, not accuracy."
    : 'The labels are numbers and not classes: the loss is a mean squared error, and there is no accuracy.';
}
