/** Characters of a value at most. */
const MOST = 500;

/**
 * A value that was given for an option, as a message repeats it: as JSON, and not more of it than a person reads. What JSON cannot
 * hold (a list fifty thousand deep, an object inside itself) is called that.
 */
export function valueText(found: unknown): string {
  // JSON calls all of these null, or nothing at all, or fails.
  if (typeof found === 'function') return 'a function';
  if (typeof found === 'number' || typeof found === 'symbol') return String(found);
  if (typeof found === 'bigint') return `${found}n`;
  let text: string;
  try {
    text = String(JSON.stringify(found));
  } catch {
    return 'a value that nests too deeply';
  }
  return text.length <= MOST ? text : `${text.slice(0, MOST)}…`;
}
