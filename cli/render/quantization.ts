import type { FusionReport } from '../../src/quantize/fusion.ts';
import type { FloatLayer, QuantizedLayer } from '../../src/quantize-report.ts';
import type { FloatSearch } from '../../src/quantize-within.ts';
import type { QuantizationReport } from '../../src/report/report.ts';
import { type Context, marked, paragraph, section } from './context.ts';
import { formatCount, formatInteger, formatPercent } from './format.ts';
import { renderFusion } from './fusion.ts';
import { folded, head, LONGEST_TABLE, listed } from './lists.ts';
import { type Cell, type Column, renderTable } from './table.ts';
import { layerName, printable } from './text.ts';

/** Reasons that a list shows before it folds the rest. */
const MOST_REASONS = 8;

/** What is quantized, layer by layer, what stays in float32, and what onnxruntime makes of it; nothing where nothing was to be. */
export function renderQuantization(context: Context, report: QuantizationReport | null): string[] {
  if (report === null || report.untouched !== null) return [];
  const { layers, floats, fusion } = report;
  const blocks = [
    section(context, 'Quantized', [
      ...table(context, layers),
      ...legend(report).flatMap((text) => paragraph(context, text, '  ', context.ink.dim)),
      ...searched(context, report.search),
    ]),
    section(context, 'In float32', renderFloats(context, floats, fusion)),
    fusion === null || layers.length === 0 ? [] : renderFusion(context, fusion, floats),
  ].filter((lines) => lines.length > 0);
  return blocks.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}

function table(context: Context, layers: readonly QuantizedLayer[]): string[] {
  if (layers.length === 0) return [];
  const { ink } = context;
  const shown = head(context, layers, LONGEST_TABLE);
  const isMeasured = layers.some((layer) => errorOf(layer) !== undefined);
  const rows = shown.map((layer): Cell[] => [
    printable(layerName(layer.initializer, layer.node)),
    `int${layer.bits}`,
    { text: layer.how === 'weights' ? 'float32' : layer.how, paint: ink.dim },
    ...(isMeasured ? [errorOf(layer) ?? ''] : []),
    { text: layer.rounding === 'gptq' ? 'GPTQ' : 'nearest', paint: ink.dim },
  ]);
  const columns: readonly Column[] = [
    { title: 'layer', flexible: true },
    { title: 'weights' },
    { title: 'activations' },
    ...(isMeasured ? [{ title: 'error', align: 'right' } as const] : []),
    { title: 'rounding', optional: true },
  ];
  return [...renderTable(context, columns, rows), ...folded(context, layers.length, shown.length, 'layer')];
}

/** How far a layer's output is off, relative to how it varies; undefined where nobody measured it. */
function errorOf({ after, energy }: QuantizedLayer): string | undefined {
  return after === null || energy === null || energy <= 0 ? undefined : formatPercent(after / energy);
}

/** What activations are in each way to run. */
const WAYS = {
  static: 'static: int8, with ranges from calibration data',
  dynamic: 'dynamic: int8, with ranges found in each run',
  weights: 'float32: only weights are stored as integers',
} as const;

/** What the columns mean, and what was done besides. */
function legend(report: QuantizationReport): string[] {
  const { layers, activations, equalized, samples, opset, folded: merged, portable } = report;
  const ways = [...new Set(layers.map((layer) => layer.how))].map((way) => WAYS[way]);
  const errors = layers.some((layer) => errorOf(layer) !== undefined)
    ? [`error: of the layer's output, relative to how it varies, on ${formatCount(samples, 'calibration sample')}`]
    : [];
  const steps = [
    ...(activations === null
      ? []
      : [
          `${formatCount(activations.values, 'activation')} with ${formatCount(activations.scales, 'scale')} (ranges: ${activations.ranges})`,
        ]),
    ...(equalized.length > 0
      ? [`channels of ${formatCount(equalized.length, 'activation')} scaled to like ranges, outputs unchanged`]
      : []),
    ...(portable ? ['sums hold on CPUs without int8 instructions, too'] : []),
    ...(merged > 0 ? [`${formatCount(merged, 'node')} (batch normalization, constants) folded into layers`] : []),
    ...(opset === null ? [] : [`opset ${opset.from} → ${opset.to}`]),
  ];
  return [[...ways, ...errors].join('; '), steps.join('; ')].filter((line) => line !== '');
}

function searched(context: Context, search: FloatSearch | null): string[] {
  if (search === null) return [];
  const tries = search.tries
    .map(({ layers, drop }) => `${formatInteger(layers)}: ${(drop * 100).toFixed(2)}`)
    .join(', ');
  const result = search.found
    ? `${formatCount(search.layers.length, 'layer')} went back to float32 for --max-drop`
    : 'no number of layers in float32 keeps to --max-drop';
  return paragraph(context, `${result}; points lost by layers in float32: ${tries}`, '  ', context.ink.dim);
}

/** Layers that stay in float32, by reason, with the time that they take. */
function renderFloats(context: Context, layers: readonly FloatLayer[], fusion: FusionReport | null): string[] {
  const shares = new Map(fusion?.floats.map(({ node, share }) => [node, share ?? 0] as const));
  const byReason = new Map<string, string[]>();
  for (const { node, reason } of layers) byReason.set(reason, [...(byReason.get(reason) ?? []), node]);
  const shown = head(context, [...byReason], MOST_REASONS);
  return [
    ...shown.flatMap(([reason, nodes]) => {
      const share = nodes.reduce((sum, node) => sum + (shares.get(node) ?? 0), 0);
      const time = share > 0 ? `${formatPercent(share)} of the time, ` : '';
      return marked(context, '·', `${time}because ${printable(reason)}: ${listed(context, nodes)}`);
    }),
    ...folded(context, byReason.size, shown.length, 'reason'),
  ];
}
