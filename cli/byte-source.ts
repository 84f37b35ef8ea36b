/** Bytes that can be read from any position: of a file, of a part of one, or in memory. */
export interface ByteSource {
  readonly size: number;
  /**
   * The bytes `from` (included) to `to` (excluded), which must be there.
   * @throws OnnxPruneError `bad-file` where the disk does not give them
   */
  read(from: number, to: number): Promise<Uint8Array>;
}

/** Bytes that are made once, in any order, and then read from any position. */
export interface Scratch extends ByteSource {
  write(bytes: Uint8Array, at: number): Promise<void>;
}

/** Makes room for so many bytes. @param what they are, for messages */
export type MakeScratch = (size: number, what: string) => Promise<Scratch>;

/** How much is read at a time where all of something is gone through. */
const PIECE = 4 * 2 ** 20;

/** Bytes in memory; what is read shares it. */
export function inMemory(bytes: Uint8Array): Scratch {
  return {
    size: bytes.length,
    read: async (from, to) => bytes.subarray(from, to),
    write: async (part, at) => bytes.set(part, at),
  };
}

/** Room in memory, for data that are wanted whole. */
export async function memoryScratch(size: number): Promise<Scratch> {
  return inMemory(new Uint8Array(size));
}

/** A part of a source. */
export function partOf(source: ByteSource, start: number, size: number): ByteSource {
  return { size, read: (from, to) => source.read(start + from, start + to) };
}

/** All bytes of a source in pieces of a few megabytes. */
export async function* piecesOf(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < source.size; at += PIECE) yield await source.read(at, Math.min(at + PIECE, source.size));
}
