import type { Markish } from '@observablehq/plot';
import { dodge, type Line, type LinePanel, type LinePoint, mostX } from './line-data.ts';
import { labelMarks, lineEnds } from './line-labels.ts';
import type { Panel, PlotKit } from './plot.ts';
import { seriesStyle } from './series-style.ts';
import { spread } from './spread.ts';

/** Pixels around the frame of a panel, but for the labels. */
const MARGIN = { top: 34, bottom: 44, left: 58, right: 14 } as const;
/** Between names. */
const LABEL_GAP = 17;
/** Pixels that the number at a tick needs. */
const TICK_ROOM = 27;
/** Between the crosses of runs that failed. */
const CROSS_GAP = 18;

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
    plot.axisX({
      ...axis,
      label: panel.xLabel,
      labelAnchor: 'center',
      labelOffset: 38,
      labelArrow: 'none',
      ticks: xTicks(panel, panel.width - MARGIN.left - right),
      tickFormat: (x: number) => String(x),
    }),
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
    x: { domain: [0, mostX(panel)], inset: 12, insetLeft: 0 },
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
    labelMarks(kit, end, { fromX: place('x', end.x) + end.dx, fromY: place('y', end.y), edge, y: places[k] ?? 0 }),
  );
  return kit.draw({ ...options, marks: [...marks, ...labels] });
}

/** Ticks at the amounts themselves, where they are far enough apart to be written; else as many as the library thinks fit. */
function xTicks(panel: LinePanel, pixels: number): number | number[] {
  const ticks = [0, ...panel.xs.filter((x) => x > 0)];
  const room = (TICK_ROOM / pixels) * mostX(panel);
  return ticks.every((x, k) => k === 0 || x - (ticks[k - 1] ?? 0) >= room) ? ticks : Math.floor(pixels / 60);
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

function levelMarks({ plot }: PlotKit, { level, yDomain }: LinePanel): Markish[] {
  if (level === null) return [];
  const band =
    level.span === undefined
      ? []
      : [
          plot.rectY([level.span], {
            y1: (span: readonly [number, number]) => span[0],
            y2: (span: readonly [number, number]) => Math.min(span[1], yDomain[1]),
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
  const dx = dodge(panel, index);
  const dot = { x: 'x', y: 'y', title: 'title', symbol, stroke: color, strokeWidth: 1.75, r: 4, dx } as const;
  const marks: Markish[] = [
    plot.line(line.points, { x: 'x', y: 'y', stroke: color, strokeWidth: 2, strokeDasharray: dash, dx }),
  ];
  if (spans.length > 0) {
    const low = (point: LinePoint): number => point.span?.[0] ?? point.y;
    const high = (point: LinePoint): number => Math.min(point.span?.[1] ?? point.y, panel.yDomain[1]);
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
