import type { SensitivityReport, StudyPoint, SweepReport } from '../../src/report/study.ts';
import { dataRemark, type Yardstick } from '../../src/report/study-quality.ts';
import { type Context, marked, paragraph, section } from './context.ts';
import {
  formatBytes,
  formatCosine,
  formatCount,
  formatLoss,
  formatPercent,
  formatSeconds,
  formatShare,
} from './format.ts';
import { head } from './lists.ts';
import { printable } from './text.ts';

type Study = SweepReport | SensitivityReport;

const MOST_FAILURES = 8;

/** What was studied, on what, and what the original is like. */
export function studyHead(context: Context, report: Study, by: Yardstick | null): string[] {
  const { input, on, samples, original } = report;
  const { size, quality } = original;
  const value = by === null || by === 'agreement' || by === 'loss' ? null : quality[by];
  const figures = [
    ...(value === null || by === null ? [] : [`${by} ${formatQuality(value, by)}`]),
    ...(quality.loss === null ? [] : [`loss ${formatLoss(quality.loss)}`]),
    `file ${formatBytes(size.fileBytes)}`,
    ...(size.gzipBytes === null ? [] : [`gzip ${formatBytes(size.gzipBytes)}`]),
  ];
  const remark = dataRemark(report);
  return [
    ...paragraph(context, context.ink.bold(printable(input.path)), ''),
    ...paragraph(context, `original: ${figures.join(' · ')}; on ${on}, ${formatCount(samples, 'sample')}`, ''),
    ...(remark === null ? [] : paragraph(context, remark, '', context.ink.yellow)),
  ];
}

/** A figure of quality. */
export function formatQuality(value: number, by: Yardstick): string {
  if (by === 'loss') return formatLoss(value);
  return by === 'cosine' ? formatCosine(value) : formatPercent(value);
}

/** Why points failed, those with the same reason in one line. @param of what the points belong to, where there are several */
export function failures(context: Context, points: readonly StudyPoint[], of = ''): string[] {
  const byReason = new Map<string, number[]>();
  for (const { amount, problem } of points)
    if (problem !== null) byReason.set(problem, [...(byReason.get(problem) ?? []), amount]);
  const reasons = [...byReason];
  const shown = head(context, reasons, MOST_FAILURES);
  const rest = reasons.length - shown.length;
  return [
    ...shown.flatMap(([problem, amounts]) =>
      marked(context, context.ink.red('✗'), `${of}${amounts.map(formatShare).join(', ')}: ${printable(problem)}`),
    ),
    ...(rest > 0
      ? paragraph(context, `… and ${rest} more reasons; -v or --json shows all`, '  ', context.ink.dim)
      : []),
  ];
}

/** Remarks, what was taken from an earlier run, and how long all took. */
export function studyFoot(context: Context, report: Study): string[][] {
  const { notes, resumed, seconds, environment } = report;
  const { ink, verbose } = context;
  const total = Object.values(seconds).reduce((sum, spent) => sum + spent, 0);
  const parts = [
    ...(resumed > 0 ? [`${formatCount(resumed, 'point')} taken from the journal of an earlier run`] : []),
    ...(total > 0 ? [`took ${formatSeconds(total)}`] : []),
    ...(verbose ? [`on Node ${environment.node}, ${environment.platform}, ${environment.cpu}`] : []),
  ];
  return [
    section(
      context,
      'Notes',
      notes.flatMap((note) => marked(context, ink.yellow('!'), printable(note))),
    ),
    parts.length === 0 ? [] : paragraph(context, printable(parts.join('; ')), '', ink.dim),
  ];
}
