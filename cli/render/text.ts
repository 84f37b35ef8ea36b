import { stripVTControlCharacters } from 'node:util';

export { layerName } from '../../src/report/layer-name.ts';
export { printable } from '../../src/report/printable.ts';

/** Marks and variation selectors add to the character before them. */
const ZERO_WIDTH = /^\p{M}$/u;
/** Scripts that terminals draw two columns wide. */
const WIDE =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]$/u;
const ESCAPE = String.fromCharCode(27);
const COLOUR_OR_CHARACTER = new RegExp(`${ESCAPE}\\[[0-9;]*m|[^]`, 'gu');

/** Columns that text takes in a terminal; colour codes take none. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text)) width += widthOf(character);
  return width;
}

function widthOf(character: string): number {
  if (ZERO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Shortens plain text in the middle, where layer names differ least: `features.0.co…v.weight`. */
export function shorten(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width < 1) return '';
  const characters = [...text];
  const head = take(characters, Math.floor((width - 1) / 2));
  const tail = take([...characters].reverse(), width - 1 - displayWidth(head));
  return `${head}…${[...tail].reverse().join('')}`;
}

function take(characters: readonly string[], width: number): string {
  let taken = '';
  let room = width;
  for (const character of characters) {
    room -= widthOf(character);
    if (room < 0) break;
    taken += character;
  }
  return taken;
}

const NO_BREAK = '\u00a0';

/** Text whose spaces are no places to break a line at; `wrap` gives back ordinary spaces. */
export function unbroken(text: string): string {
  return text.replaceAll(' ', NO_BREAK);
}

/** Breaks text at spaces, and words that are too long anywhere, into lines of at most `width` columns. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  let used = 0;
  for (const word of text.split(' ')) {
    for (const [index, piece] of pieces(word, width).entries()) {
      const size = displayWidth(piece);
      if (index === 0 && (used === 0 || used + 1 + size <= width)) {
        line += used === 0 ? piece : ` ${piece}`;
        used += used === 0 ? size : size + 1;
      } else {
        lines.push(line);
        line = piece;
        used = size;
      }
    }
  }
  return [...lines, line].map((done) => done.replaceAll(NO_BREAK, ' '));
}

function pieces(word: string, width: number): string[] {
  if (displayWidth(word) <= width) return [word];
  const parts: string[] = [];
  let part = '';
  let used = 0;
  for (const [token] of word.matchAll(COLOUR_OR_CHARACTER)) {
    const size = token.startsWith(ESCAPE) ? 0 : widthOf(token);
    if (used + size > width) {
      parts.push(part);
      part = '';
      used = 0;
    }
    part += token;
    used += size;
  }
  return [...parts, part];
}
