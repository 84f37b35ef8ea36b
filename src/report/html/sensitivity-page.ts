import { basename } from 'node:path';
import { formatCosine, formatInteger, formatPercent, formatPoints, formatShare } from '../format.ts';
import { rowName, sensitivityAnswer, toleranceText, worthOf, worthText } from '../sensitivity-answer.ts';
import type { SensitivityReport, SensitivityRow, StudyPoint } from '../study.ts';
import { dataRemark, dropOf } from '../study-quality.ts';
import { chartFigure } from './chart-figure.ts';
import { sensitivityFigure } from './figures.ts';
import { runSections } from './run-parts.ts';
import { callout, mark, name, names, type PageContent, part, section } from './section.ts';
import { type Cell, figure, table } from './table.ts';
import { type Html, html, verbatim } from './template.ts';
import { tiles } from './tiles.ts';

/** The page of a sensitivity study: the answer in words, the heat map, the table, and the recipe that is suggested. */
export async function sensitivityPage(report: SensitivityReport): Promise<PageContent> {
  const { input, of, resumed, rows } = report;
  const model = basename(input.path);
  const remark = dataRemark(report);
  const chart = await sensitivityFigure(report);
  return {
    kind: 'Sensitivity study',
    title: `${model}: what each part bears`,
    headline: html`What does each part of ${name(model)} bear?`,
    lead: html`${sensitivityAnswer(report).map((sentence) => html`<p>${sentence}</p>`)}`,
    sections: [
      ...section('answer', 'In numbers', numbers(report), remark !== null && callout('warn', remark)),
      ...section('map', 'Heat map', chartFigure(chart, true)),
      ...section(
        'rows',
        of === 'channels' ? 'Groups' : 'Weights',
        resumed > 0 &&
          html`<p>${formatInteger(resumed)} runs were taken from an earlier study that was interrupted.</p>`,
        rowsTable(report),
        rows.length > 0 && html`<p>${worthText(report)}</p>`,
        problems(report),
      ),
      ...section('recipe', 'Suggested recipe', suggestionParts(report)),
      ...runSections(report),
    ],
  };
}

function numbers(report: SensitivityReport): Html {
  const { rows, amounts, samples, on, original, by } = report;
  const fragile = rows.filter(({ bears }) => bears === 0).length;
  const robust = rows.filter(({ bears }) => bears > 0 && bears >= (amounts.at(-1) ?? 1)).length;
  const quality = original.quality[by];
  return tiles([
    {
      label: 'Bear nothing',
      value: formatInteger(fragile),
      note: `of ${formatInteger(rows.length)}`,
      ...(fragile > 0 ? { tone: 'warn' } : {}),
    },
    { label: 'Bear the most that was tried', value: formatInteger(robust), note: `of ${formatInteger(rows.length)}` },
    {
      label: 'Tolerance',
      value: toleranceText(report).split(' of ')[0],
      note: `of ${by === 'cosine' ? 'the cosine' : by}, lost at most`,
    },
    quality === null
      ? null
      : {
          label: 'The original',
          value: by === 'cosine' ? formatCosine(quality) : formatPercent(quality),
          note: `${by}, ${on}, ${formatInteger(samples)} samples`,
        },
  ]);
}

function rowsTable(report: SensitivityReport): Html | null {
  const { rows, amounts, of, by } = report;
  return table({
    caption: `What is lost where one alone is pruned (${by === 'cosine' ? 'cosine' : `points of ${by}`})`,
    noun: 'row',
    columns: [
      { title: of === 'channels' ? 'Group' : 'Weight' },
      { title: of === 'channels' ? 'Channels' : 'Weights', as: 'number' },
      ...['Parameters', 'MACs'].map((title) => ({ title, as: 'number' }) as const),
      { title: 'Bears', as: 'number' },
      ...amounts.map((amount) => ({ title: formatShare(amount), as: 'number' }) as const),
      { title: 'Nodes', as: 'words' },
    ],
    rows: rows.map((row) => [
      name(rowName(row)),
      figure(row.size, formatInteger),
      ...worthCells(report, row),
      {
        show: row.bears === 0 ? mark('warn', 'nothing') : html`<strong>${formatShare(row.bears)}</strong>`,
        sort: row.bears,
      },
      ...amounts.map((_, index) => lossCell(report, row.points[index])),
      names(row.nodes, 3),
    ]),
  });
}

function worthCells(report: SensitivityReport, row: SensitivityRow): Cell[] {
  const worth = worthOf(report, row);
  return [worth?.parameters ?? null, worth?.macs ?? null].map((part) =>
    part === null ? '–' : figure(part, formatPercent),
  );
}

function lossCell({ original, by, tolerance }: SensitivityReport, point: StudyPoint | undefined): Cell {
  if (point === undefined) return '–';
  const { figures } = point;
  if (figures === null) return mark('bad', 'failed');
  const drop = dropOf(original.quality, figures.quality, by);
  if (drop === null) return '–';
  const text = by === 'cosine' ? drop.toFixed(4) : formatPoints(-drop).replace(' points', '');
  return { show: drop <= tolerance ? text : html`<span class="bad">${text}</span>`, sort: drop };
}

/** Runs that failed, with why. */
function problems({ rows }: SensitivityReport): Html | null {
  const failed = rows.flatMap((row) =>
    row.points.flatMap(({ amount, problem }) =>
      problem === null ? [] : [[name(rowName(row)), formatShare(amount), problem]],
    ),
  );
  return table({
    caption: 'Runs that failed',
    noun: 'run',
    columns: [{ title: 'Row' }, { title: 'Amount' }, { title: 'Why', as: 'words' }],
    rows: failed,
  });
}

function suggestionParts({ suggestion }: SensitivityReport): Html | null {
  if (suggestion === null) return null;
  const { recipe, holds } = suggestion;
  return html`<p>${holds ? mark('good', 'Keeps to the tolerance') : mark('bad', 'Does not keep to the tolerance')}</p>${part(
    'For prune --recipe',
    html`<div class="command"><pre><code id="recipe-text">${verbatim(JSON.stringify(recipe, null, 2))}</code></pre><button class="button" type="button" data-copy="recipe-text" hidden>Copy</button><span class="visually-hidden" role="status"></span></div>`,
  )}`;
}
