import {
  formatAmount,
  formatBytes,
  formatCount,
  formatMilliseconds,
  formatPercent,
  formatPoints,
  formatShare,
} from '../format.ts';
import type { DropReport, GoalReport, TargetReport } from '../report.ts';
import { mark, name, points } from './section.ts';
import { figure, table } from './table.ts';
import { type Html, html } from './template.ts';

type Kind = TargetReport['kind'] | 'drop';

const NAMES: Readonly<Record<Kind, string>> = {
  params: 'Parameters',
  macs: 'MACs',
  latency: 'Time per run',
  size: 'File size',
  drop: 'Answers lost',
};

/** What the result was to come to, what it came to, and what was tried on the way; nothing where no goal was set. */
export function goalParts(goal: GoalReport | null): Html | null {
  if (goal === null) return null;
  const { target, drop, sought } = goal;
  const kind: Kind = sought?.by === 'target' && target !== null ? target.kind : 'drop';
  return html`${points([...(target === null ? [] : [targetText(target)]), ...(drop === null ? [] : [dropText(drop)])])}${
    sought !== null &&
    html`<p>${
      sought.found
        ? `${formatShare(sought.amount)} of ${sought.of} was found in ${formatCount(sought.tries.length, 'try', 'tries')}.`
        : `No amount of ${sought.of} that was tried keeps to it.`
    }</p>${table({
      caption: 'Amounts that were tried, in this order',
      noun: 'try',
      columns: [{ title: 'Amount' }, { title: NAMES[kind], as: 'number' }, { title: 'Result' }],
      rows: sought.tries.map(({ amount, reached, met }) => [
        html`${formatShare(amount)}${sought.found && amount === sought.amount && ' (taken)'}`,
        figure(reached, (value) => show(kind, value)),
        met ? mark('good', 'met') : mark('warn', 'missed'),
      ]),
    })}`
  }`;
}

/** Whether a goal was set and missed. */
export function isMissed(goal: GoalReport | null): boolean {
  return goal?.target?.met === false || goal?.drop?.met === false;
}

function targetText({ kind, limit, original, reached, met }: TargetReport): Html {
  const verdict = met ? mark('good', 'met') : mark('bad', 'missed');
  return html`${verdict} ${NAMES[kind]}: ${show(kind, reached)}, ${formatPercent(reached / original)} of the original, ${met ? 'at most' : 'more than'} ${show(kind, limit)}`;
}

function dropText({ limit, reached, met, by, output, on, answers }: DropReport): Html {
  const verdict = met ? mark('good', 'met') : mark('bad', 'missed');
  const what = by === 'accuracy' ? 'accuracy' : 'agreement with the original';
  return html`${verdict} ${what}: ${formatPoints(-reached)}, where ${limit === 0 ? 'none' : formatPoints(limit).slice(1)} may be lost; ${formatCount(answers, 'answer')} of ${name(output)}, ${on}`;
}

function show(kind: Kind, value: number): string {
  if (kind === 'latency') return formatMilliseconds(value);
  if (kind === 'size') return formatBytes(value);
  return kind === 'drop' ? formatPercent(value) : formatAmount(value);
}
