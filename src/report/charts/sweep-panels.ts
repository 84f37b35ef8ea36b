import type { SweepReport } from '../study.ts';
import type { LinePanel } from './line-data.ts';
import { labelColumn } from './line-labels.ts';
import { drawLines, panelHeight } from './line-panel.ts';
import { loadPlot } from './plot.ts';
import { svgElement } from './svg.ts';
import { amountsAsked } from './sweep-points.ts';

const WIDTH = 800;
const ASKED = 'amount asked (%)';

/** What a panel of a sweep shows; amounts and sizes go without saying. */
export type PanelData = Pick<LinePanel, 'yLabel' | 'yDomain' | 'log' | 'lines' | 'level'>;

/** A single panel with names at its line ends. */
export function onePanel(report: SweepReport, panel: PanelData, label: string): Promise<string> {
  return sideBySide(report, [panel], label);
}

/** Panels in a row; the last has the names. */
export async function sideBySide(report: SweepReport, panels: readonly PanelData[], label: string): Promise<string> {
  const kit = await loadPlot();
  const names = panels.at(-1)?.lines.map((line) => line.name) ?? [];
  const labels = labelColumn([...names, ...panels.map(({ level }) => level?.label ?? '')]);
  const height = panelHeight(names.length + 1);
  const each = Math.max(240, (WIDTH - labels) / panels.length);
  const drawn = panels.map((panel, k) => {
    const own = k === panels.length - 1 ? labels : 0;
    const { markup } = drawLines(kit, {
      ...panel,
      width: Math.round(each + own),
      height,
      xs: amountsAsked(report),
      xLabel: ASKED,
      labels: own,
    });
    return k === 0 ? markup : `<g transform="translate(${Math.round(k * each)},0)">${markup}</g>`;
  });
  return svgElement({ width: Math.round(each * panels.length + labels), height, label }, drawn.join(''));
}
