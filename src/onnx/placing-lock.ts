import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OnnxPruneError } from '../errors.ts';
import { isOrphaned, processMark } from '../process-mark.ts';
import { temporaryBeside } from './staged-file.ts';

/** The lock is held while files are renamed, which takes milliseconds; whoever holds it for that long hangs. */
const longestMs = 30_000;
/** Writing the owner's mark into the lock takes microseconds; a lock without one for that long is of a process that was killed just there. */
const blankMs = 2000;
const pauseMs = 10;

/**
 * Does something to a file and those that belong to it while no other process of ours does, by a file `.<name>.lock` beside it. What
 * a killed process has left of those is taken over where it is certain that it is gone.
 *
 * @param path how errors call the file
 * @param patienceMs how long to wait for one and the same holder
 * @throws OnnxPruneError `bad-file` where somebody else keeps the lock
 */
export async function withPlacingLock<T>(
  target: string,
  path: string,
  work: () => Promise<T>,
  patienceMs: number = longestMs,
): Promise<T> {
  const lock = join(dirname(target), `.${basename(target)}.lock`);
  const mine = `${processMark()} ${randomBytes(6).toString('hex')}`;
  await acquire(lock, mine, path, patienceMs);
  try {
    return await work();
  } finally {
    if ((await read(lock)) === mine) await rm(lock, { force: true });
  }
}

async function acquire(lock: string, mine: string, path: string, patienceMs: number): Promise<void> {
  let seen = '';
  let since = performance.now();
  while (!(await create(lock, mine))) {
    const found = await read(lock);
    if (found === undefined) continue;
    if (found !== seen) {
      seen = found;
      since = performance.now();
    }
    const waited = performance.now() - since;
    const [mark = ''] = found.split(' ');
    if (isOrphaned(mark) || (found === '' && waited > blankMs)) {
      await takeAway(lock, found);
    } else if (waited > patienceMs) {
      throw new OnnxPruneError(
        'bad-file',
        path,
        `${path} is being written by another process (${mark}, by "${lock}"); wait until it has ended, or remove that file if there is none.`,
      );
    } else await sleep(pauseMs);
  }
}

async function create(lock: string, mine: string): Promise<boolean> {
  try {
    await writeFile(lock, mine, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function read(lock: string): Promise<string | undefined> {
  try {
    return await readFile(lock, 'utf8');
  } catch {
    return undefined;
  }
}

/** Removes a lock that is known to be dead, and no other that was made meanwhile. */
async function takeAway(lock: string, dead: string): Promise<void> {
  const aside = temporaryBeside(lock);
  try {
    await rename(lock, aside);
  } catch {
    // Another process was faster.
    return;
  }
  const taken = await read(aside);
  // Between the look and the renaming, another process may have taken it over.
  if (taken !== undefined && taken !== dead) await create(lock, taken);
  await rm(aside, { force: true });
}
