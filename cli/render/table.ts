import { createRequire } from 'node:module';
import type CliTable from 'cli-table3';
import type { Context } from './context.ts';
import { displayWidth, shorten } from './text.ts';

/** One column of a table. */
export interface Column {
  readonly title: string;
  /** Numbers belong to the right. */
  readonly align?: 'left' | 'right';
  /** Whether its texts may be shortened in the middle where the width does not suffice. */
  readonly flexible?: boolean;
  /** Whether the column is left out where shortening does not suffice; the last one goes first. */
  readonly optional?: boolean;
}

/** A text, and how to colour it once it has been shortened. */
export interface PaintedCell {
  readonly text: string;
  readonly paint: (text: string) => string;
}

/** What stands in a table. */
export type Cell = string | PaintedCell;

const GAP = 2;
const NARROWEST_FLEXIBLE = 20;
/** cli-table3 looks at all rows for each row. Chunks of fixed column widths look the same and stay linear. */
const CHUNK = 64;

/** A light table: a head, a thin line, aligned columns; every line fits the width. */
export function renderTable(
  context: Context,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  indent = '  ',
): string[] {
  const { shown, widths } = fitColumns(columns, rows, context.width - indent.length);
  const cellAt = (row: readonly Cell[], index: number, position: number): string =>
    drawCell(row[index] ?? '', widths[position] ?? 0);
  const head = shown.map((index, position) =>
    drawCell({ text: columns[index]?.title ?? '', paint: context.ink.dim }, widths[position] ?? 0),
  );
  const body = rows.map((row) => shown.map((index, position) => cellAt(row, index, position)));
  const colAligns = shown.map((index) => columns[index]?.align ?? 'left');
  const lines = layOut(context, { colAligns, colWidths: widths }, head, body);
  return lines.map((line) => (indent + line).trimEnd());
}

function drawCell(cell: Cell, width: number): string {
  if (typeof cell === 'string') return shorten(cell, width);
  // Colours around nothing would keep the end of a line from being trimmed.
  return cell.text === '' ? '' : cell.paint(shorten(cell.text, width));
}

interface Fit {
  readonly shown: number[];
  readonly widths: number[];
}

function fitColumns(columns: readonly Column[], rows: readonly (readonly Cell[])[], room: number): Fit {
  const natural = columns.map(({ title }, index) =>
    rows.reduce((widest, row) => Math.max(widest, widthOf(row[index] ?? '')), displayWidth(title)),
  );
  let shown = columns.map((_, index) => index);
  for (;;) {
    const widths = shown.map((index) => natural[index] ?? 0);
    const flexible = shown.flatMap((index, position) => (columns[index]?.flexible === true ? [position] : []));
    if (shrinkTo(widths, flexible, room - GAP * (shown.length - 1))) return { shown, widths };
    const least = shown.findLast((index) => columns[index]?.optional === true);
    if (least === undefined) {
      shrinkTo(widths, [...widths.keys()], room - GAP * (shown.length - 1), 1);
      return { shown, widths };
    }
    shown = shown.filter((index) => index !== least);
  }
}

/** Takes columns from the widest of `from` until all fit; false where that does not suffice. */
function shrinkTo(widths: number[], from: readonly number[], room: number, narrowest = NARROWEST_FLEXIBLE): boolean {
  let over = widths.reduce((sum, width) => sum + width, 0) - room;
  for (; over > 0; over--) {
    const widest = from.reduce(
      (best, position) => ((widths[position] ?? 0) > (widths[best] ?? 0) ? position : best),
      from[0] ?? -1,
    );
    const width = widths[widest] ?? 0;
    if (width <= narrowest) return false;
    widths[widest] = width - 1;
  }
  return true;
}

function widthOf(cell: Cell): number {
  return displayWidth(typeof cell === 'string' ? cell : cell.text);
}

interface Layout {
  readonly colAligns: readonly ('left' | 'right')[];
  readonly colWidths: readonly number[];
}

function layOut(context: Context, layout: Layout, head: readonly string[], body: readonly string[][]): string[] {
  const Table = loadTable();
  const gap = ' '.repeat(GAP);
  const make = (first: readonly string[]): CliTable.Table =>
    new Table({
      head: [...first],
      colAligns: [...layout.colAligns],
      colWidths: [...layout.colWidths],
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
      chars: { ...NO_BORDERS, middle: gap },
    });
  const lines: string[] = [];
  if (head.length > 0) {
    const titles = make([]);
    titles.push([...head]);
    const rule = layout.colWidths.map((width) => '─'.repeat(width)).join('─'.repeat(GAP));
    lines.push(titles.toString(), context.ink.dim(rule));
  }
  for (let start = 0; start < body.length; start += CHUNK) {
    const table = make([]);
    table.push(...body.slice(start, start + CHUNK));
    lines.push(...table.toString().split('\n'));
  }
  return lines;
}

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
} as const;

/** Loaded on the first table, so that commands that print none start quickly; `import()` would make printing wait. */
function loadTable(): typeof CliTable {
  const load: (id: 'cli-table3') => typeof CliTable = createRequire(import.meta.url);
  return load('cli-table3');
}
