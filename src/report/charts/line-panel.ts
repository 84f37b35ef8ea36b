import type { Markish } from '@observablehq/plot';
import { shortName, textWidth } from './names.ts';
import type { Panel, PlotKit } from './plot.ts';
import { type SeriesStyle, seriesStyle } from './series-style.ts';
import { spread } from './spread.ts';
import { FONT_SIZE } from './svg.ts';

/** A measured point of a line. */
export interface LinePoint {
  readonly x: number;
  readonly y: number;
  /** Whiskers from and to; absent where there are none. */
  readonly span?: readonly [number, number];
  /** Drawn without a filling: what it shows may be chance. */
  readonly hollow?: boolean;
  readonly title: string;
}

/** A point that has no value, since its run failed. */
export interface FailedPoint {
  readonly x: number;
  readonly title: string;
}

/** A line with a name. */
export interface Line {
  readonly name: string;
  readonly points: readonly LinePoint[];
  readonly failed: readonly FailedPoint[];
}

/** A level that the lines are held against. */
export interface Level {
  readonly value: number;
  /** What it is from and to where it was measured several times. */
  readonly span?: readonly [number, number];
  readonly label: string;
  readonly title: string;
}

/** What a panel of lines shows. */
export interface LinePanel {
  readonly width: number;
  readonly height: number;
  /** Largest x; the axis begins at 0. */
  readonly mostX: number;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly yDomain: readonly [number, number];
  readonly log: boolean;
  readonly lines: readonly Line[];
  readonly level: Level | null;
  /** Names at the line ends, in a column of this many pixels; 0 for none. */
  readonly labels: number;
}

/** Pixels around the frame of a panel, but for the labels. */
const MARGIN = { top: 34, bottom: 44, left: 58, right: 14 } as const;
/** Between names. */
const LABEL_GAP = 17;
/** From the frame to the sign before a name, and from there to the name. */
const SIGN_AT = 30;
const NAME_AT = 42;
/** Characters of a name. */
const LABEL_LENGTH = 30;
/** Between whiskers of series at the same x. */
const DODGE = 5;
/** Between the crosses of runs that failed. */
const CROSS_GAP = 18;

/** Pixels that the column of names takes. */
export function labelColumn(names: readonly string[]): number {
  return NAME_AT + 6 + Math.max(...names.map((name) => textWidth(shortName(name, LABEL_LENGTH), FONT_SIZE)));
}

/** Pixels of height that a panel needs for its names and to be read at all. */
export function panelHeight(names: number): number {
  return Math.max(320, names * LABEL_GAP + MARGIN.top + MARGIN.bottom);
}

/**
 * Lines with symbols over an axis of amounts, and names at their ends, moved apart where they would overlap. Failed points are
 * crosses at the foot of the frame.
 */
export function drawLines(kit: PlotKit, panel: LinePanel): Panel {
  const { plot } = kit;
  const right = MARGIN.right + panel.labels;
  const foot = panel.height - MARGIN.bottom;
  const axis = { color: 'var(--muted)', tickSize: 4 } as const;
  const marks: Markish[] = [
    plot.gridY({ stroke: 'var(--grid)', strokeOpacity: 1, ticks: yTicks(panel).ticks }),
    plot.axisX({ ...axis, label: panel.xLabel, labelAnchor: 'center', labelOffset: 38, labelArrow: 'none', ticks: 8 }),
    plot.axisY({ ...axis, label: panel.yLabel, labelArrow: 'none', ...yTicks(panel) }),
    plot.ruleY([panel.yDomain[0]], { stroke: 'var(--muted)' }),
    ...levelMarks(kit, panel),
    ...panel.lines.flatMap((line, index) => lineMarks(kit, panel, line, index)),
    ...failedMarks(kit, panel, foot),
  ];
  const options = {
    width: panel.width,
    height: panel.height,
    marginTop: MARGIN.top,
    marginBottom: MARGIN.bottom,
    marginLeft: MARGIN.left,
    marginRight: right,
    x: { domain: [0, panel.mostX], inset: 12, insetLeft: 0 },
    y: {
      type: panel.log ? 'log' : 'linear',
      domain: panel.yDomain,
      insetBottom: mostFailed(panel.lines) * CROSS_GAP,
    },
  } as const;
  if (panel.labels === 0) return kit.draw({ ...options, marks });
  // Where line ends come to be is known only of the scales.
  const { place } = kit.draw({ ...options, marks: [plot.frame({ stroke: 'none' })] });
  const ends = lineEnds(panel);
  const places = spread(
    ends.map((end) => place('y', end.y)),
    LABEL_GAP,
    MARGIN.top,
    foot,
  );
  const edge = panel.width - right;
  const labels = ends.flatMap((end, k) =>
    labelMarks(kit, end, { fromX: place('x', end.x), fromY: place('y', end.y), edge, y: places[k] ?? 0 }),
  );
  return kit.draw({ ...options, marks: [...marks, ...labels] });
}

