import { crc32 } from 'node:zlib';

/** One entry of an archive that is put together by hand; what is left out is as usual. */
export interface HandEntry {
  readonly name: string | Uint8Array;
  /** The bytes in the archive. */
  readonly kept: Uint8Array;
  /** The bytes of the content, where they are others. */
  readonly content?: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  /** Sizes and offsets go into the zip64 field. */
  readonly zip64?: boolean;
}

/** A zip archive as PKWARE's APPNOTE.TXT describes it, with forms that writers rarely choose. */
export function zipBytes(
  entries: readonly HandEntry[],
  { comment = '', zip64 = false }: { readonly comment?: string; readonly zip64?: boolean } = {},
): Uint8Array {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  for (const { name, kept, content = kept, method = 0, flags = 0x800, zip64: long = false } of entries) {
    const offset = locals.reduce((sum, part) => sum + part.length, 0);
    const label = Buffer.from(name);
    const shared = { method, flags, checksum: crc32(content), size: kept.length, original: content.length, label };
    // As NumPy writes it: the field in the local header has a length of its own.
    locals.push(local(shared, Buffer.concat([Buffer.from([1, 0, 16, 0]), Buffer.alloc(16)])), Buffer.from(kept));
    directory.push(central(shared, offset, long));
  }
  const [start, size] = [locals, directory].map((parts) => parts.reduce((sum, part) => sum + part.length, 0));
  const tail = zip64 ? [end64(entries.length, size ?? 0, start ?? 0)] : [];
  const end = endRecord(entries.length, size ?? 0, start ?? 0, { comment, zip64 });
  return Buffer.concat([...locals, ...directory, ...tail, end]);
}

/** What the archive says of an entry. */
export interface Header {
  readonly label: Buffer;
  readonly method: number;
  readonly flags: number;
  readonly checksum: number;
  /** Bytes in the archive, and of the content. */
  readonly size: number;
  readonly original: number;
}

/** What stands before and behind the kept bytes in an archive of one entry, for contents that are not in memory. */
export function zipFrame(header: Header): { readonly before: Buffer; readonly after: Buffer } {
  const before = local(header, Buffer.alloc(0));
  const directory = central(header, 0, false);
  const end = endRecord(1, directory.length, before.length + header.size, { comment: '', zip64: false });
  return { before, after: Buffer.concat([directory, end]) };
}

function endRecord(
  count: number,
  size: number,
  start: number,
  { comment, zip64 }: { readonly comment: string; readonly zip64: boolean },
): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(zip64 ? 0xffff : count, 10);
  end.writeUInt32LE(zip64 ? 0xffffffff : size, 12);
  end.writeUInt32LE(zip64 ? 0xffffffff : start, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([end, Buffer.from(comment, 'latin1')]);
}

function local({ method, flags, checksum, size, original, label }: Header, extra: Buffer): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(flags, 6);
  header.writeUInt16LE(method, 8);
  header.writeUInt32LE(checksum, 14);
  header.writeUInt32LE(size, 18);
  header.writeUInt32LE(original, 22);
  header.writeUInt16LE(label.length, 26);
  header.writeUInt16LE(extra.length, 28);
  return Buffer.concat([header, label, extra]);
}

function central({ method, flags, checksum, size, original, label }: Header, offset: number, long: boolean): Buffer {
  // Another field comes first, which readers pass over.
  const extra = long
    ? Buffer.concat([Buffer.from([0x55, 0x54, 1, 0, 7, 1, 0, 24, 0]), Buffer.alloc(24)])
    : Buffer.alloc(0);
  if (long) {
    for (const [i, number] of [original, size, offset].entries()) extra.writeBigUInt64LE(BigInt(number), 9 + 8 * i);
  }
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(flags, 8);
  header.writeUInt16LE(method, 10);
  header.writeUInt32LE(checksum, 16);
  header.writeUInt32LE(long ? 0xffffffff : size, 20);
  header.writeUInt32LE(long ? 0xffffffff : original, 24);
  header.writeUInt16LE(label.length, 28);
  header.writeUInt16LE(extra.length, 30);
  header.writeUInt32LE(long ? 0xffffffff : offset, 42);
  return Buffer.concat([header, label, extra]);
}

/** The zip64 end record and its locator. */
function end64(count: number, size: number, start: number): Buffer {
  const record = Buffer.alloc(76);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(size), 40);
  record.writeBigUInt64LE(BigInt(start), 48);
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(start + size), 64);
  record.writeUInt32LE(1, 72);
  return record;
}
