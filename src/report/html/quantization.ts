import type { FusionReport } from '../../quantize/fusion.ts';
import { formatCount, formatInteger, formatPercent, formatPoints } from '../format.ts';
import type { QuantizationReport } from '../report.ts';
import { callout, mark, name, names, part, points } from './section.ts';
import { figure, table } from './table.ts';
import { type Html, html } from './template.ts';

/** What runs on integers, what stays in float and why, and what the runtime makes of it; nothing where nothing was to be. */
export function quantizationParts(report: QuantizationReport | null): Html | null {
  if (report === null) return null;
  if (report.untouched !== null) return callout('warn', html`Left as it is: ${report.untouched}`);
  const { layers, floats, activations, equalized, samples, portable, overflowing, folded, opset, search, fusion } =
    report;
  return html`${points([
    ...(samples > 0 ? [`measured on ${formatCount(samples, 'calibration sample')}`] : []),
    ...(activations === null
      ? []
      : [
          `${formatCount(activations.values, 'activation')} with ${formatCount(activations.scales, 'scale')}, ranges by ${activations.ranges}`,
        ]),
    ...(equalized.length > 0
      ? [`channels of ${formatCount(equalized.length, 'activation')} scaled to like ranges, outputs unchanged`]
      : []),
    ...(folded > 0 ? [`${formatCount(folded, 'node')} folded into layers`] : []),
    ...(portable ? ['sums hold on CPUs without int8 instructions, too'] : []),
    ...(overflowing > 0
      ? [
          html`${mark('warn', 'sums may overflow')} on CPUs without int8 instructions, in ${formatCount(overflowing, 'layer')}`,
        ]
      : []),
    ...(opset === null ? [] : [`operator set ${opset.from} → ${opset.to}`]),
    ...(search === null
      ? []
      : [
          `${search.found ? `${formatCount(search.layers.length, 'layer')} went back to float32 for --max-drop` : 'no number of layers in float32 keeps to --max-drop'}; tried: ${search.tries.map(({ layers: count, drop }) => `${count} in float32 (${formatPoints(-drop)})`).join(', ')}`,
        ]),
  ])}${table({
    caption: 'Layers whose weights are integers',
    noun: 'layer',
    columns: [
      { title: 'Layer' },
      { title: 'Weights', as: 'number' },
      { title: 'Bits', as: 'number' },
      { title: 'Activations' },
      { title: 'Output error', as: 'number' },
      { title: 'Rounding' },
    ],
    rows: layers.map(({ node, bits, how, weights, after, energy, rounding }) => [
      name(node),
      figure(weights, formatInteger),
      figure(bits, String),
      how === 'weights' ? 'float32' : how,
      figure(after === null || energy === null || energy <= 0 ? null : after / energy, formatPercent),
      rounding === 'gptq' ? 'GPTQ' : 'nearest',
    ]),
  })}${part('What stays in float32, and why', points([...byReason(floats)].map(([reason, nodes]) => html`because ${reason}: ${names(nodes)}`)))}${
    fusion !== null &&
    part('What onnxruntime makes of it', fusionParts(fusion, new Set(floats.map(({ node }) => node))))
  }`;
}

function fusionParts(
  { integer, float, conversions, layout, kernels, floats, overruled, time }: FusionReport,
  meant: ReadonlySet<string>,
): Html {
  const missed = floats.filter(({ node }) => !meant.has(node));
  const isRight = integer > 0 && missed.length === 0 && overruled.length === 0;
  const share = (value: number | undefined): string => (value === undefined ? '–' : formatPercent(value));
  return html`<p>${isRight ? mark('good', 'All of it runs on integers') : mark('warn', 'Not all of it runs on integers')}</p>${table(
    {
      caption: 'Nodes of the graph that onnxruntime runs',
      noun: 'kind',
      columns: [{ title: 'Kind' }, { title: 'Nodes', as: 'number' }, { title: 'Part of the time', as: 'number' }],
      rows: [
        ['on int8', figure(integer, formatInteger), share(time?.integer)],
        ['in float32', figure(float, formatInteger), share(time?.float)],
        ['converting between them', figure(conversions, formatInteger), share(time?.conversions)],
        ['rearranging', figure(layout, formatInteger), share(time?.layout)],
      ],
    },
  )}${points([
    ...(Object.keys(kernels).length > 0
      ? [
          `int8 kernels: ${Object.entries(kernels)
            .map(([kernel, count]) => `${formatInteger(count)} ${kernel}`)
            .join(', ')}`,
        ]
      : []),
    ...missed.map(
      ({ node, operator, reason, share: taken }) =>
        html`${name(node)} (${operator}) runs in float32${taken !== null && `, ${formatPercent(taken)} of the time`}: ${reason}`,
    ),
    ...(overruled.length > 0 ? [html`run on int8 though meant to stay in float32: ${names(overruled)}`] : []),
  ])}`;
}

function byReason(floats: QuantizationReport['floats']): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { node, reason } of floats) groups.set(reason, [...(groups.get(reason) ?? []), node]);
  return groups;
}
