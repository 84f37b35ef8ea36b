import type { CompareReport } from '../../src/report/report.ts';
import type { Footprint } from '../../src/runtime/index.ts';
import { type Context, paragraph, section } from './context.ts';
import { formatBytes, formatCount, formatMilliseconds } from './format.ts';
import { type Cell, renderTable } from './table.ts';

/** What each of two models takes by itself, in a process of its own. */
export function renderFootprints(context: Context, { a, b }: CompareReport): string[] {
  if (a.footprint === null || b.footprint === null) return [];
  const row = (name: string, { peakBytes, baseBytes, loadMs }: Footprint): Cell[] => [
    name,
    { text: formatBytes(peakBytes), paint: context.ink.bold },
    formatBytes(Math.max(0, peakBytes - baseBytes)),
    formatMilliseconds(loadMs),
  ];
  const columns = [
    { title: '' },
    { title: 'peak memory', align: 'right' },
    { title: 'of it the model', align: 'right' },
    { title: 'load', align: 'right' },
  ] as const;
  return section(context, 'Memory and loading', [
    ...renderTable(context, columns, [row('A', a.footprint), row('B', b.footprint)]),
    ...paragraph(
      context,
      `each in a process of its own; load: median of ${formatCount(a.footprint.loads, 'load')}`,
      '  ',
      context.ink.dim,
    ),
  ]);
}
