/** Words that every POSIX shell takes as they are, but for the first of a line, where `=` would assign. */
const PLAIN = /^[A-Za-z0-9_./:,@%+-][A-Za-z0-9_./:,@%+=-]*$/;

/**
 * Words as one line that a POSIX shell splits into the same words again: those with special characters stand in single
 * quotes (POSIX.1-2017, Shell Command Language, 2.2.2), and a single quote in them ends the quotes, stands escaped, and begins them anew.
 */
export function shellLine(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

function quoted(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
