import { rowName, sensitivityAnswer, toleranceText, unitText, worthOf } from '../../src/report/sensitivity-answer.ts';
import { shellLine } from '../../src/report/shell-words.ts';
import type { SensitivityReport, SensitivityRow, StudyPoint } from '../../src/report/study.ts';
import { dropOf } from '../../src/report/study-quality.ts';
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
import { formatAmount, formatPercent, formatShare } from './format.ts';
import { folded, head, LONGEST_TABLE } from './lists.ts';
import { failures, studyFoot, studyHead } from './study.ts';
import { type Cell, type Column, type PaintedCell, renderTable } from './table.ts';
import { printable } from './text.ts';

/** What a row is worth, by the title of its column. */
const WORTH = [
  { title: 'params', of: 'parameters' },
  { title: 'MACs', of: 'macs' },
] as const;

/** Columns that a name, the margins, `bears` and one amount take. */
const NAME_AND_BEARS = 30;
const AMOUNT = 7;

/** Where a recipe was written that was suggested, and what it needs besides the model. */
export interface RecipeUse {
  /** Undefined where none was written. */
  readonly recipe?: string | undefined;
  /** The calibration data that it learns from. */
  readonly calibration?: string | undefined;
}

/**
 * What a study of sensitivity has to say, for a person at a terminal: a table of points lost, fragile layers first.
 *
 * @returns lines of at most `width` columns, the last one ended too
 */
export function renderSensitivity(
  report: SensitivityReport,
  options: RenderOptions,
  { recipe, calibration }: RecipeUse = {},
): string {
  const context = contextOf(options);
  return joinSections([
    studyHead(context, report, report.by),
    section(
      context,
      'Answer',
      sensitivityAnswer(report).flatMap((text) => marked(context, '·', printable(text))),
    ),
    section(context, `${unitText(report)} lost`, renderRows(context, report)),
    section(context, 'Failed', failed(context, report)),
    suggestion(context, report, { recipe, calibration }),
    ...studyFoot(context, report),
  ]);
}

function renderRows(context: Context, report: SensitivityReport): string[] {
  const { rows, amounts, of } = report;
  if (rows.length === 0) return [];
  const shown = head(context, rows, LONGEST_TABLE);
  const positions = evenly(amounts.length, Math.max(1, Math.floor((context.width - NAME_AND_BEARS) / AMOUNT)));
  const worthColumns = of === 'weights' ? WORTH.slice(0, 1) : WORTH;
  const columns: Column[] = [
    { title: 'layer', flexible: true },
    { title: 'bears', align: 'right' },
    ...positions.map((position) => ({ title: formatShare(amounts[position] ?? 0), align: 'right' }) as const),
    ...worthColumns.map(({ title }) => ({ title, align: 'right', optional: true }) as const),
    { title: of, align: 'right', optional: true },
  ];
  const cells = shown.map((row): Cell[] => [
    printable(rowName(row)),
    bears(row, context.ink),
    ...positions.map((position) => heat(report, row.points[position], context.ink)),
    ...worthColumns.map(({ of: figure }): Cell => {
      const worth = worthOf(report, row)?.[figure] ?? null;
      return { text: worth === null ? '–' : formatPercent(worth), paint: context.ink.dim };
    }),
    { text: formatAmount(row.size), paint: context.ink.dim },
  ]);
  const legend = [
    'each pruned alone, by the amount above, fragile ones first',
    `bears: the largest amount that costs at most ${toleranceText(report)}, as all smaller ones do`,
    of === 'weights'
      ? 'params: the part of all parameters that it holds'
      : `params, MACs: the part of the model's that leaves with ${formatShare(amounts.at(-1) ?? 0)} of it`,
    ...(positions.length < amounts.length
      ? [`${positions.length} of ${amounts.length} amounts have room here; --json has all`]
      : []),
  ];
  return [
    ...renderTable(context, columns, cells),
    ...folded(context, rows.length, shown.length, of === 'channels' ? 'group' : 'weight'),
    ...legend.flatMap((text) => paragraph(context, text, '  ', context.ink.dim)),
  ];
}

/** At most so many of the positions 0 to `count` - 1, the first and the last among them. */
function evenly(count: number, most: number): number[] {
  const all = Array.from({ length: count }, (_, index) => index);
  if (count <= most) return all;
  if (most === 1) return all.slice(-1);
  return Array.from({ length: most }, (_, index) => Math.round((index * (count - 1)) / (most - 1)));
}

function bears({ bears: amount }: SensitivityRow, ink: Ink): PaintedCell {
  return amount === 0 ? { text: 'nothing', paint: ink.red } : { text: formatShare(amount), paint: ink.bold };
}

/** A drop in points, the hotter the more it is beyond the tolerance. */
function heat({ original, by, tolerance }: SensitivityReport, point: StudyPoint | undefined, ink: Ink): Cell {
  const figures = point?.figures ?? null;
  const drop = figures === null ? null : dropOf(original.quality, figures.quality, by);
  if (drop === null) return { text: point?.problem == null ? '–' : '✗', paint: ink.dim };
  return { text: (drop * 100 || 0).toFixed(1).replace(/^-0\.0$/, '0.0'), paint: heatPaint(drop, tolerance, ink) };
}

function heatPaint(drop: number, tolerance: number, ink: Ink): PaintedCell['paint'] {
  if (drop <= tolerance) return ink.green;
  if (drop <= Math.max(5 * tolerance, 0.02)) return ink.yellow;
  return drop <= Math.max(20 * tolerance, 0.2) ? ink.red : (text) => ink.bold(ink.red(text));
}

function failed(context: Context, { rows }: SensitivityReport): string[] {
  const broken = rows.filter(({ points }) => points.some(({ problem }) => problem !== null));
  const shown = head(context, broken, LONGEST_TABLE);
  return [
    ...shown.flatMap((row) => failures(context, row.points, `${printable(rowName(row))} at `)),
    ...folded(context, broken.length, shown.length, 'layer'),
  ];
}

function suggestion(context: Context, report: SensitivityReport, { recipe, calibration }: RecipeUse): string[] {
  const { suggestion: found, input } = report;
  if (found === null) return [];
  const data = calibration === undefined ? [] : ['--calibration', calibration];
  const { ink } = context;
  const mark = found.holds ? ink.green('✓') : ink.yellow('!');
  const verdict = found.holds ? 'keeps' : 'does not keep';
  const lines = [
    ...marked(context, mark, `together it ${verdict} to ${toleranceText(report)}`),
    ...(recipe === undefined ? [] : paragraph(context, `written to ${ink.bold(printable(recipe))}; use it by`)),
    ...(recipe === undefined
      ? []
      : paragraph(context, printable(shellLine(['onnx-prune', input.path, '--recipe', recipe, ...data])), '    ')),
    ...(context.verbose ? paragraph(context, printable(JSON.stringify(found.recipe)), '  ', ink.dim) : []),
  ];
  return section(context, 'Recipe', lines);
}
