/** A comment on GitHub may have 65,536 characters; some room stays for what a pipeline adds. */
const MOST_CHARACTERS = 60_000;
const MOST_NAMES = 8;

/** A block of a comment: its lines, and what it is called where it has to be left out. */
export interface Block {
  readonly name: string;
  readonly lines: readonly string[];
}

/**
 * Puts a comment together: the blocks in their order, as many as have room. What is left out is named at the end; of the first
 * block, as many lines.
 */
export function comment(blocks: readonly Block[]): string {
  const parts: string[] = [];
  const missing: string[] = [];
  let used = 0;
  for (const { name, lines } of blocks) {
    if (lines.length === 0) continue;
    const text = `${(parts.length === 0 ? fitting(lines) : lines).join('\n').trimEnd()}\n`;
    if (parts.length > 0 && used + text.length + 1 > MOST_CHARACTERS) {
      missing.push(name);
      continue;
    }
    parts.push(text);
    used += text.length + 1;
  }
  if (missing.length > 0) parts.push(`Left out, since a comment has no room for it: ${listed(missing)}.\n`);
  return parts.join('\n');
}

function listed(names: readonly string[]): string {
  const rest = names.length - MOST_NAMES;
  return names.slice(0, MOST_NAMES).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

/** The first lines that have room; what is cut is said. */
function fitting(lines: readonly string[]): readonly string[] {
  let used = 0;
  const first = lines.findIndex((line) => {
    used += line.length + 1;
    return used > MOST_CHARACTERS;
  });
  return first === -1 ? lines : [...lines.slice(0, first), '… and more, for which a comment has no room.'];
}
