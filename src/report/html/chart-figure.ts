import type { Chart } from '../charts/chart.ts';
import { shortened } from '../shortened.ts';
import { folded } from './section.ts';
import { table } from './table.ts';
import { type Html, html, trusted } from './template.ts';

/** Longer texts are cut in the middle; the report as JSON has them whole. */
const LONGEST_CELL = 300;

/** A chart with its summary in words and its table behind a line that opens; nothing where there is no chart. */
export function chartFigure(chart: Chart | null, isTall = false): Html | null {
  if (chart === null) return null;
  const { title, summary, svg, table: data } = chart;
  const rows = table({
    caption: `${title}: the numbers`,
    columns: data.columns.map((column, index) =>
      index === 0 || data.words?.includes(column) === true ? { title: column } : { title: column, as: 'number' },
    ),
    rows: data.rows.map((row) => row.map((cell) => shortened(cell, LONGEST_CELL))),
    noun: 'row',
  });
  return html`<figure><figcaption><strong>${title}</strong><span>${summary}</span></figcaption><div class="canvas${isTall && ' tall'}" role="group" aria-label="${title}" tabindex="0">${trusted(svg)}</div>${folded('Show the numbers', rows)}</figure>`;
}

/** Charts side by side where there is room. */
export function chartFigures(charts: readonly (Chart | null)[]): Html | null {
  const drawn = charts.filter((chart) => chart !== null);
  return drawn.length === 0 ? null : html`<div class="figures">${drawn.map((chart) => chartFigure(chart))}</div>`;
}
