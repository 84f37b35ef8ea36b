import type { FidelityReport } from '../report/report.ts';
import type { Quality } from '../report/study.ts';

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

function least(values: readonly (number | undefined)[]): number | null {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? null : finite(Math.min(...known));
}

function finite(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : value;
}
