/** Words that every POSIX shell takes as they are, but for the first of a line, where `=` would assign. */
const PLAIN = /^[A-Za-z0-9_./:,@%+-][A-Za-z0-9_./:,@%+=-]*$/;

/** Runs of what cannot be seen, or turns around what can, and would be lost on the way from a page to a shell; ends of lines and tabs are not. */
const UNSEEN = /((?:(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}])+)/u;

/**
 * Words as one line that a POSIX shell splits into the same words again: those with special characters stand in single
 * quotes (POSIX.1-2017, Shell Command Language, 2.2.2), and a single quote in them ends the quotes, stands escaped, and begins them anew.
 * What cannot be seen is printed by its bytes in octal: `"$(printf '\342\200\256')"`.
 */
export function shellLine(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

/** One word of such a line. */
export function shellWord(word: string): string {
  if (PLAIN.test(word)) return word;
  // Every second piece is a run of unseen characters, which the brackets of the pattern keep.
  const pieces = word.split(UNSEEN).map((piece, index) => (index % 2 === 0 ? quoted(piece) : printed(piece)));
  return pieces.join('') || "''";
}

function quoted(text: string): string {
  return text === '' ? '' : `'${text.replaceAll("'", "'\\''")}'`;
}

function printed(text: string): string {
  const octal = [...new TextEncoder().encode(text)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`);
  return `"$(printf '${octal.join('')}')"`;
}
