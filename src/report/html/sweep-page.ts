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
import type { PointFigures, SweepReport, SweepSeries } from '../study.ts';
import { cheapText, dataRemark, yardstickOf } from '../study-quality.ts';
import { isMissed, sweepAnswer } from '../sweep-answer.ts';
import { chartFigure, chartFigures } from './chart-figure.ts';
import { distributionFigures, sweepFigures } from './figures.ts';
import { runSections } from './run-parts.ts';
import { callout, mark, name, type PageContent, points, section } from './section.ts';
import { figure, table } from './table.ts';
import { type Html, html, type Part } from './template.ts';
import { type Tile, tiles } from './tiles.ts';

/** The page of a sweep: the answer in words, charts, then all numbers. */
export async function sweepPage(report: SweepReport): Promise<PageContent> {
  const { input, samples, on, resumed } = report;
  const timed = report.series.some(({ points: all }) => all.some(({ figures }) => figures?.latency));
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
        html`<p>${report.series.length === 1 ? 'One line' : `${report.series.length} lines`}, on ${on}, ${formatInteger(samples)} samples${resumed > 0 && `; ${formatInteger(resumed)} runs were taken from an earlier sweep that was interrupted`}.${timed && ' Speed is against the original; ≈ stands before what may be chance.'}</p>`,
        report.series.map(seriesTable),
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
            : by === 'loss'
              ? formatLoss(quality)
              : formatPercent(quality),
      note: `${quality === null ? '' : `${by === 'loss' ? 'mean squared error' : by}, `}${formatBytes(original.size.fileBytes)}`,
    },
    ...sweepAnswer(report).flatMap(({ name: line, amount }, index): Tile[] => {
      const point = series[index]?.points.find((each) => each.amount === amount);
      const missed = point !== undefined && isMissed(point) ? point : undefined;
      const latency = point?.figures?.latency ?? null;
      const time =
        latency === null
          ? ''
          : latency.significant
            ? `${formatRatio(latency.speedUp)} the speed`
            : 'no significant change of speed';
      return [
        {
          label: by === null ? line : `${line}: for at most ${cheapText(report, by)}`,
          value: amount === null ? 'none' : missed === undefined ? formatShare(amount) : formatPercent(missed.reached),
          note: [
            missed === undefined ? '' : `${formatShare(missed.amount)} asked`,
            point?.figures ? formatBytes(point.figures.size.fileBytes) : '',
            time,
          ]
            .filter((text) => text !== '')
            .join(' · '),
        },
      ];
    }),
  ];
}

/** A column of the table of a line. */
interface Measure {
  readonly title: string;
  readonly of: (figures: PointFigures) => number | null;
  readonly format: (value: number, figures: PointFigures) => Part;
}

/** What runs are asked about first stands first; a column without any figure is left out. */
const MEASURES: readonly Measure[] = [
  { title: 'Accuracy', of: ({ quality }) => quality.accuracy, format: formatPercent },
  { title: 'Loss', of: ({ quality }) => quality.loss, format: formatLoss },
  { title: 'File', of: ({ size }) => size.fileBytes, format: formatBytes },
  { title: 'gzip', of: ({ size }) => size.gzipBytes, format: formatBytes },
  { title: 'Time', of: ({ latency }) => latency?.median ?? null, format: formatMilliseconds },
  { title: 'Speed', of: ({ latency }) => latency?.speedUp ?? null, format: speed },
  { title: 'Not zero', of: ({ size }) => size.nonZeros, format: formatAmount },
  { title: 'MACs', of: ({ size }) => size.macs, format: formatAmount },
  { title: 'Top-5', of: ({ quality }) => quality.top5, format: formatPercent },
  { title: 'Agreement', of: ({ quality }) => quality.agreement, format: formatPercent },
  { title: 'Cosine', of: ({ quality }) => quality.cosine, format: formatCosine },
];

function seriesTable({ name: line, points: all, of }: SweepSeries): Html {
  const measures = MEASURES.filter((measure) =>
    all.some(({ figures }) => figures !== null && measure.of(figures) !== null),
  );
  const failed = all.flatMap(({ amount, problem }) =>
    problem === null ? [] : [html`${mark('bad', `${formatShare(amount)} failed:`)} ${problem}`],
  );
  return html`${table({
    caption: line,
    noun: 'run',
    columns: [
      { title: 'Amount' },
      { title: of === 'channels' ? 'Left' : 'Zero', as: 'number' },
      ...measures.map(({ title }) => ({ title, as: 'number' }) as const),
    ],
    rows: all.map(({ amount, reached, figures }) => [
      formatShare(amount),
      figure(figures === null ? null : reached, formatPercent),
      ...measures.map((measure) =>
        figure(figures && measure.of(figures), (value) => figures && measure.format(value, figures)),
      ),
    ]),
  })}${points(failed)}`;
}

/** A speed-up with its quartiles, set back where it may be chance. */
function speed(ratio: number, { latency }: PointFigures): Html {
  const text = formatRatio(ratio);
  if (latency === null) return html`${text}`;
  const spread = `${formatRatio(latency.p25)} to ${formatRatio(latency.p75)}`;
  return latency.significant
    ? html`<strong>${text}</strong> <span class="quiet">${spread}</span>`
    : html`<span class="quiet">≈ ${text}, ${spread}</span>`;
}
