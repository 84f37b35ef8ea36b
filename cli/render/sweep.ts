import type { PointFigures, PointLatency, StudyPoint, SweepReport, SweepSeries } from '../../src/report/study.ts';
import { dropOf, type Yardstick, yardstickOf } from '../../src/report/study-quality.ts';
import { CHEAP_DROP, sweepAnswer } from '../../src/report/sweep-answer.ts';
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
      title: 'median',
      ...right,
      optional: true,
      cell: figure(({ latency }) => (latency === null ? null : formatMilliseconds(latency.median))),
    },
  ];
  return [
    { title: 'amount', ...right, cell: ({ amount }) => formatShare(amount) },
    {
      title: of === 'channels' ? 'left' : 'zero',
      ...right,
      optional: true,
      cell: ({ figures, reached }) => (figures === null ? '–' : formatPercent(reached)),
    },
    ...(by === null ? [] : qualityColumns(report, by)),
    { title: 'file', ...right, cell: figure(({ size }) => formatBytes(size.fileBytes)) },
    ...(figures.some(({ size }) => size.gzipBytes !== null) ? [gzip] : []),
    ...(figures.some(({ latency }) => latency !== null) ? timed : []),
    ...(original.quality.loss === null ? [] : [loss]),
    ...(by === null ? [] : [barColumn(report, by)]),
  ];
}

function qualityColumns({ original }: SweepReport, by: Yardstick): PointColumn[] {
  const value = ({ figures }: StudyPoint): string => {
    const found = figures?.quality[by] ?? null;
    return found === null ? '–' : formatQuality(found, by);
  };
  const change = ({ figures }: StudyPoint, ink: Ink): Cell => {
    const drop = figures === null ? null : dropOf(original.quality, figures.quality, by);
    if (drop === null) return '';
    return { text: signedPoints(-drop), paint: paintOf(drop, ink) };
  };
  return [
    { title: by, align: 'right', cell: value },
    ...(by === 'cosine' ? [] : [{ title: 'points', align: 'right', cell: change } as const]),
  ];
}

function signedPoints(change: number): string {
  const text = Math.abs(change * 100).toFixed(2);
  return change === 0 ? '0.00' : `${change < 0 ? '-' : '+'}${text}`;
}

/** Green is cheap, yellow is up to five times as much, red is more. */
function paintOf(drop: number, ink: Ink): PaintedCell['paint'] {
  if (drop <= CHEAP_DROP) return ink.green;
  return drop <= 5 * CHEAP_DROP ? ink.yellow : ink.red;
}

function speedCell(latency: PointLatency | null, ink: Ink): Cell {
  if (latency === null) return '–';
  const { speedUp, significant } = latency;
  if (!significant) return { text: `≈ ${formatRatio(speedUp)}`, paint: ink.dim };
  return { text: formatRatio(speedUp), paint: speedUp < 1 ? ink.red : ink.green };
}

const BAR = 12;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** The quality as a bar, full where it is 1. */
function barColumn({ original }: SweepReport, by: Yardstick): PointColumn {
  return {
    title: '',
    optional: true,
    cell: ({ figures }, ink) => {
      const value = figures?.quality[by] ?? null;
      const drop = figures === null ? null : dropOf(original.quality, figures.quality, by);
      if (value === null || drop === null) return '';
      const eighths = Math.round(Math.min(1, Math.max(0, value)) * BAR * 8);
      return { text: '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? ''), paint: paintOf(drop, ink) };
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
