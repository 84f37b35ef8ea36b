import { formatCount, formatInteger } from '../format.ts';
import { Html, html, type Part } from './template.ts';

/** A column; `number` is set to the right, `words` gets room to break lines. */
export interface Column {
  readonly title: string;
  readonly as?: 'number' | 'words';
}

/** What a cell shows, and the number to sort it by where that cannot be read from its text. */
export type Cell = Part | { readonly show: Part; readonly sort: number };

/** A table; the first cell of a row names it. */
export interface Table {
  /** What it is a table of, for everybody. */
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** What a row is: 'layer'. */
  readonly noun: string;
}

/** Rows that a table shows before the rest is only counted: pages of models with thousands of layers stay small. */
export const MOST_ROWS = 250;

/** Columns beyond which a table is written smaller on paper. */
const MOST_COLUMNS = 9;

/** A table in a box that scrolls sideways; sortable where sorting could help. Nothing where it has no rows. */
export function table({ caption, columns, rows, noun }: Table): Html | null {
  if (rows.length === 0) return null;
  const left = rows.length - MOST_ROWS;
  const heads = columns.map(({ title, as }) => html`<th scope="col"${classOf(as)}>${title}</th>`);
  const body = rows
    .slice(0, MOST_ROWS)
    .map((row) => html`<tr>${row.map((cell, index) => tableCell(cell, index, columns))}</tr>`);
  const sortable = rows.length > 2 && html` data-sortable`;
  const wide = columns.length > MOST_COLUMNS && html` class="wide"`;
  return html`<div class="scroll" role="group" aria-label="${caption}" tabindex="0"><table${wide}${sortable}><caption>${caption}</caption><thead><tr>${heads}</tr></thead><tbody>${body}</tbody></table></div>${
    left > 0 &&
    html`<p class="left-out">The first ${formatInteger(MOST_ROWS)} of ${formatCount(rows.length, noun)} are shown; the other ${formatInteger(left)} are in the JSON report.</p>`
  }`;
}

/** A number with what it looks like. */
export function figure(value: number | null | undefined, format: (value: number) => Part): Cell {
  return value === null || value === undefined ? '–' : { show: format(value), sort: value };
}

/** A value before and after, sorted by the latter. */
export function change(before: number | null, after: number | null, format: (value: number) => string): Cell {
  if (before === null && after === null) return '–';
  if (after === null)
    return { show: html`<span class="quiet">${before === null ? '' : format(before)} →</span> gone`, sort: 0 };
  if (before === null || before === after) return { show: format(after), sort: after };
  return { show: html`<span class="quiet">${format(before)} →</span> ${format(after)}`, sort: after };
}

function tableCell(cell: Cell, index: number, columns: readonly Column[]): Html {
  const [show, sort] = isSorted(cell) ? [cell.show, cell.sort] : [cell, null];
  if (index === 0) return html`<th scope="row">${show}</th>`;
  const by = sort !== null && Number.isFinite(sort) ? html` data-v="${sort}"` : null;
  return html`<td${classOf(columns[index]?.as)}${by}>${show}</td>`;
}

function isSorted(cell: Cell): cell is { readonly show: Part; readonly sort: number } {
  return typeof cell === 'object' && cell !== null && !(cell instanceof Html) && 'show' in cell;
}

function classOf(kind: Column['as']): Html | null {
  return kind === undefined ? null : html` class="${kind}"`;
}
