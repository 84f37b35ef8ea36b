import { formatChange } from '../format.ts';
import type { Tone } from './section.ts';
import { type Html, html, type Part } from './template.ts';

/** A number that should be seen first. */
export interface Tile {
  readonly label: string;
  readonly value: Part;
  /** What it was before. */
  readonly was?: Part;
  readonly note?: Part;
  readonly tone?: Tone;
  /** How much of what was is left, drawn as a bar. */
  readonly left?: number | undefined;
}

/** Big numbers, side by side. */
export function tiles(all: readonly (Tile | null)[]): Html {
  return html`<dl class="tiles">${all.filter((tile) => tile !== null).map(draw)}</dl>`;
}

/**
 * The tile of an amount that should become less: before → after, by how much, and how much is left as a bar.
 * @param word ends "1.75× …"
 */
export function lessTile(
  label: string,
  before: number,
  after: number,
  format: (value: number) => string,
  note?: Part,
  word = 'smaller',
): Tile {
  if (before === after)
    return { label, value: format(after), note: [html`unchanged`, note !== undefined && html`; ${note}`] };
  const percent = formatChange(before, after);
  const times = after > 0 && before > after ? `${timesText(before / after)} ${word}` : null;
  return {
    label,
    value: format(after),
    was: format(before),
    note: html`${[times, percent].filter((text) => text !== null && text !== undefined).join(' · ')}${note !== undefined && html`<br>${note}`}`,
    left: before > 0 ? after / before : undefined,
  };
}

function timesText(ratio: number): string {
  return ratio < 10 ? `${ratio.toFixed(2)}×` : `${Math.round(ratio)}×`;
}

function draw({ label, value, was, note, tone, left }: Tile): Html {
  const width = left === undefined ? null : `${(Math.min(1, Math.max(0, left)) * 100).toFixed(1)}%`;
  return html`<div class="tile"><dt>${label}</dt><dd>${was !== undefined && html`<span class="was">${was} → </span>`}<span class="big ${tone ?? ''}">${value}</span></dd>${
    note !== undefined && html`<dd class="note">${note}</dd>`
  }${width !== null && html`<dd class="bar-room" aria-hidden="true"><div class="bar" style="--part:${width}"></div></dd>`}</div>`;
}
