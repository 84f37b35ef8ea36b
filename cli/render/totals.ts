import type { ModelSize } from '../../src/report/report.ts';
import { type Context, paragraph } from './context.ts';
import { formatAmount, formatBytes, formatChange, formatCount, formatInteger, formatRatio } from './format.ts';
import { type Cell, renderTable } from './table.ts';

/** Sizes before and after. */
export function renderTotals(context: Context, before: ModelSize, after: ModelSize): string[] {
  const { ink, verbose } = context;
  const row = (name: string, from: number, to: number, show: (value: number) => string): Cell[] => {
    const paint = to < from ? ink.green : to > from ? ink.yellow : ink.dim;
    return [
      name,
      show(from),
      { text: show(to), paint: ink.bold },
      { text: formatChange(from, to) ?? '', paint },
      to > 0 && to < from ? formatRatio(from / to) : '',
    ];
  };
  const rows = [
    row('parameters', before.parameters, after.parameters, formatAmount),
    ...(isSparse(after) || isSparse(before) || verbose
      ? [row('non-zero', before.nonZeros, after.nonZeros, formatAmount)]
      : []),
    row('MACs', before.macs, after.macs, formatAmount),
    ...(verbose ? [row('nodes', before.nodes, after.nodes, formatInteger)] : []),
    row('file', before.fileBytes, after.fileBytes, formatBytes),
    ...(before.gzipBytes === null || after.gzipBytes === null
      ? []
      : [row('gzip', before.gzipBytes, after.gzipBytes, formatBytes)]),
  ];
  const columns = [
    { title: '' },
    { title: 'before', align: 'right' },
    { title: 'after', align: 'right' },
    { title: 'change', align: 'right' },
    { title: 'smaller', align: 'right', optional: true },
  ] as const;
  return [
    ...renderTable(context, columns, rows),
    ...paragraph(context, `MACs are those of one sample; ${BYTES_NOTE}.`, '  ', ink.dim),
    ...macsGap(context, Math.max(before.macsUnknown, after.macsUnknown)),
  ];
}

/** Whether so many parameters are zero that it is worth a word. */
function isSparse({ parameters, nonZeros }: ModelSize): boolean {
  return nonZeros < parameters * 0.99;
}

/** Says which bytes are meant. */
export const BYTES_NOTE = '1 MB = 1,000,000 bytes';

/** Says how many nodes the MACs leave out. */
export function macsGap(context: Context, nodes: number): string[] {
  if (nodes === 0) return [];
  const text = `MACs leave out ${formatCount(nodes, 'node')} of unknown size.`;
  return paragraph(context, text, '  ', context.ink.yellow);
}
