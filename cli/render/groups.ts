import type { GroupReport } from '../../src/transforms/describe-groups.ts';
import { type Context, paragraph } from './context.ts';
import { formatInteger, formatPercent } from './format.ts';
import { folded, head, LONGEST_TABLE } from './lists.ts';
import { type Cell, type Column, renderTable } from './table.ts';
import { layerName, printable } from './text.ts';

/** A table of pruned groups; columns that have nothing to say are left out. */
export function renderGroups(context: Context, groups: readonly GroupReport[]): string[] {
  if (groups.length === 0) return [];
  const shown = head(context, groups, LONGEST_TABLE);
  const aligned = shown.some(({ asked, after }) => asked !== after);
  const tied = shown.some(({ unit }) => unit > 1);
  const columns: Column[] = [
    { title: 'layer', flexible: true },
    { title: 'channels', align: 'right' },
    ...(aligned ? [{ title: 'asked', align: 'right', optional: true } as const] : []),
    { title: 'removed', align: 'right' },
    ...(tied ? [{ title: 'unit', align: 'right', optional: true } as const] : []),
    { title: 'readers', align: 'right', optional: true },
  ];
  const digits = Math.max(...shown.map(({ after }) => formatInteger(after).length));
  const rows = shown.map((group): Cell[] => {
    const { before, after, asked, unit } = group;
    const removed = before === 0 ? 0 : (before - after) / before;
    return [
      printable(layerName(group.name, group.producers[0])),
      `${formatInteger(before)} → ${formatInteger(after).padStart(digits)}`,
      ...(aligned ? [asked === after ? '' : { text: formatInteger(asked), paint: context.ink.dim }] : []),
      { text: formatPercent(removed), paint: after < before ? context.ink.green : context.ink.yellow },
      ...(tied ? [unit > 1 ? formatInteger(unit) : ''] : []),
      formatInteger(group.consumers.length),
    ];
  });
  const legend = [
    ...(aligned ? ['asked: channels to keep before alignment'] : []),
    ...(tied ? ['unit: channels that leave together'] : []),
    'readers: layers that sum over them',
  ];
  return [
    ...renderTable(context, columns, rows),
    ...folded(context, groups.length, shown.length, 'group'),
    ...paragraph(context, legend.join('; '), '  ', context.ink.dim),
  ];
}
