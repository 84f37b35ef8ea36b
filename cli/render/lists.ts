import type { KeptLayer } from '../../src/transforms/describe-groups.ts';
import { type Context, marked, paragraph, section } from './context.ts';
import { formatCount, formatInteger } from './format.ts';
import { layerName, printable, unbroken } from './text.ts';

/** Groups, layers and outputs that a table shows before it folds the rest. */
export const LONGEST_TABLE = 24;
const LONGEST_LIST = 6;
const MOST_REASONS = 8;

/** The first entries, or all where the user wants to see them. */
export function head<T>(context: Context, entries: readonly T[], most: number): readonly T[] {
  // Folding one line into one line would save nothing.
  return context.verbose || entries.length <= most + 1 ? entries : entries.slice(0, most);
}

/** Says how much was left out of a list; nothing where all is shown. */
export function folded(context: Context, all: number, shown: number, noun: string, plural = `${noun}s`): string[] {
  if (all === shown) return [];
  const text = `… and ${formatInteger(all - shown)} more ${all - shown === 1 ? noun : plural}; -v or --json shows all`;
  return paragraph(context, text, '  ', context.ink.dim);
}

/** Texts one after the other, the tail folded: `a, b, c and 12 more`. */
export function listed(context: Context, texts: readonly string[]): string {
  const shown = head(context, texts, LONGEST_LIST);
  const rest = texts.length - shown.length;
  return (
    shown.map((text) => unbroken(printable(text))).join(', ') + (rest > 0 ? ` and ${formatInteger(rest)} more` : '')
  );
}

/** What keeps its width, by reason. */
export function renderKept(context: Context, kept: readonly KeptLayer[], title: string): string[] {
  const reasons = head(context, kept, MOST_REASONS);
  const lines = reasons.flatMap(({ reason, layers }) => {
    const partly = layers.every(({ channels, of }) => channels < of);
    const texts = layers.map(({ node, initializer, channels, of }) => {
      const name = layerName(initializer, node);
      return channels < of ? `${name} (${formatInteger(channels)} of ${formatInteger(of)} channels)` : name;
    });
    const why = reason.startsWith('--') ? `by ${reason}` : `because ${reason}`;
    return marked(context, '·', `kept ${partly ? 'in part' : 'whole'} ${printable(why)}: ${listed(context, texts)}`);
  });
  return section(context, title, [...lines, ...folded(context, kept.length, reasons.length, 'reason')]);
}

/** Operators that have no rule, most frequent first. */
export function renderUnknownOperators(context: Context, operators: Readonly<Record<string, number>>): string[] {
  const names = byCount(operators);
  if (names.length === 0) return [];
  const texts = names.map(([name, nodes]) => `${name} (${formatCount(nodes, 'node')})`);
  const text = `no rule for ${listed(context, texts)}: the channels that they touch stay whole`;
  return section(context, 'Unknown operators', marked(context, context.ink.yellow('!'), text));
}

/** Entries of a tally, largest first, then by name. */
export function byCount(tally: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(tally).sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1));
}
