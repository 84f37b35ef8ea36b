import type { Markish, TextOptions } from '@observablehq/plot';
import { rowName } from '../sensitivity-answer.ts';
import type { PointFigures, SensitivityReport, SensitivityRow, StudyPoint } from '../study.ts';
import type { Chart } from './chart.ts';
import { shortName, textWidth, tipName } from './names.ts';
import { amountText, countText } from './number-text.ts';
import { loadPlot } from './plot.ts';
import { FONT_SIZE, svgElement } from './svg.ts';

/** More rows than these are no picture any more. */
const MOST_ROWS = 60;
const NAME_LENGTH = 44;
const ROW_HEIGHT = 21;
const TOP = 58;
const BOTTOM = 10;
/** Pixels that a cell is to have, at least and at most. */
const CELL = { least: 46, most: 92 } as const;
/** Percent of --bad in the darkest cell: text in --ink stays readable on it in both themes. */
const DARKEST = 58;

interface Cell {
  readonly row: number;
  readonly column: number;
  /** Fraction of 1; null where the run failed or nothing was measured. */
  readonly drop: number | null;
  readonly failed: boolean;
  readonly title: string;
}

/**
 * How much is lost where one group of channels, or one weight, alone is pruned: a heat map of rows by amounts, the drop written in
 * each cell. A bar ends the amounts that a row bears.
 * @returns null where there are no rows or amounts
 */
export async function sensitivityChart(report: SensitivityReport): Promise<Chart | null> {
  const { amounts } = report;
  const rows = report.rows.slice(0, MOST_ROWS);
  if (rows.length === 0 || amounts.length === 0) return null;
  const cells = rows.flatMap((row, index) => cellsOf(report, row, index));
  const title = `What is lost when one ${report.of === 'channels' ? 'group of channels' : 'weight'} alone is pruned`;
  const summary = summaryOf(report, rows);
  return {
    title,
    summary,
    svg: await draw(report, rows, cells, `${title}. ${summary}`),
    table: {
      columns: ['name', report.of, 'bears', ...amounts.map(amountText)],
      rows: report.rows.map((row, index) => [
        rowName(row),
        String(row.size),
        amountText(row.bears),
        ...cellsOf(report, row, index).map(({ drop, failed }) =>
          failed ? 'failed' : drop === null ? '' : lostText(drop),
        ),
      ]),
    },
  };
}

async function draw(
  report: SensitivityReport,
  rows: readonly SensitivityRow[],
  cells: readonly Cell[],
  label: string,
): Promise<string> {
  const { plot, draw: drawPanel } = await loadPlot();
  const { amounts } = report;
  const names = rows.map((row) => shortName(rowName(row), NAME_LENGTH));
  const sizes = rows.map((row) => countText(row.size));
  const sizeColumn = Math.ceil(Math.max(...[...sizes, report.of].map((text) => textWidth(text, FONT_SIZE)))) + 14;
  const left =
    Math.ceil(Math.max(...[...names, rowsText(report)].map((text) => textWidth(text, FONT_SIZE)))) + 12 + sizeColumn;
  const cell = Math.min(CELL.most, Math.max(CELL.least, Math.floor((760 - left) / amounts.length)));
  // The words above the map need their room, however few the amounts.
  const width = Math.max(left + cell * amounts.length + 12, 620);
  const height = TOP + rows.length * ROW_HEIGHT + BOTTOM;
  const most = Math.max(report.tolerance, ...cells.map(({ drop }) => drop ?? 0));
  const pixel = (value: number): { value: number[]; scale: null } => ({ value: [value], scale: null });
  const heading = (text: string, x: number): Markish =>
    plot.text([text], { text: [text], x: pixel(x), y: pixel(TOP - 11), textAnchor: 'end', fill: 'var(--muted)' });
  const rowText = (texts: readonly string[], x: number): TextOptions => ({
    x: { value: rows.map(() => x), scale: null },
    y: rows.map((_, k) => k + 0.5),
    text: texts,
    textAnchor: 'end',
  });
  const middle = { x: ({ column }: Cell) => column + 0.5, y: ({ row }: Cell) => row + 0.5 };
  const borne = rows.map((row) => amounts.filter((amount) => amount <= row.bears + 1e-9).length);
  const { markup } = drawPanel({
    width,
    height,
    marginTop: TOP,
    marginBottom: BOTTOM,
    marginLeft: left,
    marginRight: width - left - cell * amounts.length,
    x: { type: 'linear', domain: [0, amounts.length], axis: null },
    y: { type: 'linear', domain: [rows.length, 0], axis: null },
    marks: [
      plot.text([0], { text: [headText(report)], x: pixel(4), y: pixel(14), textAnchor: 'start' }),
      heading(rowsText(report), left - 10 - sizeColumn),
      heading(report.of, left - 10),
      plot.text(amounts, {
        x: amounts.map((_, k) => k + 0.5),
        y: { value: amounts.map(() => TOP - 11), scale: null },
        text: amountText,
        fill: 'var(--muted)',
      }),
      plot.text(rows, {
        ...rowText(names, left - 10 - sizeColumn),
        title: (row: SensitivityRow) =>
          `${tipName(rowName(row))}: ${row.size} ${report.of}, bears ${amountText(row.bears)}; ${row.nodes.map(tipName).join(', ')}`,
      }),
      plot.text(rows, { ...rowText(sizes, left - 10), fill: 'var(--muted)' }),
      plot.rect(cells, {
        x1: 'column',
        x2: ({ column }: Cell) => column + 1,
        y1: 'row',
        y2: ({ row }: Cell) => row + 1,
        title: 'title',
        fill: { value: (one: Cell) => shade(one, most), scale: null },
        inset: 1,
        rx: 3,
      }),
      plot.text(
        cells.filter(({ drop }) => drop !== null),
        { ...middle, text: ({ drop }: Cell) => lostText(drop ?? 0), pointerEvents: 'none' },
      ),
      plot.dot(
        cells.filter(({ failed }) => failed),
        { ...middle, symbol: 'times', r: 4.5, stroke: 'var(--bad)', strokeWidth: 2, pointerEvents: 'none' },
      ),
      plot.ruleX(borne, {
        x: (columns: number) => columns,
        y1: (_: number, k: number) => k,
        y2: (_: number, k: number) => k + 1,
        inset: 1,
        stroke: 'var(--good)',
        strokeWidth: 4,
        pointerEvents: 'none',
      }),
    ],
  });
  return svgElement({ width, height, label }, markup);
}

