import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { OnnxPruneError } from '../errors.ts';
import { fileFault } from './file-fault.ts';

/** One call writes at most this much, so that other work gets its turn and the kernel's limits are never met. */
const batchBytes = 2 ** 26;
const batchParts = 512;

/** A file to be written: its path and its content, one part after the other, which may be made while it is written. */
export interface FileContent {
  readonly path: string;
  readonly parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

interface Staged {
  readonly path: string;
  readonly temporary: string;
  readonly target: string;
  readonly existed: boolean;
}

/**
 * Writes files so that each path has either its old content or the whole new one: all go to temporary files beside
 * their targets and onto the disk first, then they are renamed, in the given order. Where anything fails, the temporary
 * files and those new files that were already in place are removed. Symbolic links are followed; modes are kept.
 *
 * @throws OnnxPruneError `bad-file` naming the path that could not be written, and why
 */
export async function replaceFiles(files: readonly FileContent[]): Promise<void> {
  const staged: Staged[] = [];
  const placed: Staged[] = [];
  try {
    for (const file of files) {
      const place = await attempt(file.path, () => stagingPlace(file.path));
      staged.push(place);
      await attempt(file.path, () => writeNew(place, file.parts));
    }
    for (const place of staged) {
      await attempt(place.path, () => rename(place.temporary, place.target));
      placed.push(place);
    }
  } catch (error) {
    const fresh = placed.filter(({ existed }) => !existed).map(({ target }) => target);
    const leftovers = [...staged.map(({ temporary }) => temporary), ...fresh];
    await Promise.allSettled(leftovers.map((leftover) => rm(leftover, { force: true })));
    throw error;
  }
}

async function stagingPlace(path: string): Promise<Staged> {
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
  const suffix = `${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
  const temporary = join(dirname(target), `.${basename(target).slice(0, 64)}.${suffix}`);
  return { path, temporary, target, existed: existed !== undefined };
}

async function writeNew(place: Staged, parts: FileContent['parts']): Promise<void> {
  const handle = await open(place.temporary, 'wx');
  try {
    if (place.existed) await handle.chmod((await stat(place.target)).mode & 0o777);
    for await (const batch of batches(parts)) await writeBatch(handle, batch);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function* batches(parts: FileContent['parts']): AsyncGenerator<Uint8Array[], void, undefined> {
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

async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw error instanceof OnnxPruneError ? error : fileFault('write', path, error);
  }
}
