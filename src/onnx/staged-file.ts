import { randomBytes } from 'node:crypto';
import { constants, rmSync } from 'node:fs';
import { access, type FileHandle, open, readdir, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { OnnxPruneError } from '../errors.ts';
import { isOrphaned, processMark } from '../process-mark.ts';
import { fileFault } from './file-fault.ts';

/** One call writes at most this much, so that other work gets its turn and the kernel's limits are never met. */
const batchBytes = 2 ** 26;
const batchParts = 512;

/** The content of a file, one part after the other, which may be made while it is written. */
export type Parts = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** How files are written. */
export interface StageOptions {
  /** What to do where there is no room, to end "no space is left on the device; …"; a default where left out. */
  readonly wayOut?: string | undefined;
  /** The file is for this run alone, and need not outlive a power cut. Default false. */
  readonly temporary?: boolean | undefined;
  /** Aborting stops the writing; what is in place already stays. */
  readonly signal?: AbortSignal | undefined;
}

/** What to do where there is no room. */
export function wayOutOf({ temporary, wayOut }: StageOptions): string {
  if (temporary) return `set TMPDIR, which is "${tmpdir()}", to a folder with more room`;
  return wayOut ?? 'free some space there, or name a file on another disk';
}

/** A file on its way: where it is written first, beside its place, and where it goes. */
export interface Staged {
  /** The place as its caller names it. */
  readonly path: string;
  readonly temporary: string;
  /** The place itself, behind symbolic links. */
  readonly target: string;
  /** Permissions of what is there; undefined where nothing is. */
  readonly mode: number | undefined;
}

/**
 * Where a file goes, and a new name beside it. Temporary files that killed processes have left in that folder are removed.
 * @throws OnnxPruneError `bad-file` where it is a directory, no regular file, or protected
 */
export async function stagingPlace(path: string): Promise<Staged> {
  const existed = await stat(path).then(
    (status) => status,
    () => undefined,
  );
  if (existed?.isDirectory()) {
    throw new OnnxPruneError('bad-file', path, `${path} is a directory, expected the name of a file to write.`);
  }
  if (existed && !existed.isFile()) {
    throw new OnnxPruneError('bad-file', path, `${path} is not a regular file, and only those can be written.`);
  }
  // Renaming would replace a file that its owner has protected.
  if (existed) await access(path, constants.W_OK);
  const target = existed ? await realpath(path) : path;
  await removeOrphans(dirname(target));
  return { path, temporary: temporaryBeside(target), target, mode: existed && existed.mode & 0o777 };
}

/** A new hidden name beside a file, marked with this process; see `processMark`. */
export function temporaryBeside(target: string): string {
  const name = `.${basename(target).slice(0, 64)}.${processMark()}-${randomBytes(6).toString('hex')}.tmp`;
  return join(dirname(target), name);
}

const TEMPORARY = /^\..+\.(\d+-[0-9a-f]{8})-[0-9a-f]{12}\.tmp$/;

async function removeOrphans(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const orphans = names.filter((name) => isOrphaned(TEMPORARY.exec(name)?.[1] ?? ''));
  await Promise.allSettled(orphans.map((name) => rm(join(folder, name), { force: true })));
}

/** Writes a staged file, and has it on the disk when this returns. @throws what the file system throws, or the signal's reason */
export async function writeStaged(place: Staged, parts: Parts, options: StageOptions): Promise<void> {
  options.signal?.throwIfAborted();
  removeAtExit(place.temporary);
  const handle = await open(place.temporary, 'wx');
  try {
    if (place.mode !== undefined) await handle.chmod(place.mode);
    for await (const batch of batches(parts)) {
      options.signal?.throwIfAborted();
      await writeBatch(handle, batch);
    }
    if (options.temporary !== true) await handle.sync();
  } finally {
    await handle.close();
  }
  options.signal?.throwIfAborted();
}

/** Removes staged files that have not been put in their places. */
export async function discard(places: readonly Pick<Staged, 'temporary'>[]): Promise<void> {
  await Promise.allSettled(places.map(({ temporary }) => rm(temporary, { force: true })));
  for (const { temporary } of places) unfinished.delete(temporary);
}

/** Has the names in the folders of some files on the disk, where the system can do that. */
export async function syncFolders(files: readonly string[]): Promise<void> {
  for (const folder of new Set(files.map((file) => dirname(file)))) {
    try {
      const handle = await open(folder, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    } catch {
      // Windows and some network file systems open or sync no folders; the files themselves are safe.
    }
  }
}

/** Says what is wrong with a path where an action on it fails. @throws OnnxPruneError `bad-file`, or the signal's reason */
export async function attempt<T>(path: string, options: StageOptions, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof OnnxPruneError || (options.signal?.aborted && error === options.signal.reason)) throw error;
    throw fileFault('write', path, error, wayOutOf(options));
  }
}

const unfinished = new Set<string>();
let isWatching = false;

/** A process that ends by itself in the midst of writing leaves nothing behind either. */
function removeAtExit(path: string): void {
  unfinished.add(path);
  if (isWatching) return;
  isWatching = true;
  process.once('exit', () => {
    for (const each of unfinished) rmSync(each, { force: true });
  });
}

async function* batches(parts: Parts): AsyncGenerator<Uint8Array[], void, undefined> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of parts) {
    for (let from = 0; from < part.length; from += batchBytes) {
      const piece = part.subarray(from, from + batchBytes);
      if (batch.length > 0 && (bytes + piece.length > batchBytes || batch.length === batchParts)) {
        yield batch;
        batch = [];
        bytes = 0;
      }
      batch.push(piece);
      bytes += piece.length;
    }
  }
  if (batch.length > 0) yield batch;
}

async function writeBatch(handle: FileHandle, batch: readonly Uint8Array[]): Promise<void> {
  let rest = [...batch];
  while (rest.length > 0) {
    let { bytesWritten } = await handle.writev(rest);
    // The system may write less than it was given.
    while (rest[0] !== undefined && bytesWritten >= rest[0].length) {
      bytesWritten -= rest[0].length;
      rest = rest.slice(1);
    }
    if (rest[0] !== undefined) rest[0] = rest[0].subarray(bytesWritten);
  }
}
