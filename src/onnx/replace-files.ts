import { rename, rm } from 'node:fs/promises';
import { checkRoom } from './disk-room.ts';
import {
  attempt,
  discard,
  type Parts,
  type Staged,
  type StageOptions,
  stagingPlace,
  syncFolders,
  writeStaged,
} from './staged-file.ts';

/** A file to be written: its path and its content. */
export interface FileContent {
  readonly path: string;
  readonly parts: Parts;
  /** Size of all parts together, where it is known beforehand: without room for that much, nothing is begun. */
  readonly bytes?: number | undefined;
}

/**
 * Writes files so that each path has either its old content or the whole new one, even if the process is killed or the power fails:
 * all go to temporary files beside their targets and onto the disk first, then they are renamed, in the given order. Where anything
 * fails, the temporary files and those new files that were already in place are removed. Symbolic links are followed; modes are kept.
 * Files that belong together, one replacing its old self after the other, need more: see `replacePair`.
 *
 * @throws OnnxPruneError `bad-file` naming the path that could not be written, and why; the signal's reason where aborted
 */
export async function replaceFiles(files: readonly FileContent[], options: StageOptions = {}): Promise<void> {
  const staged: Staged[] = [];
  const placed: Staged[] = [];
  try {
    const sized: { place: Staged; bytes: number | undefined; parts: Parts }[] = [];
    for (const { path, bytes, parts } of files) {
      sized.push({ place: await attempt(path, options, () => stagingPlace(path)), bytes, parts });
    }
    await checkRoom(sized, options);
    for (const { place, parts } of sized) {
      staged.push(place);
      await attempt(place.path, options, () => writeStaged(place, parts, options));
    }
    for (const place of staged) {
      await attempt(place.path, options, () => rename(place.temporary, place.target));
      placed.push(place);
    }
  } catch (error) {
    const fresh = placed.filter(({ mode }) => mode === undefined).map(({ target }) => target);
    await Promise.allSettled(fresh.map((each) => rm(each, { force: true })));
    throw error;
  } finally {
    await discard(staged);
  }
  if (options.temporary !== true) await syncFolders(placed.map(({ target }) => target));
}
