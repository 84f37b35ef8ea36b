import { type ByteSource, partOf } from './byte-source.ts';

/** What is wrong with an archive, without its name and without a full stop. */
export class ZipDamage extends Error {
  override readonly name = 'ZipDamage';
}

/** How the bytes of an entry are kept; the numbers are those of the format. */
export const ZIP_METHOD = { stored: 0, deflated: 8 } as const;

/** One file in a zip archive, as the central directory describes it. */
export interface ZipEntry {
  readonly name: string;
  /** See `ZIP_METHOD`; others exist. */
  readonly method: number;
  readonly encrypted: boolean;
  /** CRC-32 of the content. */
  readonly checksum: number;
  /** Bytes in the archive. */
  readonly size: number;
  /** Bytes of the content. */
  readonly originalSize: number;
  /** Where its local header starts. */
  readonly offset: number;
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END_SIZE = 22;
const END64_SIZE = 56;
const LOCATOR_SIZE = 20;
const ENTRY_SIZE = 46;
const LOCAL_SIZE = 30;
const MAX_COMMENT = 0xffff;
/** Stands where a number is in the zip64 field, because it does not fit into 32 bits. */
const ELSEWHERE = 0xffffffff;
const EXTRA64 = 1;
/** The directory of more entries than any data set has arrays is not read into memory. */
const MAX_DIRECTORY = 64 * 2 ** 20;

/** True when the bytes start as a zip archive does; an empty archive starts with its end record. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

/**
 * Reads the central directory of a zip archive (PKWARE's APPNOTE.TXT 6.3.10, 4.3.12 to 4.3.16), zip64 included. Contents
 * are not touched.
 * @throws ZipDamage
 */
export async function readZipDirectory(archive: ByteSource): Promise<ZipEntry[]> {
  const { start, size, count } = await findDirectory(archive);
  if (size > MAX_DIRECTORY)
    throw new ZipDamage(`its directory claims ${size} bytes, where ${MAX_DIRECTORY} is the limit`);
  if (start + size > archive.size) throw new ZipDamage('its directory lies beyond its end');
  const bytes = await archive.read(start, start + size);
  const entries: ZipEntry[] = [];
  for (let at = 0; entries.length < count; ) {
    const view = viewOf(bytes.subarray(at));
    if (view.byteLength < ENTRY_SIZE || view.getUint32(0, true) !== ENTRY)
      throw new ZipDamage('its directory is cut off');
    const [name = 0, extra = 0, comment = 0] = [28, 30, 32].map((offset) => view.getUint16(offset, true));
    const length = ENTRY_SIZE + name + extra + comment;
    if (view.byteLength < length) throw new ZipDamage('its directory is cut off');
    entries.push(readEntry(bytes.subarray(at, at + length), name, extra));
    at += length;
  }
  return entries;
}

/**
 * The bytes of an entry as they are in the archive, still compressed.
 * @throws ZipDamage
 */
export async function entryBytes(archive: ByteSource, { name, offset, size }: ZipEntry): Promise<ByteSource> {
  const header = offset + LOCAL_SIZE;
  if (header > archive.size) throw new ZipDamage(`entry '${name}' lies beyond its end`);
  const view = viewOf(await archive.read(offset, header));
  if (view.getUint32(0, true) !== LOCAL) throw new ZipDamage(`entry '${name}' is not where the directory says`);
  const start = header + view.getUint16(26, true) + view.getUint16(28, true);
  if (start + size > archive.size) throw new ZipDamage(`entry '${name}' is cut off`);
  return partOf(archive, start, size);
}

interface Directory {
  readonly start: number;
  readonly size: number;
  readonly count: number;
}

async function findDirectory(archive: ByteSource): Promise<Directory> {
  const from = Math.max(0, archive.size - END_SIZE - MAX_COMMENT - LOCATOR_SIZE);
  const view = viewOf(await archive.read(from, archive.size));
  for (let end = view.byteLength - END_SIZE; end >= 0; end -= 1) {
    if (view.getUint32(end, true) !== END) continue;
    // A record whose comment does not reach the end is a coincidence of bytes inside a comment.
    if (end + END_SIZE + view.getUint16(end + 20, true) > view.byteLength) continue;
    const plain = {
      count: view.getUint16(end + 10, true),
      size: view.getUint32(end + 12, true),
      start: view.getUint32(end + 16, true),
    };
    return (await findDirectory64(archive, view, end - LOCATOR_SIZE)) ?? plain;
  }
  throw new ZipDamage('it has no end record');
}

/** As the zip64 records in front of the end record say, which writers add when an archive is large. */
async function findDirectory64(archive: ByteSource, tail: DataView, locator: number): Promise<Directory | undefined> {
  if (locator < 0 || tail.getUint32(locator, true) !== LOCATOR64) return undefined;
  const end = longAt(tail, locator + 8);
  if (end + END64_SIZE > archive.size) throw new ZipDamage('its zip64 record lies beyond its end');
  const view = viewOf(await archive.read(end, end + END64_SIZE));
  if (view.getUint32(0, true) !== END64) throw new ZipDamage('its zip64 record is not where it should be');
  return { count: longAt(view, 32), size: longAt(view, 40), start: longAt(view, 48) };
}

/** @param bytes the record with its name, which is `name` bytes long, and its extra fields, which are `extra` */
function readEntry(bytes: Uint8Array, name: number, extra: number): ZipEntry {
  const view = viewOf(bytes);
  const flags = view.getUint16(8, true);
  const text = bytes.subarray(ENTRY_SIZE, ENTRY_SIZE + name);
  const long = zip64Numbers(viewOf(bytes.subarray(ENTRY_SIZE + name, ENTRY_SIZE + name + extra)));
  // Those that do not fit are in the zip64 field, in this order.
  const [originalSize = 0, size = 0, offset = 0] = [24, 20, 42].map((at) => {
    const number = view.getUint32(at, true);
    return number === ELSEWHERE ? (long.shift() ?? number) : number;
  });
  return {
    name: (flags & 0x800) === 0 ? Buffer.from(text).toString('latin1') : new TextDecoder().decode(text),
    method: view.getUint16(10, true),
    encrypted: (flags & 1) !== 0,
    checksum: view.getUint32(16, true),
    size,
    originalSize,
    offset,
  };
}

function zip64Numbers(extra: DataView): number[] {
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const [id, length] = [extra.getUint16(at, true), extra.getUint16(at + 2, true)];
    at += 4;
    if (id === EXTRA64) {
      const count = Math.floor(Math.min(length, extra.byteLength - at) / 8);
      return Array.from({ length: count }, (_, i) => longAt(extra, at + 8 * i));
    }
    at += length;
  }
  return [];
}

function longAt(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
