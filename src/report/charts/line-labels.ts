import type { Markish } from '@observablehq/plot';
import { dodge, type LinePanel, mostX } from './line-data.ts';
import { shortName, textWidth } from './names.ts';
import type { PlotKit } from './plot.ts';
import { type SeriesStyle, seriesStyle } from './series-style.ts';
import { FONT_SIZE } from './svg.ts';

/** From the frame to the sign before a name, and from there to the name. */
const SIGN_AT = 30;
const NAME_AT = 42;
/** Characters of a name. */
const LABEL_LENGTH = 40;

/** Pixels that the column of names takes. */
export function labelColumn(names: readonly string[]): number {
  return NAME_AT + 6 + Math.max(...names.map((name) => textWidth(seriesLabel(name), FONT_SIZE)));
}

/** Both ends of a series' name tell it from others. */
function seriesLabel(name: string): string {
  return shortName(name, LABEL_LENGTH, 0.5);
}

/** Where a line ends that is to be named, in values of the axes. */
export interface LineEnd {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  /** Pixels that it is moved aside. */
  readonly dx: number;
  /** Null for the level. */
  readonly style: SeriesStyle | null;
}

/** The ends of all lines that have points, and of the level. */
export function lineEnds(panel: LinePanel): LineEnd[] {
  const { lines, level } = panel;
  const ends: LineEnd[] = lines.flatMap((line, index) => {
    const last = line.points.at(-1);
    return last === undefined
      ? []
      : [{ name: line.name, x: last.x, y: last.y, dx: dodge(panel, index), style: seriesStyle(index) }];
  });
  if (level !== null) ends.push({ name: level.label, x: mostX(panel), y: level.value, dx: 0, style: null });
  return ends;
}

/** Where a name comes to be, in pixels. */
export interface LabelPlace {
  readonly fromX: number;
  readonly fromY: number;
  /** Right end of the frame. */
  readonly edge: number;
  readonly y: number;
}

/** A name with the sign of its line before it, and a thin leader from the line's end. */
export function labelMarks({ plot }: PlotKit, end: LineEnd, { fromX, fromY, edge, y }: LabelPlace): Markish[] {
  const color = end.style?.color ?? 'currentColor';
  const at = (value: number): { value: number[]; scale: null } => ({ value: [value], scale: null });
  const one = [0];
  const sample = { y1: at(y), y2: at(y), stroke: color, strokeDasharray: end.style?.dash ?? '5 4' } as const;
  const marks: Markish[] = [
    plot.link(one, {
      x1: at(Math.min(fromX + 6, edge)),
      x2: at(edge + SIGN_AT - 12),
      y1: at(fromY),
      y2: at(y),
      stroke: color,
      strokeOpacity: 0.45,
    }),
    plot.link(one, { ...sample, x1: at(edge + SIGN_AT - 11), x2: at(edge + SIGN_AT + 9), strokeWidth: 2 }),
  ];
  if (end.style !== null) {
    const { symbol } = end.style;
    marks.push(plot.dot(one, { x: at(edge + SIGN_AT - 1), y: at(y), symbol, fill: color, stroke: color, r: 4 }));
  }
  const text = seriesLabel(end.name);
  const full = text === end.name ? {} : { title: [end.name] };
  marks.push(
    plot.text(one, {
      x: at(edge + NAME_AT),
      y: at(y),
      text: [text],
      textAnchor: 'start',
      fill: 'currentColor',
      ...full,
    }),
  );
  return marks;
}
