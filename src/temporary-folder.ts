import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, OnnxPruneError } from './errors.ts';
import { isOrphaned, processMark } from './process-mark.ts';

/** What the names of all folders begin with that are made here. */
const PREFIX = 'onnx-prune-';
/** Such a name, with the mark of the process that made it. */
const NAME = new RegExp(`^${PREFIX}(?:[a-z]+-)?(\\d+-[0-9a-f]{8})-[^-]{6}$`);

/** Where others were looked for already: once is enough for a process. */
const swept = new Set<string>();

/**
 * A new folder among the system's temporary ones, for whoever makes it to remove. Those that killed processes have left there are
 * removed on the way, where it is certain that they are gone: see {@link isOrphaned}.
 * @param purpose a word of small letters that its name tells
 * @throws OnnxPruneError `bad-file` where none can be made
 */
export async function makeTemporaryFolder(purpose?: string): Promise<string> {
  const among = tmpdir();
  if (!swept.has(among)) {
    swept.add(among);
    removeOrphans(among);
  }
  const prefix = purpose === undefined ? PREFIX : `${PREFIX}${purpose}-`;
  try {
    return await mkdtemp(join(among, `${prefix}${processMark()}-`));
  } catch (error) {
    throw new OnnxPruneError(
      'bad-file',
      among,
      `No temporary folder could be made in ${among} (${messageOf(error)}); set TMPDIR to a folder that can be written to.`,
      error,
    );
  }
}

function removeOrphans(among: string): void {
  for (const name of namesIn(among)) {
    const mark = NAME.exec(name)?.[1];
    if (mark === undefined || !isOrphaned(mark)) continue;
    const folder = join(among, name);
    try {
      // In a folder that all may write to, somebody else may have given theirs such a name.
      const { uid } = lstatSync(folder);
      if (process.getuid === undefined || uid === process.getuid()) rmSync(folder, { recursive: true, force: true });
    } catch {
      // Another process was faster, or it is not ours to remove.
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Making the new one says what is wrong with it.
    return [];
  }
}
