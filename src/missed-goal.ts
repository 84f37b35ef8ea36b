import type { TargetKind } from './options/target.ts';
import type { DropReport, GoalReport, SoughtReport, TargetReport } from './report/report.ts';

/**
 * By what a result misses its goal, as a sentence; undefined where it does not.
 * @param consequence what became of the result: "so nothing was written"
 */
export function missedGoal({ target, drop, sought }: GoalReport, consequence: string): string | undefined {
  if (target?.met === false) return missedTarget(target, sought, consequence);
  if (drop?.met === false) return missedDrop(drop, sought, consequence);
  return undefined;
}

/** What is measured, after a number of it. */
const UNITS: Readonly<Record<TargetKind, string>> = {
  params: 'parameters',
  macs: 'multiplications',
  latency: 'ms per run',
  size: 'bytes',
};

function missedTarget(
  { kind, limit, original, reached }: TargetReport,
  sought: SoughtReport | null,
  consequence: string,
): string {
  const show = (value: number): string => numberText(kind, value);
  const result = `${show(reached)} ${UNITS[kind]} of ${show(original)}`;
  const aim = `${kind}=${show(limit)}${kind === 'latency' ? 'ms' : ''}`;
  if (sought?.found === false)
    return `--target ${kind}= cannot be met: at the largest amount of ${sought.of}, ${percent(sought.amount)}, ${result} stay, more than ${show(limit)}, ${consequence}; aim higher, or let more layers take part (--exclude, --only, --max-ratio and --align hold some back).`;
  const again =
    kind === 'latency'
      ? 'times vary from run to run, so try again on a machine that does nothing else, or aim lower'
      : 'aim a little lower, or give an amount';
  return `The result misses --target ${aim}: it came to ${result}, ${consequence}; ${again}.`;
}

function missedDrop(
  { limit, reached, by, output, on, answers }: DropReport,
  sought: SoughtReport | null,
  consequence: string,
): string {
  const what =
    by === 'accuracy'
      ? `${points(reached)} of right answers were lost`
      : `${points(reached)} of answers are not those of the original`;
  const where = `on ${answers.toLocaleString('en-US')} answers of output "${output}", ${on}`;
  const excess = `${points(reached - limit)} more than --max-drop ${percent(limit)} allows`;
  const way =
    sought?.by === 'drop' && !sought.found
      ? `${percent(sought.amount)} is the least amount that is tried, so allow more, or leave sensitive layers out with --exclude`
      : `remove less, or allow more${by === 'agreement' ? ', or give labels with --test, since an answer that differs need not be wrong' : ''}`;
  return `${what} (${where}), ${excess}, ${consequence}; ${way}.`;
}

function numberText(kind: TargetKind, value: number): string {
  return kind === 'latency' ? String(Number(value.toPrecision(3))) : value.toLocaleString('en-US');
}

function points(fraction: number): string {
  return `${(fraction * 100).toFixed(2)} points`;
}

function percent(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(6))}%`;
}
