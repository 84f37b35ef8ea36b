import { printable } from '../printable.ts';
import { shortened } from '../shortened.ts';

/** Names are cut to this many characters; reports as JSON have them whole. */
const LONGEST_NAME = 120;
/** Sentences are cut to this many. */
const LONGEST_PROSE = 1000;

/**
 * A name as code, in which GitHub sees neither markup nor mentions. Names with backticks, pipes or backslashes stand in <code> with
 * entities for all that is no letter or digit, since programs differ in what ends a cell of a table after backslashes.
 */
export function code(name: string): string {
  const text = shortened(printable(name), LONGEST_NAME);
  if (text.trim() === '') return '(no name)';
  if (!/[`|\\]|^ | $/.test(text)) return `\`${text}\``;
  return `<code>${text.replace(/[!-/:-@[-`{-~]/g, (mark) => `&#${mark.charCodeAt(0)};`)}</code>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/**
 * A sentence that may hold names: what Markdown or HTML would take for markup is written as entities, which cannot begin any
 * (CommonMark 0.31.2, 2.5). GitHub looks for mentions and issues in what is shown, but not in code: so `@` and `#123` get a
 * <code> of their own.
 */
export function prose(text: string): string {
  return shortened(printable(text), LONGEST_PROSE)
    .replace(/[&<>"\\`*_[\]~|$]/g, (mark) => ENTITIES[mark] ?? `&#${mark.charCodeAt(0)};`)
    .replace(/(?<=https?|ftp):(?=\/\/)/gi, '&#58;')
    .replace(/(?<=\bwww)\./gi, '&#46;')
    .replace(/@|(?<!&)#(?=\d)/g, (mark) => `<code>${mark}</code>`)
    .replace(/^(\s*)[-+=#]/, (start, space: string) => `${space}&#${start.charCodeAt(space.length)};`)
    .replace(/^(\s*\d+)[.)]/, (start, number: string) => `${number}&#${start.charCodeAt(number.length)};`);
}

/** How the cells of a column are aligned. */
export type Alignment = 'left' | 'right';

/** A table of cells that are Markdown already, made by `code` or `prose`, which leave no pipe in them. */
export function table(
  columns: readonly (string | { readonly title: string; readonly align: Alignment })[],
  rows: readonly (readonly string[])[],
): string[] {
  if (rows.length === 0) return [];
  const heads = columns.map((column) => (typeof column === 'string' ? { title: column, align: 'left' } : column));
  return [
    line(heads.map(({ title }) => title)),
    line(heads.map(({ align }) => (align === 'right' ? '---:' : '---'))),
    ...rows.map(line),
    '',
  ];
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** A column of numbers. */
export function right(title: string): { readonly title: string; readonly align: Alignment } {
  return { title, align: 'right' };
}

/** A command, or other text without controls, in a fenced block, the fence longer than any in it. */
export function fenced(text: string, language: string): string[] {
  const runs = text.match(/`+/g) ?? [];
  const fence = '`'.repeat(Math.max(3, runs.reduce((longest, run) => Math.max(longest, run.length), 0) + 1));
  return [`${fence}${language}`, text.split('\n').map(printable).join('\n'), fence, ''];
}

/** A part of a comment that is folded until somebody asks; nothing where it has no lines. @param title plain text */
export function details(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  return ['<details>', `<summary>${prose(title)}</summary>`, '', ...lines, '</details>', ''];
}

/** The first entries of a list, and a line that says how many more there are. */
export function capped<T>(
  entries: readonly T[],
  most: number,
  noun: string,
): { readonly shown: readonly T[]; readonly rest: readonly string[] } {
  const shown = entries.length <= most + 1 ? entries : entries.slice(0, most);
  const left = entries.length - shown.length;
  return { shown, rest: left === 0 ? [] : [`… and ${left} more ${noun}; the report as JSON has all.`, ''] };
}
