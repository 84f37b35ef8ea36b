import {
  formatBytes,
  formatChange,
  formatCosine,
  formatCount,
  formatLoss,
  formatMilliseconds,
  formatPercent,
  formatPoints,
  formatRatio,
  formatShare,
} from '../format.ts';
import { rowName, sensitivityAnswer, toleranceText, unitText, worthOf, worthText } from '../sensitivity-answer.ts';
import type { PointLatency, SensitivityReport, StudyPoint, SweepReport, SweepSeries } from '../study.ts';
import { dataRemark, dropOf, type Yardstick, yardstickOf } from '../study-quality.ts';
import { sweepAnswer } from '../sweep-answer.ts';
import { type Block, comment } from './comment.ts';
import { bullets, notesBlock, originBlock } from './figures.ts';
import { capped, code, details, fenced, prose, right, table } from './text.ts';

const MOST_POINTS = 101;
const MOST_SERIES = 20;
const MOST_ROWS = 150;
const MOST_AMOUNTS = 20;

/** A sweep as a comment on GitHub: the answers, and a table for each line. */
export function sweepMarkdown(report: SweepReport): string {
  const { input, on, samples, series, original } = report;
  const answers = sweepAnswer(report);
  const by = yardstickOf(report);
  const { shown, rest } = capped(answers, MOST_SERIES, 'lines');
  return comment([
    {
      name: 'Summary',
      lines: [
        `**Sweep of ${code(input.path)}** on ${on}, ${formatCount(samples, 'sample')}; the original: ${prose(originalText(original, by))}`,
        '',
        ...bullets(
          shown.map(({ name, amount, text }) => `${amount === null ? '❌' : '✅'} **${prose(name)}**: ${prose(text)}`),
        ),
        ...rest,
        ...remarkLines(report),
      ],
    },
    ...series.map((each): Block => ({ name: prose(each.name), lines: seriesLines(report, each, by) })),
    notesBlock(report.notes),
    originBlock(report),
  ]);
}

function remarkLines(report: SweepReport | SensitivityReport): string[] {
  const remark = dataRemark(report);
  return remark === null ? [] : [`⚠️ ${prose(remark)}`, ''];
}

function originalText({ quality, size }: SweepReport['original'], by: Yardstick | null): string {
  const known =
    by === 'accuracy' && quality.accuracy !== null
      ? [`accuracy ${formatPercent(quality.accuracy)}`]
      : by === 'loss' && quality.loss !== null
        ? [`mean squared error ${formatLoss(quality.loss)}`]
        : [];
  return [...known, `file ${formatBytes(size.fileBytes)}`].join(', ');
}

function seriesLines(report: SweepReport, { points, name, of }: SweepSeries, by: Yardstick | null): string[] {
  const { shown, rest } = capped(points, MOST_POINTS, 'amounts');
  const quality = by === 'loss' ? ['mean squared error'] : [by ?? 'quality', 'loss'];
  const heads = [of === 'channels' ? 'left' : 'zero', ...quality, 'file', 'gzip', 'median'];
  const rows = shown.map(({ amount, reached, figures, problem }) => {
    if (figures === null) return [formatShare(amount), ...heads.map(() => ''), `❌ ${prose(problem ?? 'no figures')}`];
    const { size, quality, latency } = figures;
    return [
      formatShare(amount),
      formatPercent(reached),
      qualityCell(report, quality, by),
      ...(by === 'loss' ? [] : [quality.loss === null ? '–' : formatLoss(quality.loss)]),
      formatBytes(size.fileBytes),
      size.gzipBytes === null ? '–' : formatBytes(size.gzipBytes),
      latency === null ? '–' : formatMilliseconds(latency.median),
      latency === null ? '–' : speedCell(latency),
    ];
  });
  return details(name, [...table([right('amount'), ...heads.map(right), 'speed'], rows), ...rest]);
}

