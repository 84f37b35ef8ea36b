import { open, readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { messageOf, OnnxPruneError } from '../src/errors.ts';
import { type NumpyArray, parseNpy } from './npy.ts';
import { isNpy } from './npy-header.ts';
import { isZip, parseNpz } from './npz.ts';

/** Arrays read from files, by name. */
export interface Samples {
  /** The path they were read from, for messages. */
  readonly source: string;
  readonly arrays: ReadonlyMap<string, NumpyArray>;
}

const EXTENSIONS: ReadonlySet<string> = new Set(['.npy', '.npz']);
const CHUNK = 2 ** 30;

/**
 * Reads calibration or test data: a .npz file (arrays by name), a .npy file (named after the file), or a
 * directory of both, merged. What a file is, is told from its first bytes; subdirectories are not entered.
 *
 * @throws OnnxPruneError `bad-file` when something cannot be read from disk, `bad-data` when it holds no usable arrays.
 */
export async function loadSamples(path: string): Promise<Samples> {
  const isDirectory = await onDisk(path, async () => (await stat(path)).isDirectory());
  if (!isDirectory) return { source: path, arrays: await loadFile(path) };
  const names = (await onDisk(path, () => readdir(path))).filter((name) => EXTENSIONS.has(extname(name))).sort();
  if (names.length === 0) {
    const message = `The directory ${path} holds no .npy or .npz file; put one .npy per model input there, named after it.`;
    throw new OnnxPruneError('bad-data', path, message);
  }
  return { source: path, arrays: await loadDirectory(path, names) };
}

async function loadDirectory(path: string, names: readonly string[]): Promise<ReadonlyMap<string, NumpyArray>> {
  const merged = new Map<string, NumpyArray>();
  const origin = new Map<string, string>();
  for (const file of names) {
    for (const [name, array] of await loadFile(join(path, file))) {
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

async function loadFile(path: string): Promise<ReadonlyMap<string, NumpyArray>> {
  const bytes = await onDisk(path, () => readWhole(path));
  if (isNpy(bytes)) return new Map([[basename(path, extname(path)), parseNpy(bytes, path)]]);
  if (isZip(bytes)) return parseNpz(bytes, path);
  const message = `${path} is neither a .npz nor a .npy file; write data with numpy.savez(path, input_name=array).`;
  throw new OnnxPruneError('bad-data', path, message);
}

/** The whole file in pieces: one read of more than 2 GiB is refused by Node. */
async function readWhole(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const bytes = new Uint8Array((await file.stat()).size);
    let at = 0;
    while (at < bytes.length) {
      const { bytesRead } = await file.read(bytes, at, Math.min(CHUNK, bytes.length - at), at);
      if (bytesRead === 0) throw new Error(`it ended after ${at} of ${bytes.length} bytes`);
      at += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

async function onDisk<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const message = `Cannot read ${path} (${messageOf(error)}); give a .npz file, a .npy file or a directory of them.`;
    throw new OnnxPruneError('bad-file', path, message, error);
  }
}
