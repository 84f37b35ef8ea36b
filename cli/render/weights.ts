import type { PruneWeightsReport } from '../../src/transforms/prune-weights.ts';
import { type Context, marked, paragraph, section } from './context.ts';
import { formatAmount, formatInteger, formatPercent } from './format.ts';
import { folded, head, LONGEST_TABLE, listed } from './lists.ts';
import { type Cell, renderTable } from './table.ts';
import { layerName, printable } from './text.ts';

/** Sparsity layer by layer; nothing where no weights were to become zero. */
export function renderWeights(context: Context, report: PruneWeightsReport | null): string[] {
  if (report === null) return [];
  const { ink } = context;
  const shown = head(context, report.layers, LONGEST_TABLE);
  const rows = shown.map(({ initializer, nodes, dims, weights, zerosBefore, zerosAfter, sparsity }): Cell[] => [
    printable(layerName(initializer, nodes[0])),
    { text: dims.join('×'), paint: ink.dim },
    formatAmount(weights),
    zerosBefore === 0 ? '' : { text: formatPercent(zerosBefore / weights), paint: ink.dim },
    { text: formatPercent(sparsity), paint: zerosAfter > zerosBefore ? ink.green : ink.yellow },
  ]);
  const columns = [
    { title: 'tensor', flexible: true },
    { title: 'shape', align: 'right', optional: true },
    { title: 'weights', align: 'right' },
    { title: 'zero before', align: 'right', optional: true },
    { title: 'zero', align: 'right' },
  ] as const;
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
  ]);
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
