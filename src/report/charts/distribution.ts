import type { LayerDistribution } from '../distribution.ts';
import { formatPercent } from '../format.ts';
import type { Chart } from './chart.ts';
import { drawGrid, type GridStyle, type SmallPanel } from './grid-panels.ts';
import { tipName } from './names.ts';
import { countText, numberText } from './number-text.ts';
import { loadPlot } from './plot.ts';
import { svgElement } from './svg.ts';

/** More panels than these nobody compares. */
const MOST_LAYERS = 24;

/** One of the views of all layers. */
interface View {
  readonly title: string;
  readonly says: string;
  readonly style: GridStyle;
  readonly note: (layer: LayerDistribution) => string;
  readonly points: (layer: LayerDistribution) => (readonly [number, number])[];
  readonly columns: readonly string[];
  readonly cells: (layer: LayerDistribution) => readonly string[];
}

const VIEWS: readonly View[] = [
  {
    title: 'How large the weights are',
    says: 'How many weights of each layer have which magnitude, zeros left out; where most are near 0, much can go',
    style: {
      form: 'bars',
      color: 'var(--c1)',
      diagonal: false,
      xLabel: "|weight|, from 0 to the layer's largest",
      yLabel: "weights, up to the layer's fullest bin",
    },
    note: ({ magnitudes, weights }) => `${countText(weights)} weights, up to ${numberText(magnitudes.most)}`,
    points: ({ magnitudes: { counts } }) => {
      const fullest = Math.max(1, ...counts);
      return counts.map((count, bin) => [bin / counts.length, count / fullest]);
    },
    columns: ['weights', 'zeros', 'largest |weight|'],
    cells: ({ weights, zeros, magnitudes }) => [String(weights), String(zeros), numberText(magnitudes.most)],
  },
  {
    title: 'How strong the channels are',
    says: 'L2 norms of the output channels of each layer, strongest first; where they fall off, channels can go',
    style: {
      form: 'area',
      color: 'var(--c3)',
      diagonal: false,
      xLabel: 'channels, strongest first',
      yLabel: "L2 norm, up to the layer's largest",
    },
    note: ({ channels, norms }) =>
      `${countText(channels)} channels, ${numberText(norms.at(-1) ?? 0)} to ${numberText(norms[0] ?? 0)}`,
    points: ({ norms }) => {
      const largest = norms[0] || 1;
      return norms.map((norm, k) => [norms.length < 2 ? 0 : k / (norms.length - 1), norm / largest]);
    },
    columns: ['channels', 'largest norm', 'smallest norm'],
    cells: ({ channels, norms }) => [String(channels), numberText(norms[0] ?? 0), numberText(norms.at(-1) ?? 0)],
  },
  {
    title: 'How the largest weights are spread over channels',
    says: 'What share of the top 10% of weights the channels that hold most of them have; far above the dashed line, few channels hold most and the others can go',
    style: {
      form: 'area',
      color: 'var(--c4)',
      diagonal: true,
      xLabel: 'share of channels, fullest first',
      yLabel: 'share of the top 10% of weights',
    },
    note: ({ topGini }) => `Gini coefficient ${topGini.toFixed(2)}`,
    points: ({ topShare }) => topShare.map((share, k) => [k / Math.max(1, topShare.length - 1), share]),
    columns: ['Gini coefficient', 'share that half of the channels hold'],
    cells: ({ topGini, topShare }) => [
      topGini.toFixed(2),
      formatPercent(topShare[Math.floor((topShare.length - 1) / 2)] ?? 0),
    ],
  },
];

/**
 * How the weights of layers are distributed, as small multiples: magnitudes, norms of channels, and how evenly the largest weights
 * are spread over channels. Of more than 24 layers the largest are drawn, in the order of the graph; the tables have all.
 * @returns three charts; none where there are no layers
 */
export async function distributionCharts(distributions: readonly LayerDistribution[]): Promise<readonly Chart[]> {
  if (distributions.length === 0) return [];
  const kit = await loadPlot();
  const shown = largest(distributions);
  const left =
    shown.length < distributions.length
      ? `; of ${distributions.length} layers the ${shown.length} with most weights are drawn`
      : '';
  return VIEWS.map((view): Chart => {
    const panels = shown.map((layer): SmallPanel => {
      const note = view.note(layer);
      return {
        name: layer.node,
        note,
        title: `${tipName(layer.node)} (${tipName(layer.initializer)}): ${note}`,
        points: view.points(layer),
      };
    });
    const { markup, width, height } = drawGrid(kit, panels, view.style);
    const summary = `${view.says}${left}.`;
    return {
      title: view.title,
      summary,
      svg: svgElement({ width, height, label: `${view.title}. ${summary}` }, markup),
      table: {
        columns: ['layer', 'initializer', ...view.columns],
        words: ['initializer'],
        rows: distributions.map((layer) => [layer.node, layer.initializer, ...view.cells(layer)]),
      },
    };
  });
}

function largest(distributions: readonly LayerDistribution[]): readonly LayerDistribution[] {
  if (distributions.length <= MOST_LAYERS) return distributions;
  const kept = new Set([...distributions].sort((a, b) => b.weights - a.weights).slice(0, MOST_LAYERS));
  return distributions.filter((layer) => kept.has(layer));
}
