import type { FusionReport } from '../../src/quantize/fusion.ts';
import type { FloatLayer, QuantizedLayer } from '../../src/quantize-model.ts';
import type { FloatSearch } from '../../src/quantize-within.ts';
import type { QuantizationReport } from '../../src/report/report.ts';
import { type Context, marked, paragraph, section } from './context.ts';
import { formatCount, formatInteger, formatPercent } from './format.ts';
import { byCount, folded, head, LONGEST_TABLE, listed } from './lists.ts';
import { type Cell, renderTable } from './table.ts';
import { layerName, printable } from './text.ts';

/** Reasons and nodes that lists show before they fold the rest. */
const MOST_REASONS = 8;

/** What runs on integers, layer by layer, and what the runtime makes of it; nothing where nothing was to. */
export function renderQuantization(context: Context, report: QuantizationReport | null): string[] {
  if (report === null || report.untouched !== null) return [];
  const { ink } = context;
  return [
    ...section(context, 'Integers', [
      ...table(context, report.layers),
      ...paragraph(context, how(report), '  ', ink.dim),
      ...searched(context, report.search),
    ]),
    ...(report.fusion === null ? [] : ['', ...renderFusion(context, report.fusion)]),
    ...(report.floats.length === 0 ? [] : ['', ...section(context, 'In float', floats(context, report.floats))]),
  ];
}

function table(context: Context, layers: readonly QuantizedLayer[]): string[] {
  if (layers.length === 0) return [];
  const { ink } = context;
  const shown = head(context, layers, LONGEST_TABLE);
  const rows = shown.map(({ initializer, node, how: kind, bits, after, energy, rounding }): Cell[] => [
    printable(layerName(initializer, node)),
    `${bits} bits`,
    { text: KINDS[kind], paint: ink.dim },
    after === null || energy === null || energy <= 0 ? '' : formatPercent(after / energy),
    { text: rounding === 'gptq' ? 'errors cancel' : 'nearest', paint: ink.dim },
  ]);
  return [
    ...renderTable(
      context,
      [
        { title: 'layer', flexible: true },
        { title: 'weights', align: 'right' },
        { title: 'runs on', optional: true },
        { title: 'output off', align: 'right' },
        { title: 'rounding', optional: true },
      ],
      rows,
    ),
    ...folded(context, layers.length, shown.length, 'layer'),
  ];
}

/** How a layer runs. */
const KINDS = { static: 'bytes', dynamic: 'bytes as they come', weights: 'floats' } as const;

function how({ activations, equalized, samples, opset, folded: merged, portable }: QuantizationReport): string {
  const parts = [
    ...(activations === null
      ? []
      : [
          `${formatCount(activations.values, 'activation')} as bytes with ${formatCount(activations.scales, 'scale')} (ranges: ${activations.ranges})`,
        ]),
    ...(equalized.length > 0
      ? [`channels of ${formatCount(equalized.length, 'activation')} scaled to like ranges, outputs unchanged`]
      : []),
    ...(samples > 0 ? [`from ${formatCount(samples, 'calibration sample')}`] : []),
    ...(portable ? ['sums hold on CPUs without int8 instructions'] : []),
    ...(merged > 0 ? [`${formatCount(merged, 'batch normalization')} taken into layers`] : []),
    ...(opset === null ? [] : [`operator set ${opset.from} → ${opset.to}`]),
  ];
  return parts.length === 0 ? 'nothing had to be measured' : parts.join('; ');
}

function searched(context: Context, search: FloatSearch | null): string[] {
  if (search === null) return [];
  const tries = search.tries
    .map(({ layers, drop }) => `${formatInteger(layers)}: ${(drop * 100).toFixed(2)}`)
    .join(', ');
  const result = search.found
    ? `${formatCount(search.layers.length, 'layer')} went back to float for --max-drop`
    : 'no number of layers in float keeps to --max-drop';
  return paragraph(context, `${result}; points lost by layers in float: ${tries}`, '  ', context.ink.dim);
}

/** What the runtime's own graph shows. */
export function renderFusion(context: Context, fusion: FusionReport): string[] {
  const { ink } = context;
  const { integer, float, conversions, layout, kernels, time } = fusion;
  const kinds = byCount(kernels).map(([name, count]) => `${formatInteger(count)} ${name}`);
  const nodes = `${formatCount(integer, 'node')} on integers, ${formatInteger(float)} in float, ${formatCount(conversions + layout, 'conversion')}`;
  const shares =
    time === null
      ? ''
      : `; of the time ${formatPercent(time.integer)} on integers, ${formatPercent(time.float)} in float, ${formatPercent(time.conversions + time.layout)} converting`;
  const shown = head(context, fusion.floats, MOST_REASONS);
  return section(context, 'What the runtime makes of it', [
    ...marked(context, integer > 0 ? ink.green('✓') : ink.yellow('!'), `${nodes}${shares}`),
    ...(kinds.length === 0 ? [] : paragraph(context, listed(context, kinds), '    ', ink.dim)),
    ...shown.flatMap(({ node, operator, reason, share }) =>
      marked(
        context,
        '·',
        `${printable(node)} (${printable(operator)}) runs in float${share === null ? '' : `, ${formatPercent(share)} of the time`}: ${printable(reason)}`,
        ink.dim,
      ),
    ),
    ...folded(context, fusion.floats.length, shown.length, 'node'),
  ]);
}

/** Layers that stay in float, by reason. */
function floats(context: Context, layers: readonly FloatLayer[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { node, reason } of layers) byReason.set(reason, [...(byReason.get(reason) ?? []), node]);
  const shown = head(context, [...byReason], MOST_REASONS);
  return [
    ...shown.flatMap(([reason, nodes]) =>
      marked(context, '·', `because ${printable(reason)}: ${listed(context, nodes)}`),
    ),
    ...folded(context, byReason.size, shown.length, 'reason'),
  ];
}
