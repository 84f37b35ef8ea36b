import type { Markish } from '@observablehq/plot';
import { shortName } from './names.ts';
import type { PlotKit } from './plot.ts';
import { FONT_SIZE } from './svg.ts';

/** A small picture of one layer: both axes run from 0 to 1, so that shapes can be compared. */
export interface SmallPanel {
  readonly name: string;
  /** A few words below the name. */
  readonly note: string;
  readonly title: string;
  /** In the order of x. */
  readonly points: readonly (readonly [number, number])[];
}

/** How the panels of one chart are drawn. */
export interface GridStyle {
  /** `bars`: equal widths from 0 to 1; `area`: a line, filled to the foot. */
  readonly form: 'bars' | 'area';
  readonly color: string;
  /** A dashed line from corner to corner, where evenness would be. */
  readonly diagonal: boolean;
  readonly xLabel: string;
  readonly yLabel: string;
}

const COLUMNS = 4;
const PANEL = { width: 190, height: 132, top: 40, side: 8, bottom: 14 } as const;
const FOOT = 26;
const HEAD = 24;
const NAME_LENGTH = 25;

/** Panels in rows of four, all alike: the markup, and the size it takes. */
export function drawGrid(
  kit: PlotKit,
  panels: readonly SmallPanel[],
  style: GridStyle,
): { markup: string; width: number; height: number } {
  const width = Math.max(2, Math.min(COLUMNS, panels.length)) * PANEL.width;
  const height = HEAD + Math.ceil(panels.length / COLUMNS) * PANEL.height + FOOT;
  const drawn = panels.map((panel, k) => {
    const { markup } = drawPanel(kit, panel, style);
    const x = (k % COLUMNS) * PANEL.width;
    return `<g transform="translate(${x},${HEAD + Math.floor(k / COLUMNS) * PANEL.height})">${markup}</g>`;
  });
  const words = `<g fill="var(--muted)"><text text-anchor="start" x="${PANEL.side}" y="14">\u2191 ${style.yLabel}</text><text text-anchor="start" x="${PANEL.side}" y="${height - 10}">${style.xLabel} \u2192</text></g>`;
  return { markup: `${words}${drawn.join('')}`, width, height };
}

function drawPanel(
  { plot, draw }: PlotKit,
  panel: SmallPanel,
  { form, color, diagonal }: GridStyle,
): { markup: string } {
  const text = (line: string, y: number, fill: string): Markish =>
    plot.text([0], {
      text: [line],
      x: { value: [PANEL.side], scale: null },
      y: { value: [y], scale: null },
      textAnchor: 'start',
      fill,
      fontSize: FONT_SIZE - 1,
    });
  const { points, title } = panel;
  const x = ([value]: readonly [number, number]): number => value;
  const y = ([, value]: readonly [number, number]): number => value;
  const marks: Markish[] = [
    text(shortName(panel.name, NAME_LENGTH), 12, 'currentColor'),
    text(panel.note, 27, 'var(--muted)'),
    plot.gridX([0, 0.5, 1], { stroke: 'var(--grid)', strokeOpacity: 1 }),
    plot.gridY([0, 0.5, 1], { stroke: 'var(--grid)', strokeOpacity: 1 }),
  ];
  // Both ends of the filling are given, else areas of one x would be stacked.
  const area = { x, y1: () => 0, y2: y, fill: color, title: () => title, z: null } as const;
  if (form === 'bars') {
    // One outline for all bars: a fraction of the bytes, and one place to hover.
    const last = points.at(-1)?.[1] ?? 0;
    marks.push(plot.areaY([...points, [1, last] as const], { ...area, curve: 'step-after' }));
  } else {
    marks.push(
      plot.areaY(points, { ...area, fillOpacity: 0.22 }),
      plot.line(points, { x, y, stroke: color, strokeWidth: 1.75, pointerEvents: 'none', z: null }),
    );
  }
  if (diagonal) {
    const corners = [0, 1] as const;
    const line = { x: (v: number) => v, y: (v: number) => v, stroke: 'var(--muted)', strokeDasharray: '3 3' } as const;
    marks.push(plot.line(corners, line));
  }
  marks.push(plot.ruleY([0], { stroke: 'var(--muted)' }));
  return draw({
    width: PANEL.width,
    height: PANEL.height,
    marginTop: PANEL.top,
    marginBottom: PANEL.bottom,
    marginLeft: PANEL.side,
    marginRight: PANEL.side,
    x: { domain: [0, 1], axis: null },
    y: { domain: [0, 1], axis: null },
    marks,
  });
}
