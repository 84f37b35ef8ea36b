import type { Quality, SensitivityReport, SweepReport } from './study.ts';

/**
 * What the quality of a model is judged by: right answers, answers that are the original's, the cosine of its outputs, or, where labels
 * are numbers, the loss, which is a mean squared error then.
 */
export type Yardstick = SensitivityReport['by'] | 'loss';

/** Digits of a difference that say something: 0.97 - 0.96 is 0.01. */
const DIGITS = 12;

/**
 * What may be lost for an amount to count as cheap: one percentage point of right answers or of agreement, 0.01 of the cosine. Errors have
 * no such scale; a twentieth of what there was is about what a point of right answers is to a model with four of five right.
 */
const CHEAP: Readonly<Record<Yardstick, number>> = { accuracy: 0.01, agreement: 0.01, cosine: 0.01, loss: 0.05 };

/** What points of a sweep are judged by: the first that the original has a figure of; null where it has none. */
export function yardstickOf({ original: { quality } }: SweepReport): Yardstick | null {
  const all: readonly Yardstick[] = ['accuracy', 'loss', 'agreement', 'cosine'];
  return all.find((by) => quality[by] !== null) ?? null;
}

/**
 * How much of the original's quality is lost, a fraction of 1, below 0 where there is more; of a loss, by what part of the original's it
 * grew. Null where nothing was measured; Infinity for a loss that is no number any more.
 */
export function dropOf(original: Quality, quality: Quality, by: Yardstick): number | null {
  const [before, after] = [original[by], quality[by]];
  if (before === null) return null;
  if (by === 'loss') {
    if (after === null) return Number.POSITIVE_INFINITY;
    return after === before ? 0 : after / before - 1;
  }
  return after === null ? null : Number((before - after).toPrecision(DIGITS));
}

/**
 * How much is lost in units of what counts as cheap: up to 1 is. Without labels by the answers and by the cosine, whichever lost more, since
 * an output whose largest number stands where it stood may be another one all the same. Null where nothing was measured.
 */
export function costOf(original: Quality, quality: Quality, by: Yardstick): number | null {
  const drop = dropOf(original, quality, by);
  if (drop === null) return null;
  const bent = by === 'agreement' ? dropOf(original, quality, 'cosine') : null;
  return Math.max(drop / CHEAP[by], bent === null ? Number.NEGATIVE_INFINITY : bent / CHEAP.cosine);
}

/** What counts as cheap, in words: `1 point of accuracy`. */
export function cheapText({ original: { quality } }: SweepReport, by: Yardstick): string {
  const cosine = `${CHEAP.cosine} of the cosine`;
  if (by === 'cosine') return cosine;
  if (by === 'loss') return `${CHEAP.loss * 100}% more mean squared error`;
  return `1 point of ${by}${by === 'agreement' && quality.cosine !== null ? ` and ${cosine}` : ''}`;
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
