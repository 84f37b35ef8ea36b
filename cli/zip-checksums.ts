const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const ENTRY = 0x02014b50;
const END_SIZE = 22;
const LOCATOR_SIZE = 20;
const ENTRY_SIZE = 46;
const MAX_COMMENT = 0xffff;

/**
 * The CRC-32 of every entry of a zip archive by its name, from the central directory. fflate reads sizes and contents
 * but not checksums, and without them a flipped bit in calibration data would pass unseen.
 * Entries after a damaged record are missing from the result.
 */
export function zipChecksums(bytes: Uint8Array): ReadonlyMap<string, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const checksums = new Map<string, number>();
  let at = directoryStart(view);
  while (at + ENTRY_SIZE <= view.byteLength && view.getUint32(at, true) === ENTRY) {
    const lengths = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const [nameLength = 0, extraLength = 0, commentLength = 0] = lengths;
    const name = new TextDecoder().decode(bytes.subarray(at + ENTRY_SIZE, at + ENTRY_SIZE + nameLength));
    checksums.set(name, view.getUint32(at + 16, true));
    at += ENTRY_SIZE + nameLength + extraLength + commentLength;
  }
  return checksums;
}

/** Where the central directory starts; the end of the file where there is none. */
function directoryStart(view: DataView): number {
  const size = view.byteLength;
  for (let end = size - END_SIZE; end >= Math.max(0, size - END_SIZE - MAX_COMMENT); end -= 1) {
    if (view.getUint32(end, true) !== END) continue;
    return directoryStart64(view, end - LOCATOR_SIZE) ?? view.getUint32(end + 16, true);
  }
  return size;
}

/** As the zip64 records in front of the end record say, which writers add when an archive is large. */
function directoryStart64(view: DataView, locator: number): number | undefined {
  if (locator < 0 || view.getUint32(locator, true) !== LOCATOR64) return undefined;
  const end64 = Number(view.getBigUint64(locator + 8, true));
  if (end64 + 56 > view.byteLength || view.getUint32(end64, true) !== END64) return undefined;
  return Number(view.getBigUint64(end64 + 48, true));
}
