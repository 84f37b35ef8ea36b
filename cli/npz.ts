import { crc32 } from 'node:zlib';
import { type UnzipFileInfo, unzip } from 'fflate';
import { messageOf, OnnxPruneError } from '../src/errors.ts';
import { type NumpyArray, parseNpy } from './npy.ts';
import { zipChecksums } from './zip-checksums.ts';

/** All arrays of one file together must stay below this when inflated: 8 GiB. */
const MAX_TOTAL = 8 * 2 ** 30;

/** Deflate cannot shrink anything more than 1,032 times; a directory that claims more is lying. */
const MAX_RATIO = 1032;

/** Rounding of the last deflate block makes tiny entries look denser than they are. */
const RATIO_SLACK = 4096;

const SUFFIX = '.npy';

/** True when the bytes start as a zip archive does; an empty archive starts with its end record. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

/**
 * Reads the arrays of a .npz file, by name without `.npy`. Entries of other kinds are passed over.
 * The directory is checked before anything is inflated, so that a zip bomb costs no memory.
 *
 * @param source what to call the file in messages
 * @throws OnnxPruneError `bad-data` when it is no zip archive, is damaged, holds no arrays, one twice, or claims absurd sizes.
 */
export async function parseNpz(bytes: Uint8Array, source: string): Promise<ReadonlyMap<string, NumpyArray>> {
  const entries = await listEntries(bytes, source);
  const wanted = entries.filter((entry) => entry.name.endsWith(SUFFIX));
  checkEntries(entries, wanted, bytes.length, source);
  const files = await extract(bytes, source, (entry) => entry.name.endsWith(SUFFIX));
  const checksums = zipChecksums(bytes);
  const arrays = new Map<string, NumpyArray>();
  for (const { name, originalSize } of wanted) {
    const content = files[name];
    if (content?.length !== originalSize || crc32(content) !== checksums.get(name)) {
      const found = content === undefined ? 'nothing' : `${content.length} bytes`;
      throw bad(
        source,
        `${source} is damaged: entry '${name}' inflates to ${found} that do not match its size (${originalSize}) and checksum; copy or write the file again.`,
      );
    }
    arrays.set(name.slice(0, -SUFFIX.length), parseNpy(content, `${source}:${name}`));
  }
  return arrays;
}

async function listEntries(bytes: Uint8Array, source: string): Promise<UnzipFileInfo[]> {
  if (!isZip(bytes))
    throw bad(source, `${source} is no .npz file: it is not a zip archive; write it with numpy.savez.`);
  const entries: UnzipFileInfo[] = [];
  await extract(bytes, source, (entry) => {
    entries.push(entry);
    return false;
  });
  return entries;
}

function checkEntries(
  all: readonly UnzipFileInfo[],
  wanted: readonly UnzipFileInfo[],
  fileSize: number,
  source: string,
): void {
  if (wanted.length === 0) {
    const found = all.length === 0 ? 'nothing' : list(all.map((entry) => entry.name));
    throw bad(
      source,
      `${source} holds no .npy arrays but ${found}; write it with numpy.savez(path, input_name=array).`,
    );
  }
  const seen = new Set<string>();
  let total = 0;
  for (const { name, size, originalSize } of wanted) {
    if (seen.has(name)) {
      throw bad(source, `${source} holds the entry '${name}' twice; write it again with each array once.`);
    }
    seen.add(name);
    total += originalSize;
    if (size > fileSize || originalSize > size * MAX_RATIO + RATIO_SLACK) {
      throw bad(
        source,
        `${source} is damaged: entry '${name}' claims to inflate ${size} bytes to ${originalSize}, which deflate cannot do; write the file again.`,
      );
    }
  }
  if (total > MAX_TOTAL) {
    throw bad(
      source,
      `${source} inflates to ${total} bytes, over the limit of ${MAX_TOTAL}; use fewer samples, a few hundred are enough to calibrate.`,
    );
  }
}

function extract(
  bytes: Uint8Array,
  source: string,
  filter: (entry: UnzipFileInfo) => boolean,
): Promise<Record<string, Uint8Array>> {
  return new Promise((resolve, reject) => {
    function fail(error: unknown): void {
      const message = `${source} is a damaged .npz file (${messageOf(error)}); copy or write it again.`;
      reject(new OnnxPruneError('bad-data', source, message, error));
    }
    try {
      // A damaged directory can make fflate throw instead of calling back.
      unzip(bytes, { filter }, (error, files) => (error ? fail(error) : resolve(files)));
    } catch (error) {
      fail(error);
    }
  });
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `'${name}'`);
  return names.length > shown.length ? `${shown.join(', ')} and ${names.length - shown.length} more` : shown.join(', ');
}

function bad(source: string, message: string): OnnxPruneError {
  return new OnnxPruneError('bad-data', source, message);
}