function qualityCell(
  { original }: SweepReport,
  quality: SweepReport['original']['quality'],
  by: Yardstick | null,
): string {
  const value = by === null ? null : quality[by];
  if (by === null || value === null) return '–';
  if (by === 'cosine') return formatCosine(value);
  if (by === 'loss') {
    const change = formatChange(original.quality.loss ?? value, value);
    return `${formatLoss(value)}${change === undefined ? '' : ` (${change})`}`;
  }
  const drop = dropOf(original.quality, quality, by);
  const cosine = by === 'agreement' && quality.cosine !== null ? `, cosine ${formatCosine(quality.cosine)}` : '';
  return `${formatPercent(value)}${drop === null ? '' : ` (${formatPoints(-drop)})`}${cosine}`;
}

/** The speed-up with its quartiles. */
function speedCell({ speedUp, p25, p75, significant }: PointLatency): string {
  const spread = `${formatRatio(p25)} to ${formatRatio(p75)}`;
  return significant
    ? `${formatRatio(speedUp)} (${spread})`
    : `no significant change (${formatRatio(speedUp)}, ${spread})`;
}

/** A study of sensitivity as a comment on GitHub: the answers, and points lost by layer and amount. */
export function sensitivityMarkdown(report: SensitivityReport): string {
  const { input, on, samples, suggestion } = report;
  const mark = suggestion === null ? '' : suggestion.holds ? '✅ ' : '❌ ';
  return comment([
    {
      name: 'Summary',
      lines: [
        `${mark}**Sensitivity of ${code(input.path)}** on ${on}, ${formatCount(samples, 'sample')}`,
        '',
        ...bullets(sensitivityAnswer(report).map(prose)),
        ...remarkLines(report),
      ],
    },
    { name: 'Layers', lines: layerLines(report) },
    failuresBlock(report),
    {
      name: 'Recipe',
      lines: suggestion === null ? [] : details('Recipe', fenced(JSON.stringify(suggestion.recipe), 'json')),
    },
    notesBlock(report.notes),
    originBlock(report),
  ]);
}

function layerLines(report: SensitivityReport): string[] {
  const { rows, amounts, of } = report;
  const { shown, rest } = capped(rows, MOST_ROWS, of === 'channels' ? 'groups' : 'weights');
  const columns = amounts.slice(0, MOST_AMOUNTS);
  const cells = shown.map((row) => {
    const worth = worthOf(report, row);
    return [
      code(rowName(row)),
      String(row.size),
      row.bears === 0 ? '**nothing**' : formatShare(row.bears),
      ...columns.map((_, index) => dropCell(report, row.points[index])),
      worth === null ? '–' : formatPercent(worth.parameters),
      worth === null || worth.macs === null ? '–' : formatPercent(worth.macs),
    ];
  });
  const left = amounts.length - columns.length;
  return details(`${unitText(report)} lost when each is pruned alone, fragile ones first`, [
    ...table(
      [
        ...['layer', right(of), right('bears'), ...columns.map((amount) => right(formatShare(amount)))],
        ...['parameters', 'MACs'].map(right),
      ],
      cells,
    ),
    ...rest,
    ...(left > 0 ? [`… and ${left} more amounts; the report as JSON has all.`, ''] : []),
    `Bold: more than ${toleranceText(report)}. ${worthText(report)}`,
    '',
  ]);
}

function dropCell({ original, by, tolerance }: SensitivityReport, point: StudyPoint | undefined): string {
  const drop = point?.figures == null ? null : dropOf(original.quality, point.figures.quality, by);
  if (drop === null) return point?.problem == null ? '–' : '❌';
  const text = (drop * 100).toFixed(2).replace(/^-0\.00$/, '0.00');
  return drop > tolerance ? `**${text}**` : text;
}

function failuresBlock({ rows }: SensitivityReport): Block {
  const all = rows.flatMap((row) =>
    row.points.flatMap(({ amount, problem }) => (problem === null ? [] : [{ name: rowName(row), amount, problem }])),
  );
  const { shown, rest } = capped(all, MOST_POINTS, 'failures');
  const texts = shown.map(
    ({ name, amount, problem }) => `❌ ${code(name)} at ${formatShare(amount)}: ${prose(problem)}`,
  );
  return { name: 'Failed', lines: details('Failed', [...bullets(texts), ...rest]) };
}
