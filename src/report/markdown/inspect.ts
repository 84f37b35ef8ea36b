import { formatAmount, formatBytes, formatCount, formatInteger } from '../format.ts';
import type { InspectReport } from '../report.ts';
import { type Block, comment } from './comment.ts';
import { originBlock } from './figures.ts';
import { keptLines } from './prune.ts';
import { capped, code, details, right, table } from './text.ts';

const MOST = 100;

/** What a model is made of, as a comment on GitHub. */
export function inspectMarkdown(report: InspectReport): string {
  const { input, parameters, macs, layers, groups, kept, unknownOperators } = report;
  return comment([
    {
      name: 'Summary',
      lines: [
        `**${code(input.path)}**: ${formatAmount(parameters)} parameters, ${formatAmount(macs)} MACs per sample, file ${formatBytes(input.fileBytes)}, opset ${input.opset}`,
        '',
        groups.length === 0
          ? '⚠️ No group of channels can shrink.'
          : `${formatCount(groups.length, 'group')} of channels can shrink, of ${formatCount(layers.length, 'layer')}.`,
      ],
    },
    groupsBlock(report),
    layersBlock(report),
    { name: 'What stays, and why', lines: keptLines('What stays, and why', kept, unknownOperators) },
    originBlock(report),
  ]);
}

function groupsBlock({ groups }: InspectReport): Block {
  const { shown, rest } = capped(groups, MOST, 'groups');
  const rows = shown.map(({ name, channels, unit, producers, consumers }) => [
    code(name),
    formatInteger(channels),
    formatInteger(unit),
    formatInteger(producers.length),
    formatInteger(consumers.length),
  ]);
  const columns = ['group', right('channels'), right('leave together'), right('made by'), right('read by')];
  return { name: 'Groups', lines: details('Groups', [...table(columns, rows), ...rest]) };
}

function layersBlock({ layers }: InspectReport): Block {
  const { shown, rest } = capped(layers, MOST, 'layers');
  const rows = shown.map(({ node, operator, output, parameters, macs }) => [
    code(node),
    code(operator),
    code(output.join('×')),
    formatAmount(parameters),
    macs === null ? '–' : formatAmount(macs),
  ]);
  const columns = ['layer', 'operator', 'output', right('parameters'), right('MACs')];
  return { name: 'Layers', lines: details('Layers', [...table(columns, rows), ...rest]) };
}
