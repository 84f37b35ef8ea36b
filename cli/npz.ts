import { crc32 } from 'node:zlib';
import { OnnxPruneError } from '../src/errors.ts';
import { type ByteSource, type MakeScratch, piecesOf } from './byte-source.ts';
import { inflate } from './inflate.ts';
import { entryBytes, isZip, readZipDirectory, ZIP_METHOD, ZipDamage, type ZipEntry } from './zip-directory.ts';

/** All arrays of one file together must stay below this when they are inflated into memory: 8 GiB. */
export const MOST_IN_MEMORY: number = 8 * 2 ** 30;

/** Deflate cannot shrink anything more than 1,032 times; a directory that claims more is lying. */
const MAX_RATIO = 1032;

/** Rounding of the last deflate block makes tiny entries look denser than they are. */
const RATIO_SLACK = 4096;

const SUFFIX = '.npy';

/** How a .npz file is opened. */
export interface NpzOptions {
  /** Where entries go that have to be inflated. */
  readonly scratch: MakeScratch;
  /** How many bytes all arrays may have together; no limit where left out. */
  readonly most?: number | undefined;
  /** Hears how many bytes have been checked. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * The .npy files in a .npz file, by name without `.npy`, to be read by position: stored ones where they are in the
 * archive, deflated ones from where they were inflated to. Every byte has been held against its entry's checksum. Entries
 * of other kinds are passed over. The directory is checked before anything is inflated, so that a zip bomb costs nothing.
 *
 * @param source what to call the file in messages
 * @throws OnnxPruneError `bad-data` when it is no zip archive, is damaged, holds no arrays, one twice, or claims absurd sizes.
 */
export async function openNpz(
  archive: ByteSource,
  source: string,
  { scratch, most, onProgress }: NpzOptions,
): Promise<ReadonlyMap<string, ByteSource>> {
  const entries = await listEntries(archive, source);
  const wanted = entries.filter((entry) => entry.name.endsWith(SUFFIX));
  checkEntries(entries, wanted, archive.size, source, most);
  const total = wanted.reduce((sum, { originalSize }) => sum + originalSize, 0);
  let done = 0;
  const tell = (bytes: number): void => {
    done += bytes;
    onProgress?.(done, total);
  };
  const files = new Map<string, ByteSource>();
  for (const entry of wanted) {
    const content = await asDamage(source, async () => {
      const kept = await entryBytes(archive, entry);
      return entry.method === ZIP_METHOD.stored
        ? await checkStored(kept, entry, source, tell)
        : await inflateEntry(kept, entry, source, scratch, tell);
    });
    files.set(entry.name.slice(0, -SUFFIX.length), content);
  }
  return files;
}

/** What messages call an array in a .npz file. */
export function entryName(source: string, array: string): string {
  return `${source}:${array}${SUFFIX}`;
}

async function listEntries(archive: ByteSource, source: string): Promise<ZipEntry[]> {
  if (!isZip(await archive.read(0, Math.min(4, archive.size))))
    throw bad(source, `${source} is no .npz file: it is not a zip archive; write it with numpy.savez.`);
  return await asDamage(source, () => readZipDirectory(archive));
}

async function checkStored(
  kept: ByteSource,
  entry: ZipEntry,
  source: string,
  tell: (bytes: number) => void,
): Promise<ByteSource> {
  let checksum = 0;
  for await (const piece of piecesOf(kept)) {
    checksum = crc32(piece, checksum);
    tell(piece.length);
  }
  if (kept.size !== entry.originalSize || checksum !== entry.checksum) throw notAsStated(source, entry, kept.size);
  return kept;
}

async function inflateEntry(
  kept: ByteSource,
  entry: ZipEntry,
  source: string,
  scratch: MakeScratch,
  tell: (bytes: number) => void,
): Promise<ByteSource> {
  const content = await scratch(entry.originalSize, `${source}:${entry.name}`);
  let [done, checksum] = [0, 0];
  for await (const piece of inflate(piecesOf(kept))) {
    if (done + piece.length > content.size) throw notAsStated(source, entry, done + piece.length);
    await content.write(piece, done);
    checksum = crc32(piece, checksum);
    done += piece.length;
    tell(piece.length);
  }
  if (done !== content.size || checksum !== entry.checksum) throw notAsStated(source, entry, done);
  return content;
}

function notAsStated(source: string, { name, originalSize }: ZipEntry, found: number): OnnxPruneError {
  return bad(
    source,
    `${source} is damaged: entry '${name}' inflates to ${found} bytes that do not match its size (${originalSize}) and checksum; copy or write the file again.`,
  );
}

function checkEntries(
  all: readonly ZipEntry[],
  wanted: readonly ZipEntry[],
  fileSize: number,
  source: string,
  most = Number.POSITIVE_INFINITY,
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
  for (const { name, size, originalSize, method, encrypted } of wanted) {
    if (seen.has(name)) {
      throw bad(source, `${source} holds the entry '${name}' twice; write it again with each array once.`);
    }
    seen.add(name);
    total += originalSize;
    if (encrypted || (method !== ZIP_METHOD.stored && method !== ZIP_METHOD.deflated)) {
      const how = encrypted ? 'encrypted' : `compressed by method ${method}`;
      throw bad(
        source,
        `${source} holds the entry '${name}' ${how}, where stored and deflated ones can be read; write it with numpy.savez or numpy.savez_compressed.`,
      );
    }
    if (size > fileSize || originalSize > size * MAX_RATIO + RATIO_SLACK) {
      throw bad(
        source,
        `${source} is damaged: entry '${name}' claims to inflate ${size} bytes to ${originalSize}, which deflate cannot do; write the file again.`,
      );
    }
  }
  checkApart(wanted, source);
  if (total > most) {
    throw bad(
      source,
      `${source} inflates to ${total} bytes, over the limit of ${most}; use fewer samples, a few hundred are enough to calibrate.`,
    );
  }
}

/**
 * Entries that share bytes stand for more than the file can hold: megabytes for terabytes.
 * Source: David Fifield, "A better zip bomb", USENIX WOOT 2019.
 */
function checkApart(entries: readonly ZipEntry[], source: string): void {
  let end = 0;
  for (const { name, offset, size } of [...entries].sort((a, b) => a.offset - b.offset)) {
    if (offset < end)
      throw bad(source, `${source} is damaged: entry '${name}' shares bytes with another one; write the file again.`);
    end = offset + size;
  }
}

/** Says which archive is damaged. */
async function asDamage<T>(source: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof ZipDamage)) throw error;
    const message = `${source} is a damaged .npz file (${error.message}); copy or write it again.`;
    throw new OnnxPruneError('bad-data', source, message, error);
  }
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `'${name}'`);
  return names.length > shown.length ? `${shown.join(', ')} and ${names.length - shown.length} more` : shown.join(', ');
}

function bad(source: string, message: string): OnnxPruneError {
  return new OnnxPruneError('bad-data', source, message);
}
