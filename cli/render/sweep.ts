import type {
  PointFigures,
  PointLatency,
  Quality,
  StudyPoint,
  SweepReport,
  SweepSeries,
} from '../../src/report/study.ts';
import { costOf, dropOf, type Yardstick, yardstickOf } from '../../src/report/study-quality.ts';
import { sweepAnswer } from '../../src/report/sweep-answer.ts';
import {
  type Context,
  contextOf,
  type Ink,
  joinSections,
  marked,
  paragraph,
  type RenderOptions,
  section,
} from './context.ts';
import { formatBytes, formatLoss, formatMilliseconds, formatPercent, formatRatio, formatShare } from './format.ts';
import { failures, formatQuality, studyFoot, studyHead } from './study.ts';
import { type Cell, type Column, type PaintedCell, renderTable } from './table.ts';
import { printable, shorten } from './text.ts';

/**
 * What a sweep has to say, for a person at a terminal: the answer in words, then a table for each line of it.
 *
 * @returns lines of at most `width` columns, the last one ended too
 */
export function renderSweep(report: SweepReport, options: RenderOptions): string {
  const context = contextOf(options);
  const by = yardstickOf(report);
  return joinSections([
    studyHead(context, report, by),
    answer(context, report),
    ...report.series.map((series) => renderSeries(context, report, series, by)),
    legend(context, report),
    ...studyFoot(context, report),
  ]);
}

function answer(context: Context, report: SweepReport): string[] {
  const { ink } = context;
  const lines = sweepAnswer(report).flatMap(({ name, amount, text }) =>
    marked(context, amount === null ? ink.yellow('!') : ink.green('✓'), `${ink.bold(printable(name))}: ${text}`),
  );
  return section(context, 'Answer', lines);
}

function renderSeries(context: Context, report: SweepReport, series: SweepSeries, by: Yardstick | null): string[] {
  const { points, name } = series;
  if (points.length === 0) return [];
  const wanted = columnsOf(report, series, by);
  const rows = points.map((point) => wanted.map(({ cell }) => cell(point, context.ink)));
  return section(context, shorten(printable(name), context.width), [
    ...renderTable(context, wanted, rows),
    ...failures(context, points),
  ]);
}

/** Whether what was reached is another number than what was asked for, to the digits that are shown. */
function isApart(amount: number, reached: number): boolean {
  return Math.abs(amount - reached) >= 0.00005;
}

type PointColumn = Column & { readonly cell: (point: StudyPoint, ink: Ink) => Cell };

/** The columns that some point has a figure for; in a narrow terminal, optional ones go from the end. */
function columnsOf(report: SweepReport, { points, of }: SweepSeries, by: Yardstick | null): PointColumn[] {
  const { original } = report;
  const figures = points.flatMap((point) => (point.figures === null ? [] : [point.figures]));
  const right = { align: 'right' } as const;
  const figure =
    (show: (figures: PointFigures) => string | null) =>
    ({ figures }: StudyPoint): string =>
      (figures === null ? null : show(figures)) ?? '–';
  const loss: PointColumn = {
    title: 'loss',
    ...right,
    optional: true,
    cell: figure(({ quality }) => (quality.loss === null ? null : formatLoss(quality.loss))),
  };
  const share: PointColumn = {
    title: of === 'channels' ? 'left' : 'zero',
    ...right,
    optional: true,
    cell: ({ figures: known, reached }) => (known === null ? '–' : formatPercent(reached)),
  };
  const gzip: PointColumn = {
    title: 'gzip',
    ...right,
    // Zeros leave the file as it is: of weights, this is the size that tells.
    optional: of === 'channels',
    cell: figure(({ size }) => (size.gzipBytes === null ? null : formatBytes(size.gzipBytes))),
  };
  const timed: readonly PointColumn[] = [
    { title: 'speed', ...right, cell: ({ figures }, ink) => speedCell(figures?.latency ?? null, ink) },
    {
      title: 'quartiles',
      ...right,
      optional: true,
      cell: figure(({ latency }) => (latency === null ? null : ratioSpan(latency))),
    },
    {
      title: 'median',
      ...right,
      optional: true,
      cell: figure(({ latency }) => (latency === null ? null : formatMilliseconds(latency.median))),
    },
  ];
  return [
    { title: 'amount', ...right, cell: ({ amount }) => formatShare(amount) },
    ...(points.some(({ figures, amount, reached }) => figures !== null && isApart(amount, reached)) ? [share] : []),
    ...(by === null ? [] : qualityColumns(report, by)),
    { title: 'file', ...right, cell: figure(({ size }) => formatBytes(size.fileBytes)) },
    ...(figures.some(({ size }) => size.gzipBytes !== null) ? [gzip] : []),
    ...(figures.some(({ latency }) => latency !== null) ? timed : []),
    ...(original.quality.loss === null || by === 'loss' ? [] : [loss]),
    ...(by === null ? [] : [barColumn(report, by)]),
  ];
}

