import { shortened } from '../shortened.ts';

/** Markup that is safe to be part of a page. Only `html` and `trusted` make it, so that text cannot be taken for it. */
export class Html {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

/** A page is for people: longer texts, such as names of 10 kB, are cut in the middle. */
const LONGEST_TEXT = 1000;

/** What a template may hold: markup as it is, text (at most 1,000 characters of it) and numbers escaped, lists joined, and nothing for null, undefined and false. */
export type Part = Html | string | number | null | undefined | false | readonly Part[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Controls but tab and line end, halves of surrogate pairs, and marks that turn the direction of text around. */
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to be found
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]|\p{Cs}/gu;

/**
 * Text as it stands between tags and in quoted attributes (HTML, 13.1.2.3 and 13.1.3). Characters that nobody sees, or that would
 * show other text than there is, are written out as `\u{202e}`.
 */
export function escapeHtml(text: string): string {
  return text
    .replace(UNSEEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** Markup from a template: what stands in it is markup, what is put into it is text unless it is `Html`. Attributes must be quoted. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.map((markup, index) => markup + written(parts[index])).join(''));
}

/** Text as it stands, however long it is. */
export function verbatim(text: string): Html {
  return new Html(escapeHtml(text));
}

/** Markup from elsewhere that is known to be safe, such as a chart drawn here. */
export function trusted(markup: string): Html {
  return new Html(markup);
}

/** Whether a part writes nothing. */
export function isEmpty(part: Part): boolean {
  return written(part) === '';
}

function written(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (part instanceof Html) return part.toString();
  if (typeof part === 'string') return escapeHtml(shortened(part, LONGEST_TEXT));
  if (typeof part === 'number') return String(part);
  return part.map(written).join('');
}
