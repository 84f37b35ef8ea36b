import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf, OnnxPruneError } from '../src/errors.ts';
import { nearestWord } from '../src/numeric/nearest-word.ts';

/** Names that are looked through at most. */
const MOST_NAMES = 10_000;

/** What an error says and, where it is about a file that does not exist, the file beside it that is called nearly so. */
export function messageWithFile(error: unknown): string {
  const message = messageOf(error);
  if (!(error instanceof OnnxPruneError) || error.code !== 'bad-file' || existsSync(error.subject)) return message;
  const near = nearestFile(error.subject);
  return near === undefined ? message : `${message.replace(/\.$/, '')}; did you mean "${near}"?`;
}

/** A file of the same folder whose name, ending included, is at most two letters off; undefined where there is none. */
function nearestFile(path: string): string | undefined {
  const folder = dirname(path);
  let names: readonly string[];
  try {
    names = readdirSync(folder).slice(0, MOST_NAMES);
  } catch {
    return undefined;
  }
  const near = nearestWord(basename(path), names);
  return near === undefined ? undefined : basename(path) === path ? near : join(folder, near);
}
