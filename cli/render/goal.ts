import type { DropReport, GoalReport, SoughtReport, TargetReport } from '../../src/report/report.ts';
import { type Context, marked, section } from './context.ts';
import { formatAmount, formatBytes, formatCount, formatMilliseconds, formatPercent, formatShare } from './format.ts';
import { type Cell, renderTable } from './table.ts';
import { printable } from './text.ts';

type Kind = TargetReport['kind'] | 'drop';

const NAMES: Readonly<Record<Kind, string>> = {
  params: 'parameters',
  macs: 'MACs',
  latency: 'latency',
  size: 'size',
  drop: 'lost',
};

/** Whether a result misses a goal. */
export function isMissed({ target, drop }: GoalReport): boolean {
  return target?.met === false || drop?.met === false;
}

/** What an amount was sought by and which one was found, for the head of a report. */
export function goalLines(goal: GoalReport | null): string[] {
  if (goal?.sought == null) return [];
  const { sought } = goal;
  const { of, amount, found, tries } = sought;
  const aim = aimText(goal, sought);
  const searched = `in ${formatCount(tries.length, 'try', 'tries')}`;
  return [
    found
      ? `found ${formatShare(amount)} of ${of} for ${aim}, ${searched}`
      : `no amount of ${of} was found for ${aim}, ${searched}`,
  ];
}

function aimText({ target, drop }: GoalReport, { by }: SoughtReport): string {
  if (by === 'target' && target !== null) {
    const { kind, limit } = target;
    const most = `at most ${show(kind, limit)}`;
    return kind === 'latency' || kind === 'size' ? `a ${NAMES[kind]} of ${most}` : `${most} ${NAMES[kind]}`;
  }
  // Without a drop the run has failed before it could be measured.
  return drop === null ? '--max-drop' : `a drop of at most ${points(drop.limit)}`;
}

/** What the result was to come to and what it came to, and what was tried. */
export function renderGoal(context: Context, goal: GoalReport | null): string[] {
  if (goal === null) return [];
  const { target, drop, sought } = goal;
  return section(context, 'Goal', [
    ...(sought === null ? [] : renderTries(context, sought, sought.by === 'drop' ? 'drop' : (target?.kind ?? 'drop'))),
    ...(target === null ? [] : verdict(context, target.met, targetText(target))),
    ...(drop === null ? [] : verdict(context, drop.met, dropText(drop))),
  ]);
}

function renderTries(context: Context, { tries, amount, found }: SoughtReport, kind: Kind): string[] {
  const { ink } = context;
  const rows = tries.map(({ amount: tried, reached, met }): Cell[] => [
    formatShare(tried),
    { text: show(kind, reached), paint: met ? ink.green : ink.yellow },
    met ? 'met' : 'missed',
    { text: found && tried === amount ? 'taken' : '', paint: ink.bold },
  ]);
  const columns = [
    { title: 'tried', align: 'right' },
    { title: NAMES[kind], align: 'right' },
    { title: '' },
    { title: '' },
  ] as const;
  return renderTable(context, columns, rows);
}

function verdict(context: Context, met: boolean, text: string): string[] {
  return marked(context, met ? context.ink.green('✓') : context.ink.red('✗'), text);
}

function targetText({ kind, limit, original, reached, met }: TargetReport): string {
  const share = formatPercent(reached / original);
  return `${NAMES[kind]} ${show(kind, reached)} (${share} of the original), ${met ? 'at most' : 'more than'} ${show(kind, limit)}`;
}

function dropText({ limit, reached, met, by, output, on, answers }: DropReport): string {
  const what =
    by === 'agreement'
      ? `${points(reached)} of answers unlike the original's`
      : reached < 0
        ? `${points(-reached)} more right answers`
        : `${points(reached)} of right answers lost`;
  return `${what}, ${met ? 'at most' : 'more than'} ${points(limit)}: ${formatCount(answers, 'answer')} of ${printable(output)}, ${on}`;
}

function show(kind: Kind, value: number): string {
  if (kind === 'drop') return points(value);
  if (kind === 'latency') return formatMilliseconds(value);
  return kind === 'size' ? formatBytes(value) : formatAmount(value);
}

function points(fraction: number): string {
  return `${(fraction * 100).toFixed(2)} points`;
}