function qualityColumns({ original }: SweepReport, by: Yardstick): PointColumn[] {
  const valueBy =
    (each: Yardstick) =>
    ({ figures }: StudyPoint): string => {
      const found = figures?.quality[each] ?? null;
      return found === null ? '–' : formatQuality(found, each);
    };
  const change = ({ figures }: StudyPoint, ink: Ink): Cell => {
    const drop = figures === null ? null : dropOf(original.quality, figures.quality, by);
    if (figures === null || drop === null) return '';
    const text = by === 'loss' ? signedPercent(drop) : signedPoints(-drop);
    return { text, paint: paintOf(original.quality, figures.quality, by, ink) };
  };
  const right = { align: 'right' } as const;
  return [
    { title: by, ...right, cell: valueBy(by) },
    ...(by === 'cosine' ? [] : [{ title: by === 'loss' ? 'change' : 'points', ...right, cell: change }]),
    ...(by === 'agreement' && original.quality.cosine !== null
      ? [{ title: 'cosine', ...right, cell: valueBy('cosine') }]
      : []),
  ];
}

function signedPercent(change: number): string {
  if (!Number.isFinite(change)) return 'n/a';
  return change === 0 ? '0.00%' : `${change < 0 ? '-' : '+'}${Math.abs(change * 100).toFixed(2)}%`;
}

function signedPoints(change: number): string {
  const text = Math.abs(change * 100).toFixed(2);
  return change === 0 ? '0.00' : `${change < 0 ? '-' : '+'}${text}`;
}

/** Green is cheap, yellow is up to five times as much, red is more. */
function paintOf(original: Quality, quality: Quality, by: Yardstick, ink: Ink): PaintedCell['paint'] {
  const cost = costOf(original, quality, by) ?? 0;
  if (cost <= 1) return ink.green;
  return cost <= 5 ? ink.yellow : ink.red;
}

function speedCell(latency: PointLatency | null, ink: Ink): Cell {
  if (latency === null) return '–';
  const { speedUp, significant } = latency;
  if (!significant) return { text: `≈ ${formatRatio(speedUp)}`, paint: ink.dim };
  return { text: formatRatio(speedUp), paint: speedUp < 1 ? ink.red : ink.green };
}

function ratioSpan({ p25, p75 }: PointLatency): string {
  return `${formatRatio(p25).replace('×', '')}–${formatRatio(p75)}`;
}

const BAR = 12;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** The quality as a bar, full where it is 1; of a loss, where it is the original's. */
function barColumn({ original }: SweepReport, by: Yardstick): PointColumn {
  return {
    title: '',
    optional: true,
    cell: ({ figures }, ink) => {
      const found = figures?.quality[by] ?? null;
      if (figures === null || found === null) return '';
      const value = by === 'loss' ? (original.quality.loss ?? 0) / found : found;
      const eighths = Math.round(Math.min(1, Math.max(0, value)) * BAR * 8) || 0;
      return {
        text: '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? ''),
        paint: paintOf(original.quality, figures.quality, by, ink),
      };
    },
  };
}

function legend(context: Context, { threads, series }: SweepReport): string[] {
  const timings = series.flatMap(({ points }) => points.flatMap(({ figures }) => figures?.latency ?? []));
  const parts = [
    ...(threads === null || timings.length === 0
      ? []
      : [`speed: against the original on ${threads === 1 ? '1 thread' : `${threads} threads`}`]),
    ...(timings.some(({ significant }) => !significant) ? ['≈: no significant change'] : []),
    '1 MB = 1,000,000 bytes',
  ];
  return paragraph(context, parts.join('; '), '', context.ink.dim);
}
