import type { OneShotReport, SparseLayer } from '../../src/recover/one-shot.ts';
import type { PruneWeightsReport } from '../../src/transforms/prune-weights.ts';
import { type Context, marked, paragraph, section } from './context.ts';
import { formatAmount, formatCount, formatInteger, formatPercent } from './format.ts';
import { folded, head, LONGEST_TABLE, listed } from './lists.ts';
import { type Cell, type Column, renderTable } from './table.ts';
import { layerName, printable } from './text.ts';

/** Sparsity layer by layer; nothing where no weights were to become zero. */
export function renderWeights(context: Context, report: PruneWeightsReport | null): string[] {
  if (report === null) return [];
  const { ink } = context;
  const shown = head(context, report.layers, LONGEST_TABLE);
  const { oneShot } = report;
  const solved = new Map(oneShot?.layers.map((layer) => [layer.initializer, layer] as const));
  const rows = shown.map(({ initializer, nodes, dims, weights, zerosBefore, zerosAfter, sparsity }): Cell[] => [
    printable(layerName(initializer, nodes[0])),
    { text: dims.join('×'), paint: ink.dim },
    formatAmount(weights),
    zerosBefore === 0 ? '' : { text: formatPercent(zerosBefore / weights), paint: ink.dim },
    { text: formatPercent(sparsity), paint: zerosAfter > zerosBefore ? ink.green : ink.yellow },
    ...(oneShot === undefined ? [] : chosenBy(context, solved.get(initializer))),
  ]);
  const columns: readonly Column[] = [
    { title: 'tensor', flexible: true },
    { title: 'shape', align: 'right', optional: true },
    { title: 'weights', align: 'right' },
    { title: 'zero before', align: 'right', optional: true },
    { title: 'zero', align: 'right' },
    ...(oneShot === undefined ? [] : CHOICE),
  ];
  const steps = report.steps ?? [];
  const total = `${formatInteger(report.zeros)} of ${formatInteger(report.weights)} weights are zero: ${formatPercent(report.sparsity)}`;
  return section(context, 'Weights', [
    ...(rows.length === 0 ? [] : renderTable(context, columns, rows)),
    ...folded(context, report.layers.length, shown.length, 'tensor'),
    ...paragraph(context, total, '  ', ink.dim),
    ...(steps.length === 0
      ? []
      : paragraph(
          context,
          `in ${formatInteger(steps.length)} steps: ${steps.map(formatPercent).join(', ')}`,
          '  ',
          ink.dim,
        )),
    ...(oneShot === undefined ? [] : choices(context, oneShot)),
  ]);
}

const CHOICE: readonly Column[] = [
  { title: 'output off', align: 'right' },
  { title: 'chosen by', optional: true },
];

/** How far a layer's output is off, and the method that gave its zeros. */
function chosenBy({ ink }: Context, layer: SparseLayer | undefined): Cell[] {
  if (layer === undefined) return ['', { text: 'magnitude', paint: ink.dim }];
  return [
    layer.energy > 0 ? formatPercent(layer.after / layer.energy) : '',
    { text: METHODS[layer.method], paint: ink.dim },
  ];
}

const METHODS = { magnitude: 'magnitude, refitted', wanda: 'Wanda', sparsegpt: 'SparseGPT', alps: 'ALPS' } as const;

/** Says what the figures mean, and which weights nothing took over for. */
function choices(context: Context, { method, samples, byMagnitude }: OneShotReport): string[] {
  const how = method === 'best' ? 'by whichever method was best for each layer' : `by ${METHODS[method]}`;
  const lines = paragraph(
    context,
    `zeros chosen ${how}, and the weights that stay made to take over, on ${formatCount(samples, 'calibration sample')}; how far outputs are off is relative to how they vary`,
    '  ',
    context.ink.dim,
  );
  return [
    ...lines,
    ...[...grouped(byMagnitude)].flatMap(([reason, names]) =>
      marked(
        context,
        context.ink.yellow('!'),
        `by magnitude alone because ${printable(reason)}: ${listed(context, names)}`,
      ),
    ),
  ];
}

/** Initializers by the reason that they share. */
function grouped(byMagnitude: OneShotReport['byMagnitude']): Map<string, string[]> {
  const byReason = new Map<string, string[]>();
  for (const { initializer, reason } of byMagnitude)
    byReason.set(reason, [...(byReason.get(reason) ?? []), initializer]);
  return byReason;
}

/** Tensors that were left as they are, by reason. */
export function renderKeptWeights(context: Context, report: PruneWeightsReport | null): string[] {
  const kept = report?.kept ?? [];
  const lines = kept.flatMap(({ reason, layers }) => {
    const names = layers.map(({ initializer, node }) => layerName(initializer, node));
    const why = reason.startsWith('--') ? `by ${reason}` : `because ${reason}`;
    return marked(context, '·', `left as they are ${printable(why)}: ${listed(context, names)}`);
  });
  return section(context, 'Weights not touched', lines);
}
