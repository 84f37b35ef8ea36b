import { shortened } from '../shortened.ts';

// Characters that XML cannot hold at all: controls but tab and line ends, halves of surrogate pairs, and two non-characters.
const UNWRITABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to be found
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Text as XML can hold it: characters that it cannot are shown as U+FFFD. */
export function writable(text: string): string {
  return text.replace(UNWRITABLE, '\ufffd');
}

/**
 * A name in at most `most` characters, an ellipsis for what was left out.
 * @param headShare how much of the room its beginning gets; little, since names of layers are paths whose last parts tell them
 *   apart
 */
export function shortName(name: string, most: number, headShare = 0.25): string {
  const characters = [...writable(name).replace(/\s+/g, ' ')];
  if (characters.length <= most) return characters.join('');
  const head = Math.max(0, Math.floor((most - 1) * headShare));
  return `${characters.slice(0, head).join('')}…${characters.slice(characters.length - (most - 1 - head)).join('')}`;
}

/** Longer texts are cut in the middle, lest names of 10 kB make a chart of many MB. */
const LONGEST_TEXT = 600;

/** A name in a tooltip: whole, unless it is of a length that nobody reads. */
export function tipName(name: string): string {
  return shortened(name, 200);
}

/** Text as it stands between tags and in attributes. */
export function escaped(text: string): string {
  return writable(shortened(text, LONGEST_TEXT))
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;');
}

/** About how wide a text is in pixels, at a font size in pixels: system fonts average less than 0.6 of it a character. */
export function textWidth(text: string, fontSize: number): number {
  return [...text].length * fontSize * 0.6;
}
