import { formatMilliseconds, formatRatio } from '../format.ts';
import type { Outline, OutlineNode } from '../outline.ts';
import type { LatencyReport } from '../report.ts';
import { whiskerRange } from './axis-range.ts';
import { drawPairs, NAME_LENGTH, type Pair, pairsHeight } from './bar-pairs.ts';
import type { Chart } from './chart.ts';
import { shortName, textWidth, tipName } from './names.ts';
import { changeText, countText } from './number-text.ts';
import { loadPlot } from './plot.ts';
import { FONT_SIZE, svgElement } from './svg.ts';

/** More rows than these are no picture any more. */
const MOST_LAYERS = 60;
const WIDTH = 860;

/**
 * Parameters and multiply-accumulates of each layer before and after. Of more than 60 layers those with most parameters are drawn,
 * in the order of the graph; the table has all.
 * @returns null where the outline has no layers
 */
export async function layerChart(outline: Outline): Promise<Chart | null> {
  const layers = outline.nodes.filter(({ isLayer }) => isLayer);
  if (layers.length === 0) return null;
  const shown = largest(layers);
  const isChanged = layers.some(({ before, after }) => after === null || after.parameters !== before.parameters);
  const title = isChanged ? 'Layers before and after' : 'What layers hold and compute';
  const summary = summaryOf(layers, shown);
  const kit = await loadPlot();
  const texts = 158;
  const names =
    Math.ceil(Math.max(...shown.map(({ name }) => textWidth(shortName(name, NAME_LENGTH), FONT_SIZE)))) + 14;
  const bars = Math.max(90, Math.floor((WIDTH - names) / 2 - texts));
  const left = drawPairs(kit, {
    heading: isChanged ? 'parameters (outline: before, full: after)' : 'parameters',
    pairs: shown.map((layer) => pairOf(layer, 'parameters', layer.before.parameters, layer.after?.parameters)),
    names,
    bars,
    texts,
    color: 'var(--c1)',
  });
  const right = drawPairs(kit, {
    heading: 'multiply-accumulates of one sample',
    pairs: shown.map((layer) => pairOf(layer, 'multiply-accumulates', layer.before.macs, layer.after?.macs)),
    names: 0,
    bars,
    texts,
    color: 'var(--c2)',
  });
  const at = names + bars + texts;
  const frame = { width: at + bars + texts, height: pairsHeight(shown.length), label: `${title}. ${summary}` };
  return {
    title,
    summary,
    svg: svgElement(frame, `${left}<g transform="translate(${at},0)">${right}</g>`),
    table: {
      columns: ['layer', 'operator', 'parameters before', 'after', 'multiply-accumulates before', 'after'],
      words: ['operator'],
      rows: layers.map(({ name, operator, before, after }) => [
        name,
        operator,
        String(before.parameters),
        after === null ? 'left' : String(after.parameters),
        before.macs === null ? '' : String(before.macs),
        after === null ? 'left' : after.macs === null ? '' : String(after.macs),
      ]),
    },
  };
}

/** @param after undefined where the layer left, null where it is not known */
function pairOf(layer: OutlineNode, what: string, before: number | null, after: number | null | undefined): Pair {
  const left = layer.after === null;
  const now = left ? 0 : (after ?? null);
  const text = before === null ? '–' : spanText(before, left ? null : now);
  const { name, operator } = layer;
  const exact = (count: number | null): string =>
    count === null ? 'none that is known' : count.toLocaleString('en-US');
  const change = before === null || now === null ? '' : ` (${changeText(before, now)})`;
  const title = `${tipName(name)} (${operator}): ${what} ${exact(before)} before, ${left ? 'left the model' : `${exact(now)} after${change}`}`;
  return { name, before, after: now, text, title };
}

/** @param after null where the layer left */
function spanText(before: number, after: number | null): string {
  if (after === null) return `${countText(before)} → left`;
  if (after === before) return countText(before);
  const change = changeText(before, after);
  return `${countText(before)} → ${countText(after)}${change === '' ? '' : ` (${change})`}`;
}

function summaryOf(layers: readonly OutlineNode[], shown: readonly OutlineNode[]): string {
  const sum = (of: (layer: OutlineNode) => number): number => layers.reduce((total, layer) => total + of(layer), 0);
  const parameters = spanText(
    sum(({ before }) => before.parameters),
    sum(({ after }) => after?.parameters ?? 0),
  );
  const macs = spanText(
    sum(({ before }) => before.macs ?? 0),
    sum(({ after }) => after?.macs ?? 0),
  );
  const count = layers.length === 1 ? '1 layer' : `${layers.length} layers`;
  const left = shown.length < layers.length ? `; the ${shown.length} with most parameters are drawn` : '';
  return `What each of ${count} holds and computes before and after: together ${parameters} parameters and ${macs} multiply-accumulates${left}.`;
}

