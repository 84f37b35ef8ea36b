import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OnnxPruneError } from '../errors.ts';
import { type Staged, type StageOptions, wayOutOf } from './staged-file.ts';

/** What a device is to take. */
interface Load {
  readonly folder: string;
  readonly path: string;
  /** Whole blocks of the file system. */
  needed: number;
  readonly free: number;
}

/**
 * Makes sure, before anything is written, that there is room for files. What they replace stays until they are whole, so that it
 * counts for nothing. Where a file system does not say how much room it has, the writing itself will tell.
 *
 * @param files with their sizes in bytes, where those are known beforehand
 * @throws OnnxPruneError `bad-file` saying what is needed and what is free
 */
export async function checkRoom(
  files: readonly { readonly place: Staged; readonly bytes: number | undefined }[],
  options: StageOptions,
): Promise<void> {
  const loads = new Map<number, Load>();
  for (const { place, bytes } of files) {
    if (bytes === undefined) continue;
    const folder = dirname(place.target);
    try {
      const { dev } = await stat(folder);
      const { blocks, bavail, bsize } = await statfs(folder);
      if (blocks === 0 || bsize === 0) continue;
      const needed = Math.ceil(bytes / bsize) * bsize;
      const load = loads.get(dev);
      if (load === undefined) loads.set(dev, { folder, path: place.path, needed, free: bavail * bsize });
      else load.needed += needed;
    } catch {
      // Some systems and file systems do not say; a folder that is not there is named when it is written to.
    }
  }
  for (const { folder, path, needed, free } of loads.values()) {
    if (needed <= free) continue;
    // The name of a run's own folder tells nobody anything.
    const where = options.temporary ? 'in the folder for temporary files' : `on the disk of "${folder}"`;
    throw new OnnxPruneError(
      'bad-file',
      path,
      `${path} cannot be written: it needs ${needed} bytes ${where}, where ${free} are free; ${wayOutOf(options)}.`,
    );
  }
}
