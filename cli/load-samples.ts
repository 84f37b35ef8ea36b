import { openArrayFiles } from './array-files.ts';
import { memoryScratch } from './byte-source.ts';
import { DiskBytes } from './disk-bytes.ts';
import { type NumpyArray, parseNpy } from './npy.ts';
import { MOST_IN_MEMORY } from './npz.ts';

/** Arrays read from files, by name. */
export interface Samples {
  /** The path they were read from, for messages. */
  readonly source: string;
  readonly arrays: ReadonlyMap<string, NumpyArray>;
}

/**
 * Reads data whole into memory: a .npz file (arrays by name), a .npy file (named after the file), or a directory of both,
 * merged; see `openArrayFiles`.
 *
 * @throws OnnxPruneError `bad-file` when something cannot be read from disk, `bad-data` when it holds no usable arrays.
 */
export async function loadSamples(path: string): Promise<Samples> {
  const disk = new DiskBytes();
  try {
    const files = await openArrayFiles(path, disk, { scratch: memoryScratch, most: MOST_IN_MEMORY });
    const arrays = new Map<string, NumpyArray>();
    for (const [name, { bytes, source }] of files) arrays.set(name, parseNpy(await bytes.read(0, bytes.size), source));
    return { source: path, arrays };
  } finally {
    await disk.close();
  }
}