function largest(layers: readonly OutlineNode[]): readonly OutlineNode[] {
  if (layers.length <= MOST_LAYERS) return layers;
  const sorted = [...layers].sort((a, b) => b.before.parameters - a.before.parameters);
  const kept = new Set(sorted.slice(0, MOST_LAYERS));
  return layers.filter((layer) => kept.has(layer));
}

/**
 * Time per run of two models: medians with whiskers from the 10th to the 90th percentile, hollow where the difference may be chance.
 * @param names what both are called
 * @returns null where a median is not finite
 */
export async function latencyPairChart(
  latency: LatencyReport,
  names: readonly [string, string] = ['before', 'after'],
): Promise<Chart | null> {
  const { before, after, threads, batch, rounds } = latency;
  if (!Number.isFinite(before.median) || !Number.isFinite(after.median)) return null;
  const significant = after.speedUp?.significant ?? false;
  const speedUp = after.speedUp?.median ?? before.median / after.median;
  const cores = threads === 1 ? '1 thread' : `${threads} threads`;
  const title = `Latency ${names.join(' and ')}, ${cores}`;
  const verdict = significant ? '' : ', which may be chance';
  const summary = `A run takes ${formatMilliseconds(before.median)} (${names[0]}) and ${formatMilliseconds(after.median)} (${names[1]}), ${formatRatio(speedUp)} as fast${verdict} (medians of ${rounds} rounds, ${cores}, ${batch === 1 ? '1 sample' : `${batch} samples`} per run).`;
  const rows = [
    { name: names[0], row: 0, timing: before, color: 'var(--c1)', filled: true, symbol: 'circle' as const },
    { name: names[1], row: 1, timing: after, color: 'var(--c2)', filled: significant, symbol: 'square' as const },
  ];
  const { range, isCut } = whiskerRange([before.median, after.median], [before.p90, after.p90]);
  const { plot, draw } = await loadPlot();
  const height = 138;
  const width = 660;
  const marks = rows.flatMap(({ name, row, timing, color, filled, symbol }) => {
    const { median, p10, p90 } = timing;
    const said = `median ${formatMilliseconds(median)}, p10 ${formatMilliseconds(p10)}, p90 ${formatMilliseconds(p90)}, ${timing.runs} runs`;
    const note =
      row === 1 ? `${formatMilliseconds(median)}, ${formatRatio(speedUp)} as fast` : formatMilliseconds(median);
    return [
      plot.link([0], {
        x1: [p10],
        x2: [Math.min(p90, range[1])],
        y1: [row],
        y2: [row],
        stroke: color,
        strokeWidth: 3,
        strokeOpacity: 0.55,
      }),
      ...[p10, p90]
        .filter((x) => x <= range[1])
        .map((x) =>
          plot.link([0], { x1: [x], x2: [x], y1: [row - 0.17], y2: [row + 0.17], stroke: color, strokeWidth: 2 }),
        ),
      plot.dot([0], {
        x: [median],
        y: [row],
        symbol,
        r: 6,
        stroke: color,
        strokeWidth: 2,
        fill: filled ? color : 'var(--paper)',
        title: [`${name}: ${said}`],
      }),
      plot.text([0], { x: [Math.min(p90, range[1])], y: [row], text: [note], textAnchor: 'start', dx: 10 }),
      plot.text([0], { x: [0], y: [row], text: [name], textAnchor: 'end', dx: -10 }),
    ];
  });
  const { markup } = draw({
    width,
    height,
    marginTop: 14,
    marginBottom: 44,
    marginLeft: 70,
    marginRight: 170,
    x: { domain: range },
    y: { domain: [1.6, -0.6], axis: null },
    marks: [
      plot.gridX({ stroke: 'var(--grid)', strokeOpacity: 1 }),
      plot.axisX({
        color: 'var(--muted)',
        tickSize: 4,
        label: `ms per run: median, p10 to p90${isCut ? ' (cut at the right)' : ''}${significant ? '' : '; hollow where the change may be chance'}`,
        labelAnchor: 'center',
        labelOffset: 38,
        labelArrow: 'none',
      }),
      plot.ruleX([0], { stroke: 'var(--muted)' }),
      ...marks,
    ],
  });
  return {
    title,
    summary,
    svg: svgElement({ width, height, label: `${title}. ${summary}` }, markup),
    table: {
      columns: ['model', 'median', 'p10', 'p90', 'runs'],
      rows: rows.map(({ name, timing }) => [
        name,
        formatMilliseconds(timing.median),
        formatMilliseconds(timing.p10),
        formatMilliseconds(timing.p90),
        String(timing.runs),
      ]),
    },
  };
}