/** Ticks of a logarithmic axis at 1, 2 and 5 of each decade, as plain numbers; of a linear one as the library sets them. */
function yTicks({ log, yDomain: [from, to] }: LinePanel): {
  ticks: number | number[];
  tickFormat?: (y: number) => string;
} {
  if (!log) return { ticks: 7 };
  const ticks: number[] = [];
  for (let decade = Math.floor(Math.log10(from)); decade <= Math.log10(to); decade++) {
    ticks.push(...[1, 2, 5].map((step) => step * 10 ** decade).filter((y) => y >= from && y <= to));
  }
  return { ticks, tickFormat: (y) => String(Number(y.toPrecision(6))) };
}

function levelMarks({ plot }: PlotKit, { level }: LinePanel): Markish[] {
  if (level === null) return [];
  const band =
    level.span === undefined
      ? []
      : [
          plot.rectY([level.span], {
            y1: (span: readonly [number, number]) => span[0],
            y2: (span: readonly [number, number]) => span[1],
            fill: 'var(--muted)',
            fillOpacity: 0.16,
          }),
        ];
  return [
    ...band,
    plot.ruleY([level], {
      y: 'value',
      stroke: 'currentColor',
      strokeWidth: 1.5,
      strokeDasharray: '5 4',
      title: 'title',
    }),
  ];
}

function lineMarks({ plot }: PlotKit, panel: LinePanel, line: Line, index: number): Markish[] {
  const { color, symbol, dash } = seriesStyle(index);
  const spans = line.points.filter((point) => point.span !== undefined);
  // Whiskers at the same amount would hide one another.
  const dx = spans.length === 0 ? 0 : (index - (panel.lines.length - 1) / 2) * DODGE;
  const dot = { x: 'x', y: 'y', title: 'title', symbol, stroke: color, strokeWidth: 1.75, r: 4, dx } as const;
  const marks: Markish[] = [
    plot.line(line.points, { x: 'x', y: 'y', stroke: color, strokeWidth: 2, strokeDasharray: dash, dx }),
  ];
  if (spans.length > 0) {
    const low = (point: LinePoint): number => point.span?.[0] ?? point.y;
    const high = (point: LinePoint): number => point.span?.[1] ?? point.y;
    marks.push(plot.ruleX(spans, { x: 'x', y1: low, y2: high, stroke: color, strokeWidth: 1.5, dx }));
  }
  marks.push(
    plot.dot(
      line.points.filter((point) => point.hollow !== true),
      { ...dot, fill: color },
    ),
    plot.dot(
      line.points.filter((point) => point.hollow === true),
      { ...dot, fill: 'var(--paper)' },
    ),
  );
  return marks;
}

/** Most lines that failed at one amount: as many crosses are stacked below the axis' foot. */
function mostFailed(lines: readonly Line[]): number {
  const counts = new Map<number, number>();
  for (const { x } of lines.flatMap((line) => line.failed)) counts.set(x, (counts.get(x) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}

/** Crosses in a strip of their own, so that none hides a point, stacked where several lines failed at one amount. */
function failedMarks({ plot }: PlotKit, { lines }: LinePanel, foot: number): Markish[] {
  const stacked = new Map<number, number>();
  const crosses = lines.flatMap((line, index) =>
    line.failed.map(({ x, title }) => {
      const level = stacked.get(x) ?? 0;
      stacked.set(x, level + 1);
      return { x, title, y: foot - CROSS_GAP * (level + 0.5), color: seriesStyle(index).color };
    }),
  );
  if (crosses.length === 0) return [];
  const name = { text: ['failed'], x: [0], dx: 4, textAnchor: 'start', fill: 'var(--muted)' } as const;
  return [
    plot.text([0], { ...name, y: { value: [foot - CROSS_GAP / 2], scale: null } }),
    ...crosses.map(({ x, y, title, color }) =>
      plot.dot([x], {
        x: [x],
        y: { value: [y], scale: null },
        title: [title],
        symbol: 'times',
        r: 5,
        stroke: color,
        strokeWidth: 2.5,
      }),
    ),
  ];
}

interface LineEnd {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  /** Null for the level. */
  readonly style: SeriesStyle | null;
}

function lineEnds({ lines, level, mostX }: LinePanel): LineEnd[] {
  const ends: LineEnd[] = lines.flatMap((line, index) => {
    const last = line.points.at(-1);
    return last === undefined ? [] : [{ name: line.name, x: last.x, y: last.y, style: seriesStyle(index) }];
  });
  if (level !== null) ends.push({ name: level.label, x: mostX, y: level.value, style: null });
  return ends;
}

interface LabelPlace {
  readonly fromX: number;
  readonly fromY: number;
  /** Right end of the frame. */
  readonly edge: number;
  readonly y: number;
}

/** A name with the sign of its line before it, and a thin leader from the line's end. */
function labelMarks({ plot }: PlotKit, end: LineEnd, { fromX, fromY, edge, y }: LabelPlace): Markish[] {
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
  const text = shortName(end.name, LABEL_LENGTH);
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
