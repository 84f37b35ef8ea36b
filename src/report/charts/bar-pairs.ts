import type { Markish } from '@observablehq/plot';
import { shortName } from './names.ts';
import type { PlotKit } from './plot.ts';

/** Something counted before and after. */
export interface Pair {
  readonly name: string;
  /** Null where it is not known. */
  readonly before: number | null;
  readonly after: number | null;
  /** What stands behind the bars. */
  readonly text: string;
  readonly title: string;
}

/** A column of pairs. */
export interface PairPanel {
  readonly heading: string;
  readonly pairs: readonly Pair[];
  /** Pixels left of the bars for names; 0 for none. */
  readonly names: number;
  readonly bars: number;
  /** Pixels right of the bars for their text. */
  readonly texts: number;
  readonly color: string;
}

/** Characters of a name. */
export const NAME_LENGTH = 34;
const ROW = 24;
const TOP = 32;
const BOTTOM = 6;

/** Pixels of height that so many pairs take. */
export function pairsHeight(count: number): number {
  return TOP + count * ROW + BOTTOM;
}

/**
 * Pairs of bars from 0 to the panel's largest value: what was before is a pale outlined bar, what is left a full and thinner one
 * upon it.
 */
export function drawPairs({ plot, draw }: PlotKit, panel: PairPanel): string {
  const { pairs, color } = panel;
  const width = panel.names + panel.bars + panel.texts;
  const height = pairsHeight(pairs.length);
  const most = Math.max(1e-9, ...pairs.flatMap(({ before, after }) => [before ?? 0, after ?? 0]));
  const rows = pairs.map((pair, row) => ({ ...pair, row }));
  type Row = (typeof rows)[number];
  const known = rows.filter(({ before }) => before !== null);
  const bar = (of: (row: Row) => number | null, inset: number): object => ({
    x1: () => 0,
    x2: (row: Row) => of(row) ?? 0,
    y1: 'row',
    y2: ({ row }: Row) => row + 1,
    insetTop: inset,
    insetBottom: inset,
  });
  const pixel = (value: number): { value: number[]; scale: null } => ({ value: [value], scale: null });
  const marks: Markish[] = [
    plot.text([0], {
      text: [panel.heading],
      x: pixel(panel.names),
      y: pixel(16),
      textAnchor: 'start',
      fill: 'var(--muted)',
    }),
    plot.rect(known, {
      ...bar(({ before }) => before, 4),
      fill: `color-mix(in oklab, ${color} 18%, var(--paper))`,
      stroke: color,
      strokeWidth: 1,
      title: 'title',
    }),
    plot.rect(
      known.filter(({ after }) => after !== null && after > 0),
      { ...bar(({ after }) => after, 7), fill: color, pointerEvents: 'none' },
    ),
    plot.text(rows, {
      x: ({ before, after }: Row) => (before === null ? 0 : Math.max(before, after ?? 0)),
      y: ({ row }: Row) => row + 0.5,
      text: 'text',
      textAnchor: 'start',
      dx: 6,
    }),
    plot.ruleX([0], { stroke: 'var(--muted)' }),
  ];
  if (panel.names > 0) {
    marks.push(
      plot.text(rows, {
        x: () => 0,
        y: ({ row }: Row) => row + 0.5,
        text: ({ name }: Row) => shortName(name, NAME_LENGTH),
        textAnchor: 'end',
        dx: -8,
      }),
    );
  }
  return draw({
    width,
    height,
    marginTop: TOP,
    marginBottom: BOTTOM,
    marginLeft: panel.names,
    marginRight: panel.texts,
    x: { type: 'linear', domain: [0, most], axis: null },
    y: { type: 'linear', domain: [pairs.length, 0], axis: null },
    marks,
  }).markup;
}
