import { formatCosine, formatCount, formatPercent, formatPoints, formatShare } from './format.ts';
import { layerName } from './layer-name.ts';
import type { PointFigures, SensitivityReport, SensitivityRow, Suggestion } from './study.ts';
import { dropError, dropOf, type Yardstick } from './study-quality.ts';

const MOST_NAMES = 3;

/** The tolerance in words: `1 point of accuracy`, `0.01 of the cosine`. */
export function toleranceText({ tolerance, by }: SensitivityReport): string {
  if (by === 'cosine') return `${Number(tolerance.toPrecision(6))} of the cosine`;
  const points = Number((tolerance * 100).toPrecision(6));
  return `${points} ${points === 1 ? 'point' : 'points'} of ${by}`;
}

/** What drops are counted in where they are shown as numbers: `Points of accuracy`, `Hundredths of the cosine`. */
export function unitText({ by }: SensitivityReport): string {
  return by === 'cosine' ? 'Hundredths of the cosine' : `Points of ${by}`;
}

/** The name of a row that a user knows: that of the layer where an exporter made the weight's name up, how many more layers share its channels, and what of it leaves. */
export function rowName({ name, nodes, part }: Pick<SensitivityRow, 'name' | 'nodes' | 'part'>): string {
  const [first, ...more] = nodes;
  const own = layerName(name, first);
  const others = more.length > 0 ? ` +${more.length}` : '';
  return `${own}${others}${part === null ? '' : part === 'heads' ? ' (heads)' : ' (inside heads)'}`;
}

/** What part of the original's parameters and multiplications a pruned model has no more, fractions of 1. */
export function freedBy(
  { original: { size: before } }: Pick<SensitivityReport, 'original'>,
  { size: after }: Pick<PointFigures, 'size'>,
): { readonly parameters: number; readonly macs: number } {
  const part = (whole: number, left: number): number => (whole > 0 ? 1 - left / whole : 0);
  return { parameters: part(before.parameters, after.parameters), macs: part(before.macs, after.macs) };
}

/**
 * What a row is worth: the part of the model's parameters and multiplications that leaves with the largest amount that was tried of it,
 * or, of a weight, the part of the parameters that it holds. Fractions of 1; null where no amount could be measured.
 */
export function worthOf(
  report: Pick<SensitivityReport, 'original' | 'of'>,
  { points, size }: Pick<SensitivityRow, 'points' | 'size'>,
): { readonly parameters: number; readonly macs: number | null } | null {
  if (report.of === 'weights') return { parameters: size / Math.max(1, report.original.size.parameters), macs: null };
  const last = points.findLast(({ figures }) => figures !== null)?.figures ?? null;
  return last && freedBy(report, last);
}

/** What the figures of `worthOf` are, in a sentence. */
export function worthText({ of, amounts }: Pick<SensitivityReport, 'of' | 'amounts'>): string {
  return of === 'weights'
    ? 'Parameters: the part of all that the weight holds.'
    : `Parameters and MACs: the part of the model's that leaves with ${formatShare(amounts.at(-1) ?? 0)} of the group.`;
}

/** The answer to what a sensitivity study asks, in sentences of plain text: what is fragile, what is not, and what comes of it. */
export function sensitivityAnswer(report: SensitivityReport): readonly string[] {
  const { rows, of, amounts, suggestion } = report;
  const noun = of === 'channels' ? 'group of channels' : 'weight';
  const plural = of === 'channels' ? 'groups of channels' : 'weights';
  const most = amounts.at(-1);
  if (rows.length === 0 || most === undefined)
    return [`There is no ${noun} that could be pruned; "onnx-prune inspect" says why.`];
  const within = `within ${toleranceText(report)}`;
  const fragile = rows.filter(({ bears }) => bears === 0);
  const robust = rows.filter(({ bears }) => bears >= most);
  const all = formatCount(rows.length, noun, plural);
  return [
    fragile.length === 0
      ? `Each of ${all} bears at least ${formatShare(rows.reduce((least, { bears }) => Math.min(least, bears), 1))} alone ${within}.`
      : `${fragile.length} of ${all} ${fragile.length === 1 ? 'bears' : 'bear'} none of the amounts tried ${within}: ${names(fragile)}.`,
    // That each bears it has been said.
    ...(robust.length === 0 || robust.length === rows.length
      ? []
      : [
          `${robust.length} of them ${robust.length === 1 ? 'bears' : 'bear'} ${formatShare(most)}, the most that was tried: ${names(robust)}.`,
        ]),
    ...(suggestion === null ? [] : [suggestionText(report, suggestion)]),
    ...noiseText(report),
  ];
}

/** How well drops of about the tolerance are known, where they were counted in answers. */
function noiseText(report: SensitivityReport): string[] {
  const { rows, original, by, tolerance, answers } = report;
  const near = rows.flatMap(({ points }) =>
    points.flatMap(({ figures }) => {
      const drop = figures === null ? null : dropOf(original.quality, figures.quality, by);
      const error = figures === null ? null : dropError(report, figures.quality);
      return drop === null || error === null ? [] : [{ error, distance: Math.abs(drop - tolerance) }];
    }),
  );
  const [nearest] = near.sort((a, b) => a.distance - b.distance);
  if (nearest === undefined || nearest.error === 0 || answers === null) return [];
  const { error } = nearest;
  const known = `With ${formatCount(answers, 'answer')}, a drop of about the tolerance is known to ±${(error * 100).toFixed(2)} points (one standard error)`;
  return [
    error > tolerance / 2 ? `${known}, more than half of it: more test data tell layers apart better.` : `${known}.`,
  ];
}

function names(rows: readonly SensitivityRow[]): string {
  const shown = rows.slice(0, MOST_NAMES).map(rowName);
  return shown.join(', ') + (rows.length > shown.length ? ` and ${rows.length - shown.length} more` : '');
}

function suggestionText(report: SensitivityReport, { point, holds, recipe: { layers } }: Suggestion): string {
  const { by, of } = report;
  const { figures } = point;
  const from = `from ${Array.isArray(layers) ? layers.length : 0} of ${report.rows.length}`;
  if (figures === null) return `The recipe takes ${of} ${from}, but what comes of it could not be measured.`;
  const { parameters, macs } = freedBy(report, figures);
  const what =
    of === 'weights'
      ? `The recipe makes ${formatPercent(point.reached)} of weights zero, ${from}`
      : `The recipe takes ${formatPercent(parameters)} of parameters and ${formatPercent(macs)} of multiplications away, ${from}`;
  const verdict = holds ? `which keeps to ${toleranceText(report)}` : `which costs more than ${toleranceText(report)}`;
  return `${what}: ${outcome(report, figures.quality, by)}, ${verdict}.`;
}

function outcome(
  { original }: SensitivityReport,
  quality: SensitivityReport['original']['quality'],
  by: Yardstick,
): string {
  const value = quality[by];
  const drop = dropOf(original.quality, quality, by);
  if (value === null || drop === null) return `no ${by} was measured`;
  return by === 'cosine' ? `cosine ${formatCosine(value)}` : `${by} ${formatPercent(value)} (${formatPoints(-drop)})`;
}
