import { formatCosine, formatCount, formatPercent, formatPoints, formatShare } from './format.ts';
import type { SensitivityReport, SensitivityRow, Suggestion } from './study.ts';
import { dropOf, type Yardstick } from './study-quality.ts';

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

/** The answer to what a sensitivity study asks, in sentences of plain text: what is fragile, what is not, and what comes of it. */
export function sensitivityAnswer(report: SensitivityReport): readonly string[] {
  const { rows, of, amounts, suggestion } = report;
  const noun = of === 'channels' ? 'group of channels' : 'weight';
  const plural = of === 'channels' ? 'groups of channels' : 'weights';
  const most = amounts.at(-1);
  if (rows.length === 0 || most === undefined) return [`There is no ${noun} that could be pruned.`];
  const within = `within ${toleranceText(report)}`;
  const fragile = rows.filter(({ bears }) => bears === 0);
  const robust = rows.filter(({ bears }) => bears >= most);
  const all = formatCount(rows.length, noun, plural);
  return [
    fragile.length === 0
      ? `Each of ${all} bears at least ${formatShare(rows.reduce((least, { bears }) => Math.min(least, bears), 1))} alone ${within}.`
      : `${fragile.length} of ${all} ${fragile.length === 1 ? 'bears' : 'bear'} none of the amounts tried ${within}: ${names(fragile)}.`,
    ...(robust.length === 0
      ? []
      : [
          `${robust.length} of them ${robust.length === 1 ? 'bears' : 'bear'} ${formatShare(most)}, the most that was tried: ${names(robust)}.`,
        ]),
    ...(suggestion === null ? [] : [suggestionText(report, suggestion)]),
  ];
}

function names(rows: readonly SensitivityRow[]): string {
  const shown = rows.slice(0, MOST_NAMES).map(({ name }) => name);
  return shown.join(', ') + (rows.length > shown.length ? ` and ${rows.length - shown.length} more` : '');
}

function suggestionText(report: SensitivityReport, { scale, point, holds }: Suggestion): string {
  const { by, of } = report;
  const scaled = scale === 1 ? 'as each bears them alone' : `scaled to ${formatShare(scale)} of what each bears alone`;
  const what = `All together, ${scaled}, ${formatPercent(point.reached)} of ${of} ${of === 'channels' ? 'leave' : 'are zero'}`;
  const { figures } = point;
  if (figures === null) return `${what}, but that could not be measured.`;
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
