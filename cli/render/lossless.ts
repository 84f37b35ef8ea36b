import type { Report } from '../../src/report/report.ts';
import type { RedundantGroup } from '../../src/transforms/describe-redundant.ts';
import type { RemoveRedundantReport } from '../../src/transforms/remove-redundant.ts';
import { type Context, paragraph, section } from './context.ts';
import { formatBytes, formatCount, formatInteger } from './format.ts';
import { folded, head, LONGEST_TABLE, listed } from './lists.ts';
import { type Cell, renderTable } from './table.ts';
import { layerName, printable } from './text.ts';

/** What left without changing the outputs, layer by layer with the reasons; nothing where nothing did. */
export function renderRedundant(context: Context, report: RemoveRedundantReport | null, title: string): string[] {
  if (report === null) return [];
  const changed = report.groups.filter(({ removed }) => removed.length > 0);
  const shown = head(context, changed, LONGEST_TABLE);
  const rows = shown.map((group): Cell[] => [
    printable(layerName(group.name, undefined)),
    `${formatInteger(group.before)} → ${formatInteger(group.after)}`,
    reasonsOf(group),
  ]);
  const columns = [
    { title: 'layer', flexible: true },
    { title: 'channels', align: 'right' },
    { title: 'why', flexible: true },
  ] as const;
  const { ink } = context;
  const slow = report.groups.filter(({ keptForSpeed }) => keptForSpeed > 0);
  const kept = slow.reduce((sum, { keptForSpeed }) => sum + keptForSpeed, 0);
  const remarks = [
    ...(kept === 0
      ? []
      : [
          `${formatCount(kept, 'more channel')} could leave ${listed(
            context,
            slow.map(({ name }) => name),
          )}, which would be slower for it: --align none removes them`,
        ]),
    ...(report.outputs.length === 0 ? [] : [`outputs that nobody reads: ${listed(context, report.outputs)}`]),
    ...(report.deadNodes === 0 ? [] : [`${formatCount(report.deadNodes, 'node')} that nothing depended on`]),
  ];
  return section(context, title, [
    ...(rows.length === 0 ? [] : renderTable(context, columns, rows)),
    ...folded(context, changed.length, shown.length, 'group'),
    ...(context.verbose ? changed.flatMap((group) => paragraph(context, channelsOf(group), '  ', ink.dim)) : []),
    ...remarks.flatMap((text) => paragraph(context, text, '  ', ink.dim)),
  ]);
}

/** The reasons in a group, each with its count: `2 duplicate, 1 zero`. */
function reasonsOf({ removed }: RedundantGroup): string {
  const counts = new Map<string, number>();
  for (const { reason } of removed) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => `${formatInteger(count)} ${reason}`).join(', ');
}

/** Every channel that left a group with its reason: `conv1.weight: 1 zero; 3 constant; 11 = 1.7 × 2`. */
function channelsOf({ name, removed }: RedundantGroup): string {
  const each = removed.map(({ index, reason, of, multiple = 1, in: other }) => {
    if (of === undefined) return `${index} ${reason}`;
    const factor = Math.abs(multiple - 1) < 1e-6 ? '' : `${Number(multiple.toPrecision(4))} × `;
    return `${index} = ${factor}${of}${other === undefined ? '' : ` of ${other}`}`;
  });
  return printable(`${name}: ${each.join('; ')}`);
}

/** How the result is stored, where that is not as usual. */
export function renderStorage(context: Context, { storage }: Report): string[] {
  const { storedTwice, half, sparseTensors, gzip } = storage;
  const kept = half?.kept ?? [];
  const lines = [
    ...(storedTwice.tensors === 0
      ? []
      : [
          `${formatCount(storedTwice.tensors, 'tensor')} equal to another ${storedTwice.tensors === 1 ? 'is' : 'are'} not stored again, which is ${formatBytes(storedTwice.bytes)} less`,
        ]),
    ...(half === null
      ? []
      : [
          `${formatCount(half.stored.length, 'tensor')} stored as float16, which is ${formatBytes(half.bytesSaved)} less; rounding takes at most ${half.largestError.toExponential(1)} of a tensor's norm`,
        ]),
    ...(kept.length === 0
      ? []
      : [
          `still float32: ${listed(
            context,
            kept.map(({ initializer, reason }) => `${initializer} (${reason})`),
          )}`,
        ]),
    ...(sparseTensors === null
      ? []
      : [
          sparseTensors === 0
            ? 'no tensor is smaller as a sparse initializer, so all are dense'
            : `${formatCount(sparseTensors, 'tensor')} stored as sparse ${sparseTensors === 1 ? 'initializer' : 'initializers'}, which ${sparseTensors === 1 ? 'is' : 'are'} smaller`,
        ]),
    ...(gzip ? ['compressed: the file has the size that is called gzip below; onnxruntime needs it unpacked'] : []),
  ];
  return section(
    context,
    'Storage',
    lines.flatMap((text) => paragraph(context, text)),
  );
}