/** Cells are mixed by the root of the drop, since small drops matter most. */
function shade({ drop }: Cell, most: number): string {
  if (drop === null) return 'var(--grid)';
  const share = Math.round(DARKEST * Math.sqrt(Math.max(0, drop) / most));
  return `color-mix(in oklab, var(--bad) ${share}%, var(--paper))`;
}

function cellsOf(report: SensitivityReport, row: SensitivityRow, index: number): Cell[] {
  return report.amounts.map((amount, column): Cell => {
    const point = row.points.find((one) => Math.abs(one.amount - amount) < 1e-9);
    const drop = point?.figures == null ? null : dropOf(report, point.figures);
    const failed = point !== undefined && point.figures === null;
    return {
      row: index,
      column,
      drop,
      failed,
      title: `${tipName(rowName(row))}: ${saysOf(report, amount, point, drop)}`,
    };
  });
}

function saysOf(report: SensitivityReport, amount: number, point: StudyPoint | undefined, drop: number | null): string {
  const asked = `${amountText(amount)} asked`;
  if (point === undefined) return `${asked}; not tried`;
  if (point.figures === null) return `${asked}; failed: ${point.problem ?? 'no reason given'}`;
  const lost = drop === null ? 'nothing measured' : `${lostText(drop)} ${unitText(report)} lost`;
  return `${asked}, ${amountText(point.reached)} reached; ${lost}`;
}

/** How much less good a pruned model is than the original, a fraction of 1; null where that was not measured. */
function dropOf({ by, original }: SensitivityReport, { quality }: PointFigures): number | null {
  const now = quality[by];
  const before = by === 'accuracy' ? original.quality.accuracy : 1;
  return now === null || before === null ? null : before - now;
}

function lostText(drop: number): string {
  const size = Math.abs(drop * 100);
  const text = size.toFixed(size < 9.95 ? 2 : 1);
  return drop < 0 && Number(text) !== 0 ? `\u2212${text}` : text;
}

function unitText({ by }: SensitivityReport): string {
  if (by === 'accuracy') return 'points of accuracy';
  return by === 'agreement' ? "points of answers that are the original's" : 'hundredths of the cosine';
}

function rowsText({ of }: SensitivityReport): string {
  return of === 'channels' ? 'group of channels' : 'weight';
}

function headText(report: SensitivityReport): string {
  return `Cells: ${unitText(report)} lost, by amount asked. Bar: up to here it loses at most ${lostText(report.tolerance)}.`;
}

function summaryOf(report: SensitivityReport, shown: readonly SensitivityRow[]): string {
  const { rows } = report;
  const first = rows[0];
  const bears = rows.map((row) => row.bears);
  const left = rows.length > shown.length ? `; of ${rows.length} the most fragile ${shown.length} are drawn` : '';
  const failed = rows.flatMap((row) => row.points).filter((point) => point.figures === null).length;
  const failures = failed === 0 ? '' : `; ${failed === 1 ? '1 run' : `${failed} runs`} failed (crosses)`;
  return `How many ${unitText(report)} each ${rowsText(report)} costs when it alone is pruned; the most fragile, ${shortName(first === undefined ? '' : rowName(first), NAME_LENGTH)}, bears ${amountText(Math.min(...bears))}, the sturdiest ${amountText(Math.max(...bears))}, at most ${lostText(report.tolerance)} lost${left}${failures}.`;
}
