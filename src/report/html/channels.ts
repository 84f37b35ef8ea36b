import type { PruneChannelsReport } from '../../transforms/prune-channels.ts';
import type { RemoveRedundantReport } from '../../transforms/remove-redundant.ts';
import { formatCount, formatInteger, formatPercent } from '../format.ts';
import { name, names, points } from './section.ts';
import { change, figure, table } from './table.ts';
import { type Html, html } from './template.ts';

/** Groups of channels and what left them. */
export function groupsTable({ groups }: PruneChannelsReport): Html | null {
  return table({
    caption: 'Groups: channels that leave together',
    noun: 'group',
    columns: [
      { title: 'Group' },
      { title: 'Channels', as: 'number' },
      { title: 'Removed', as: 'number' },
      { title: 'Ranked by' },
      { title: 'Made by', as: 'words' },
      { title: 'Read by', as: 'words' },
    ],
    rows: groups.map(({ name: group, before, after, asked, criterion, producers, consumers, part, unit }) => [
      html`${name(group)}${part !== null && html`<span class="operator">${part === 'heads' ? 'heads' : 'inside heads'}</span>`}${unit > 1 && html`<span class="operator">${formatInteger(unit)} at a time</span>`}`,
      change(before, after, formatInteger),
      {
        show: html`${formatPercent(1 - after / before)}${asked !== after && html`<br><span class="quiet">${formatInteger(asked)} asked for</span>`}`,
        sort: 1 - after / before,
      },
      name(criterion),
      names(producers, 3),
      names(consumers, 3),
    ]),
  });
}

/** What was not pruned, and why. */
export function keptTable(kept: PruneChannelsReport['kept']): Html | null {
  return table({
    caption: 'Layers that keep their width',
    noun: 'reason',
    columns: [{ title: 'Kept whole …' }, { title: 'Layers', as: 'number' }, { title: 'Which', as: 'words' }],
    rows: kept.map(({ reason, layers }) => [
      reason.startsWith('--') ? html`by ${reason}` : html`because ${reason}`,
      figure(layers.length, formatInteger),
      html`${names(
        layers.map(({ initializer }) => initializer),
        12,
      )}`,
    ]),
  });
}

/** Operators without a rule. */
export function unknownParts(unknown: Readonly<Record<string, number>>): Html | null {
  return points(
    Object.entries(unknown).map(
      ([operator, count]) =>
        html`${name(operator)}: ${formatCount(count, 'node')} without a rule; what they touch stays whole`,
    ),
  );
}

/** What left without changing the outputs; nothing where nothing did. */
export function redundantParts(report: RemoveRedundantReport | null): Html | null {
  if (report === null) return null;
  const { groups, outputs, deadNodes, removedChannels } = report;
  const changed = groups.filter(({ removed }) => removed.length > 0);
  const slow = groups.filter(({ keptForSpeed }) => keptForSpeed > 0);
  const remarks = points([
    ...(slow.length > 0
      ? [
          html`${formatCount(
            slow.reduce((sum, { keptForSpeed }) => sum + keptForSpeed, 0),
            'more channel',
          )} could leave ${names(slow.map((group) => group.name))}, which would be slower for it: --align none removes them`,
        ]
      : []),
    ...(outputs.length > 0 ? [html`outputs that nobody reads: ${names(outputs)}`] : []),
    ...(deadNodes > 0 ? [`${formatCount(deadNodes, 'node')} that nothing depended on`] : []),
  ]);
  if (changed.length === 0 && remarks === null) return null;
  return html`${removedChannels > 0 && html`<p>${formatCount(removedChannels, 'channel')} left without changing any output.</p>`}${table(
    {
      caption: 'Channels without which outputs stay equal',
      noun: 'group',
      columns: [{ title: 'Group' }, { title: 'Channels', as: 'number' }, { title: 'Why', as: 'words' }],
      rows: changed.map(({ name: group, before, after, removed }) => [
        name(group),
        change(before, after, formatInteger),
        [...counted(removed.map(({ reason }) => reason))]
          .map(([reason, count]) => `${formatInteger(count)} ${reason}`)
          .join(', '),
      ]),
    },
  )}${remarks}`;
}

function counted(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}
