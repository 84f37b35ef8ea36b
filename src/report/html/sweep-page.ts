import { basename } from 'node:path';
import {
  formatAmount,
  formatBytes,
  formatCosine,
  formatInteger,
  formatLoss,
  formatMilliseconds,
  formatPercent,
  formatRatio,
  formatShare,
} from '../format.ts';
import type { StudyPoint, SweepReport, SweepSeries } from '../study.ts';
import { dataRemark, yardstickOf } from '../study-quality.ts';
import { sweepAnswer } from '../sweep-answer.ts';
import { chartFigure, chartFigures } from './chart-figure.ts';
import { distributionFigures, sweepFigures } from './figures.ts';
import { runSections } from './run-parts.ts';
import { callout, mark, name, type PageContent, points, section } from './section.ts';
import { type Cell, type Column, figure, table } from './table.ts';
import { type Html, html } from './template.ts';
import { type Tile, tiles } from './tiles.ts';

/** The page of a sweep: the answer in words, charts, then all numbers. */
export async function sweepPage(report: SweepReport): Promise<PageContent> {
  const { input, samples, on, resumed } = report;
  const model = basename(input.path);
  const [first, ...others] = await sweepFigures(report);
  const remark = dataRemark(report);
  return {
    kind: 'Sweep',
    title: `${model}: how far it can be pruned`,
    headline: html`How far can ${name(model)} be pruned?`,
    lead: html`${answers(report)}`,
    sections: [
      ...section('answer', 'In numbers', tiles(sweepTiles(report)), remark !== null && callout('warn', remark)),
      ...section('charts', 'Charts', chartFigure(first ?? null), chartFigures(others)),
      ...section(
        'numbers',
        'All runs',
        html`<p>${report.series.length === 1 ? 'One line' : `${report.series.length} lines`}, on ${on}, ${formatInteger(samples)} samples${resumed > 0 && `; ${formatInteger(resumed)} runs were taken from an earlier sweep that was interrupted`}.</p>`,
        report.series.map((series) => seriesTable(series, report)),
      ),
      ...section('distributions', 'Weights', chartFigures(await distributionFigures(report.distributions))),
      ...runSections(report),
    ],
  };
}

function answers(report: SweepReport): Html | null {
  const all = sweepAnswer(report);
  if (all.length === 1) return html`${all.map(({ text }) => html`<p>${sentence(text)}</p>`)}`;
  return points(all.map(({ name: line, text }) => html`<strong>${line}:</strong> ${text}.`));
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** The original, and for each line the largest amount that costs little. */
function sweepTiles(report: SweepReport): Tile[] {
  const { original, series } = report;
  const by = yardstickOf(report);
  const quality = by === null ? null : original.quality[by];
  return [
    {
      label: 'The original',
      value:
        quality === null
          ? formatBytes(original.size.fileBytes)
          : by === 'cosine'
            ? formatCosine(quality)
            : formatPercent(quality),
      note: `${quality === null ? '' : `${by}, `}${formatBytes(original.size.fileBytes)}`,
    },
    ...sweepAnswer(report).flatMap(({ name: line, amount }, index): Tile[] => {
      const point = series[index]?.points.find((each) => each.amount === amount);
      const latency = point?.figures?.latency ?? null;
      const time =
        latency === null
          ? ''
          : latency.significant
            ? `${formatRatio(latency.speedUp)} the speed`
            : 'no significant change of speed';
      return [
        {
          label: `${line}: for at most 1 point`,
          value: amount === null ? 'none' : formatShare(amount),
          note: [point?.figures ? formatBytes(point.figures.size.fileBytes) : '', time]
            .filter((text) => text !== '')
            .join(' · '),
        },
      ];
    }),
  ];
}

function seriesTable({ name: line, points: all, of }: SweepSeries, { original }: SweepReport): Html | null {
  const has = (value: (point: StudyPoint) => unknown): boolean => all.some((point) => (value(point) ?? null) !== null);
  const { quality } = original;
  const columns: (readonly [Column, (point: StudyPoint) => Cell])[] = [
    [{ title: 'Amount' }, ({ amount }) => formatShare(amount)],
    [
      { title: of === 'channels' ? 'Left' : 'Zero', as: 'number' },
      ({ reached, figures }) => figure(figures === null ? null : reached, formatPercent),
    ],
    ...(quality.accuracy === null
      ? []
      : [
          [
            { title: 'Accuracy', as: 'number' },
            ({ figures }: StudyPoint) => figure(figures?.quality.accuracy, formatPercent),
          ] as const,
        ]),
    ...(quality.top5 === null
      ? []
      : [
          [
            { title: 'Top-5', as: 'number' },
            ({ figures }: StudyPoint) => figure(figures?.quality.top5, formatPercent),
          ] as const,
        ]),
    ...(quality.loss === null
      ? []
      : [
          [
            { title: 'Loss', as: 'number' },
            ({ figures }: StudyPoint) => figure(figures?.quality.loss, formatLoss),
          ] as const,
        ]),
    ...(has(({ figures }) => figures?.quality.agreement)
      ? [
          [
            { title: 'Agreement', as: 'number' },
            ({ figures }: StudyPoint) => figure(figures?.quality.agreement, formatPercent),
          ] as const,
        ]
      : []),
    ...(has(({ figures }) => figures?.quality.cosine)
      ? [
          [
            { title: 'Cosine', as: 'number' },
            ({ figures }: StudyPoint) => figure(figures?.quality.cosine, formatCosine),
          ] as const,
        ]
      : []),
    [
      { title: of === 'channels' ? 'Parameters' : 'Not zero', as: 'number' },
      ({ figures }) => figure(of === 'channels' ? figures?.size.parameters : figures?.size.nonZeros, formatAmount),
    ],
    [{ title: 'File', as: 'number' }, ({ figures }) => figure(figures?.size.fileBytes, formatBytes)],
    [{ title: 'gzip', as: 'number' }, ({ figures }) => figure(figures?.size.gzipBytes, formatBytes)],
    ...(has(({ figures }) => figures?.latency)
      ? [
          [
            { title: 'Time', as: 'number' },
            ({ figures }: StudyPoint) => figure(figures?.latency?.median, formatMilliseconds),
          ] as const,
          [{ title: 'Speed', as: 'number' }, speed] as const,
        ]
      : []),
    ...(has(({ problem }) => problem)
      ? [
          [
            { title: 'Problem', as: 'words' },
            ({ problem }: StudyPoint) => problem !== null && html`${mark('bad', 'failed')} ${problem}`,
          ] as const,
        ]
      : []),
  ];
  return table({
    caption: line,
    noun: 'run',
    columns: columns.map(([column]) => column),
    rows: all.map((point) => columns.map(([, cell]) => cell(point))),
  });
}

function speed({ figures }: StudyPoint): Cell {
  const latency = figures?.latency ?? null;
  if (latency === null) return '–';
  const { speedUp, significant } = latency;
  const text = formatRatio(speedUp);
  return {
    show: significant ? html`<strong>${text}</strong>` : html`<span class="quiet">${text}, not significant</span>`,
    sort: speedUp,
  };
}
