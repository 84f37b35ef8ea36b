import type { RecoveryReport } from '../../channel-rounds.ts';
import type { PruneWeightsReport } from '../../transforms/prune-weights.ts';
import { formatAmount, formatBytes, formatCount, formatError, formatInteger, formatPercent } from '../format.ts';
import type { StorageReport } from '../report.ts';
import { name, names, points } from './section.ts';
import { type Cell, change, figure, table } from './table.ts';
import { type Html, html } from './template.ts';

/** What the layers behind removed channels made up for; nothing where nothing was to be. */
export function recoveryParts(recovery: RecoveryReport | null): Html | null {
  if (recovery === null) return null;
  const { kind, samples, rounds, layers } = recovery;
  const remarks = layers.map(({ by, reason, extra }) =>
    [
      ...(by === 'patches' ? [] : [by === 'channels' ? 'channels mixed' : 'bias only']),
      ...(reason === null ? [] : [reason]),
      ...(extra > 0 ? ['more damping than usual, since what is read repeats itself'] : []),
    ].join('; '),
  );
  const isRemarked = remarks.some((remark) => remark !== '');
  const how = kind === 'bias' ? 'biases' : 'weights and biases, by least squares';
  return html`<p>Made up for by ${how}, on ${formatCount(samples, 'calibration sample')}${rounds > 1 && `, in each of ${formatCount(rounds, 'round')}`}. Errors are how far a layer’s output is from the original’s, relative to how that varies.</p>${table(
    {
      caption: 'Layers behind what left',
      noun: 'layer',
      columns: [
        { title: 'Layer' },
        { title: 'Error before', as: 'number' },
        { title: 'Error after', as: 'number' },
        ...(isRemarked ? [{ title: 'Remarks', as: 'words' } as const] : []),
      ],
      rows: layers.map(({ node, before, after, energy }, index) => [
        name(node),
        relative(before, energy),
        after === null ? '–' : relative(after, energy),
        ...(isRemarked ? [remarks[index]] : []),
      ]),
    },
  )}`;
}

/** Single weights that became zero; nothing where none were to. */
export function weightsParts(report: PruneWeightsReport | null): Html | null {
  if (report === null) return null;
  const { zeros, weights, sparsity, layers, kept, oneShot, criterion, steps = [] } = report;
  const solved = new Map(oneShot?.layers.map((layer) => [layer.initializer, layer] as const));
  const off = ({ initializer }: { readonly initializer: string }): readonly Cell[] => {
    const layer = solved.get(initializer);
    return layer === undefined ? ['–', 'magnitude'] : [relative(layer.after, layer.energy), layer.method];
  };
  return html`<p>${formatInteger(zeros)} of ${formatInteger(weights)} weights are zero: <strong>${formatPercent(sparsity)}</strong>, ranked by ${name(criterion)}${steps.length > 0 && `, in ${steps.length} steps`}${oneShot !== undefined && `; those that stay take over, on ${formatCount(oneShot.samples, 'calibration sample')}`}.</p>${table(
    {
      caption: 'Sparsity by tensor',
      noun: 'tensor',
      columns: [
        { title: 'Tensor' },
        { title: 'Shape' },
        { title: 'Weights', as: 'number' },
        { title: 'Zero', as: 'number' },
        ...(oneShot === undefined ? [] : ([{ title: 'Output error', as: 'number' }, { title: 'Chosen by' }] as const)),
      ],
      rows: layers.map((layer) => [
        name(layer.initializer),
        layer.dims.join('×'),
        figure(layer.weights, formatAmount),
        change(layer.weights === 0 ? 0 : layer.zerosBefore / layer.weights, layer.sparsity, formatPercent),
        ...(oneShot === undefined ? [] : off(layer)),
      ]),
    },
  )}${points([
    ...kept.map(
      ({ reason, layers: whole }) =>
        html`left as they are ${reason.startsWith('--') ? 'by' : 'because'} ${reason}: ${names(whole.map(({ initializer }) => initializer))}`,
    ),
    ...(oneShot?.byMagnitude ?? []).map(
      ({ initializer, reason }) => html`${name(initializer)}: by magnitude alone because ${reason}`,
    ),
  ])}`;
}

/** How the result is stored, where that is not as usual. */
export function storageParts({ storedTwice, half, sparseTensors, gzip }: StorageReport): Html | null {
  return points([
    ...(storedTwice.tensors > 0
      ? [
          `${formatCount(storedTwice.tensors, 'tensor')} equal to another, not stored again: ${formatBytes(storedTwice.bytes)} less`,
        ]
      : []),
    ...(half === null
      ? []
      : [
          `${formatCount(half.stored.length, 'tensor')} stored as float16: ${formatBytes(half.bytesSaved)} less; rounding takes at most ${formatError(half.largestError)} of a tensor’s norm`,
        ]),
    ...(half?.kept ?? []).map(({ initializer, reason }) => html`${name(initializer)} is still float32: ${reason}`),
    ...(sparseTensors === null ? [] : [`${formatCount(sparseTensors, 'tensor')} stored as sparse initializers`]),
    ...(gzip ? ['The file is compressed; onnxruntime needs it unpacked'] : []),
  ]);
}

/** An error relative to how an output varies; a dash where it does not vary. */
function relative(error: number, energy: number): Cell {
  return figure(energy > 0 ? error / energy : null, formatPercent);
}
