import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { OnnxPruneError } from '../src/errors.ts';
import type { ByteSource } from './byte-source.ts';
import { type DiskBytes, onDisk } from './disk-bytes.ts';
import { isNpy } from './npy-header.ts';
import { entryName, type NpzOptions, openNpz } from './npz.ts';
import { isZip } from './zip-directory.ts';

/** The bytes of a .npy file, wherever they are. */
export interface ArrayFile {
  readonly bytes: ByteSource;
  /** What to call it in messages. */
  readonly source: string;
}

const EXTENSIONS: ReadonlySet<string> = new Set(['.npy', '.npz']);

/**
 * Opens calibration or test data, by the names of the arrays: a .npz file, a .npy file (named after the file), or a
 * directory of both, merged. What a file is, is told from its first bytes; subdirectories are not entered.
 *
 * @param disk keeps what is open, and is closed by the caller
 * @throws OnnxPruneError `bad-file` when something cannot be read from disk, `bad-data` when it is no file of arrays.
 */
export async function openArrayFiles(
  path: string,
  disk: DiskBytes,
  options: NpzOptions,
): Promise<ReadonlyMap<string, ArrayFile>> {
  const isDirectory = await onDisk(path, async () => (await stat(path)).isDirectory());
  if (!isDirectory) return await openFile(path, disk, options);
  const names = (await onDisk(path, () => readdir(path))).filter((name) => EXTENSIONS.has(extname(name))).sort();
  if (names.length === 0) {
    const message = `The directory ${path} holds no .npy or .npz file; put one .npy per model input there, named after it.`;
    throw new OnnxPruneError('bad-data', path, message);
  }
  const merged = new Map<string, ArrayFile>();
  const origin = new Map<string, string>();
  for (const file of names) {
    for (const [name, array] of await openFile(join(path, file), disk, options)) {
      const earlier = origin.get(name);
      if (earlier !== undefined) {
        const message = `Two files in ${path} hold an array '${name}': ${earlier} and ${file}; keep one, or name one of the arrays otherwise.`;
        throw new OnnxPruneError('bad-data', path, message);
      }
      origin.set(name, file);
      merged.set(name, array);
    }
  }
  return merged;
}

async function openFile(path: string, disk: DiskBytes, options: NpzOptions): Promise<ReadonlyMap<string, ArrayFile>> {
  const bytes = await disk.open(path);
  const start = await bytes.read(0, Math.min(8, bytes.size));
  if (isNpy(start)) return new Map([[basename(path, extname(path)), { bytes, source: path }]]);
  if (isZip(start)) {
    const entries = await openNpz(bytes, path, options);
    return new Map([...entries].map(([name, entry]) => [name, { bytes: entry, source: entryName(path, name) }]));
  }
  const message = `${path} is neither a .npz nor a .npy file; write data with numpy.savez(path, input_name=array).`;
  throw new OnnxPruneError('bad-data', path, message);
}
