import { expect } from 'vitest';
import type { Desk } from './desk.ts';
import { at, itemsAt, numberAt, parse } from './read.ts';

/** Nothing is written, run or timed: just what would leave. */
export const DRY: readonly string[] = ['--no-bench', '--no-verify', '--dry-run', '--json'];

/** The report of a run that must succeed without a word. */
export async function reportOf(desk: Desk, ...args: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await desk.hosted(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return parse(stdout);
}

/** What became of every group: `name: before → after`. */
export function widths(report: unknown): Record<string, string> {
  return Object.fromEntries(
    itemsAt(report, 'pruning', 'groups').map((group) => [
      String(at(group, 'name')),
      `${numberAt(group, 'before')} → ${numberAt(group, 'after')}`,
    ]),
  );
}

/** Why layers stay: the initializers by reason. */
export function reasons(report: unknown): Record<string, string[]> {
  return Object.fromEntries(
    itemsAt(report, 'pruning', 'kept').map((kept) => [
      String(at(kept, 'reason')),
      itemsAt(kept, 'layers').map((layer) => String(at(layer, 'initializer'))),
    ]),
  );
}
