import type { LatencyReport } from '../../src/report/report.ts';
import type { ModelTiming, SpeedUp } from '../../src/runtime/index.ts';
import { type Context, marked, paragraph, section } from './context.ts';
import { formatCount, formatMillisecondSpan, formatMilliseconds, formatRatio } from './format.ts';
import { type Cell, renderTable } from './table.ts';

/** How fast both models run, and whether the difference means anything. */
export function renderLatency(
  context: Context,
  latency: LatencyReport | null,
  names: readonly [string, string] = ['before', 'after'],
): string[] {
  if (latency === null) return [];
  const { before, after, threads, batch, rounds } = latency;
  const row = (name: string, { median, p10, p90, loadMs }: ModelTiming): Cell[] => [
    name,
    { text: formatMilliseconds(median), paint: context.ink.bold },
    formatMillisecondSpan(p10, p90),
    formatMilliseconds(loadMs),
  ];
  const columns = [
    { title: '' },
    { title: 'median', align: 'right' },
    { title: 'p10–p90', align: 'right' },
    { title: 'load', align: 'right', optional: true },
  ] as const;
  const conditions = `${formatCount(threads, 'thread')}, batch of ${batch}, ${formatCount(rounds, 'round')}`;
  return section(context, 'Latency', [
    ...renderTable(context, columns, [row(names[0], before), row(names[1], after)]),
    ...(after.speedUp === undefined ? [] : verdict(context, after.speedUp)),
    ...paragraph(context, conditions, '  ', context.ink.dim),
  ]);
}

function verdict(context: Context, { median, p25, p75, significant }: SpeedUp): string[] {
  const { ink } = context;
  const ratio = formatRatio(median);
  const spread = `interquartile range ${formatRatio(p25)}–${formatRatio(p75)}`;
  if (!significant) return marked(context, '·', `no significant change: ${ratio} the speed, ${spread}`);
  if (median < 1) return marked(context, ink.red('✗'), `${ink.red(`slower: ${ratio} the speed`)}, ${spread}`);
  return marked(context, ink.green('✓'), `${ink.green(`${ratio} as fast`)}, ${spread}`);
}
