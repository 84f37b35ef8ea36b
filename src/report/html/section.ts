import { shortened } from '../shortened.ts';
import { type Html, html, isEmpty, type Part } from './template.ts';

/** A part of the page that the list of contents leads to. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Html;
}

/** Everything that differs between the pages of different reports. */
export interface PageContent {
  /** What kind of report it is, in two words. */
  readonly kind: string;
  /** Plain text, for the browser's tab. */
  readonly title: string;
  /** The headline. */
  readonly headline: Html;
  /** The answer, in a sentence or two. */
  readonly lead: Html;
  readonly sections: readonly Section[];
}

/** A section as a list of one, or of none where it would be empty. */
export function section(id: string, title: string, ...body: readonly Part[]): Section[] {
  return isEmpty(body) ? [] : [{ id, title, body: html`${body}` }];
}

/** A heading inside a section with what stands under it; nothing where that is empty. */
export function part(title: string, ...body: readonly Part[]): Html | null {
  return isEmpty(body) ? null : html`<h3>${title}</h3>${body}`;
}

/** Whether something is good news, for the colour and the sign that stands before it. */
export type Tone = 'good' | 'bad' | 'warn' | 'quiet';

const SIGNS: Readonly<Record<Tone, string>> = { good: '✓', bad: '✗', warn: '!', quiet: '·' };

/** A word or two with a sign and a colour. */
export function mark(tone: Tone, text: Part): Html {
  return html`<span class="mark ${tone}" data-sign="${SIGNS[tone]}">${text}</span>`;
}

/** A remark that should be seen. */
export function callout(tone: Tone, text: Part): Html {
  return html`<div class="callout ${tone}"><p>${text}</p></div>`;
}

/** Most points of a list before the rest is only counted. */
const MOST_POINTS = 100;

/** A list of points; nothing where there are none. */
export function points(items: readonly Part[]): Html | null {
  if (items.length === 0) return null;
  const left = items.length - MOST_POINTS;
  return html`<ul class="plain">${items.slice(0, MOST_POINTS).map((item) => html`<li>${item}</li>`)}</ul>${left > 0 && html`<p class="left-out">… and ${left} more, which are in the JSON report.</p>`}`;
}

/** Names and values side by side; those without a value are left out. */
export function facts(pairs: readonly (readonly [string, Part])[]): Html | null {
  const filled = pairs.filter(([, value]) => !isEmpty(value));
  if (filled.length === 0) return null;
  return html`<dl class="facts">${filled.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** Longer names are cut in the middle; the report as JSON has them whole. */
const LONGEST_NAME = 200;

/** A name from a model, a file or an option, set off from words. */
export function name(text: string): Html {
  return html`<bdi class="name">${shortened(text, LONGEST_NAME)}</bdi>`;
}

/** Names in a row, as many as a person wants to read, and how many more there are. */
export function names(all: readonly string[], most = 8): Html {
  const left = all.length - most;
  const shown = all.slice(0, most).map((each, index) => html`${index > 0 && ', '}${name(each)}`);
  return html`${shown}${left > 0 && ` and ${left} more`}`;
}

/** What is behind a line that opens. */
export function folded(summary: string, ...body: readonly Part[]): Html | null {
  return isEmpty(body) ? null : html`<details><summary>${summary}</summary>${body}</details>`;
}
