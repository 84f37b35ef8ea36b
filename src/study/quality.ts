import type { FidelityReport } from '../report/report.ts';
import type { Quality, SensitivityReport } from '../report/study.ts';

/** How good the second of two compared models is. */
export function qualityOf({ outputs, accuracy, regression }: FidelityReport): Quality {
  const labelled = accuracy !== null && accuracy.total > 0 ? accuracy : null;
  // An output that is gone, of another shape, or no number where it was one, agrees in nothing.
  const compared = outputs.filter(({ problem, nonFinite }) => problem === undefined && nonFinite.agree);
  const broken = compared.length < outputs.length;
  return {
    accuracy: labelled && labelled.hitsB / labelled.total,
    top5: labelled?.top5B == null ? null : labelled.top5B / labelled.total,
    loss: finite(labelled?.lossB ?? regression?.mseB),
    agreement: broken ? 0 : least(compared.map(({ argmaxAgreement }) => argmaxAgreement)),
    cosine: broken ? 0 : least(compared.map(({ cosine }) => cosine)),
  };
}

/** How many answers were compared: those with labels, else all of the first output that has classes; null where none has. */
export function answersOf({ outputs, accuracy }: FidelityReport): number | null {
  if (accuracy !== null && accuracy.total > 0) return accuracy.total;
  const first = outputs.find(({ argmaxAgreement }) => argmaxAgreement !== undefined);
  return first === undefined ? null : Math.round(first.count / (first.dims.at(-1) ?? 1));
}

/** What a study ran its models on, and what the original came to. */
interface Judged {
  readonly original: { readonly quality: Quality };
  readonly on: SensitivityReport['on'];
  readonly answers: number | null;
}

/**
 * What layers are judged by: right answers where there are labels; answers that are the original's only where there are enough of
 * them to tell the tolerance, and on data that mean something, since noise has the same answer again and again, whatever is
 * pruned; else the cosine.
 * @param tolerance fraction of 1
 */
export function layerYardstick(
  { original: { quality }, on, answers }: Judged,
  tolerance: number,
): SensitivityReport['by'] {
  if (quality.accuracy !== null) return 'accuracy';
  if (quality.cosine === null) return 'agreement';
  const isTold = quality.agreement !== null && on === 'test data' && (answers ?? 0) * tolerance >= 1;
  return isTold ? 'agreement' : 'cosine';
}

function least(values: readonly (number | undefined)[]): number | null {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? null : finite(Math.min(...known));
}

function finite(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : value;
}
