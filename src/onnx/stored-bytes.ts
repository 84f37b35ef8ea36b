import { closeSync, openSync, readSync } from 'node:fs';
import { fileFault } from './file-fault.ts';

/** Node refuses to read 2 GiB at once. */
const chunkBytes = 2 ** 30;
/** Pieces in which {@link piecesOf} goes through a file. */
const pieceBytes = 2 ** 24;

/** Bytes that stay in a file until somebody asks for them: a range of it, which must not change meanwhile. */
export class StoredBytes {
  readonly path: string;
  /** First byte in the file. */
  readonly offset: number;
  readonly byteLength: number;

  constructor(path: string, offset: number, byteLength: number) {
    this.path = path;
    this.offset = offset;
    this.byteLength = byteLength;
  }

  /**
   * Reads them into memory of their own, which is aligned for any type.
   * @throws OnnxPruneError `bad-file` where the file is gone, cannot be read, or has become shorter
   */
  read(): Uint8Array {
    return this.#withFile((descriptor) => readRange(descriptor, this.offset, this.byteLength));
  }

  /**
   * The same piece by piece, 16 MiB at a time.
   * @throws OnnxPruneError as `read` does
   */
  *pieces(): Generator<Uint8Array, void, undefined> {
    for (let from = 0; from < this.byteLength; from += pieceBytes) {
      const length = Math.min(pieceBytes, this.byteLength - from);
      yield this.#withFile((descriptor) => readRange(descriptor, this.offset + from, length));
    }
  }

  #withFile<T>(use: (descriptor: number) => T): T {
    try {
      const descriptor = openSync(this.path, 'r');
      try {
        return use(descriptor);
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      throw fileFault('read', this.path, error);
    }
  }
}

/** Bytes at hand, or in a file. */
export type Bytes = Uint8Array | StoredBytes;

/** Bytes at hand: read where they are in a file. @throws OnnxPruneError as `StoredBytes.read` does */
export function atHand(bytes: Bytes): Uint8Array {
  return bytes instanceof StoredBytes ? bytes.read() : bytes;
}

/** All bytes in their order, those in files 16 MiB at a time. @throws OnnxPruneError as `StoredBytes.read` does */
export function* piecesOf(parts: Iterable<Bytes>): Generator<Uint8Array, void, undefined> {
  for (const part of parts) {
    if (part instanceof StoredBytes) yield* part.pieces();
    else yield part;
  }
}

function readRange(descriptor: number, offset: number, byteLength: number): Uint8Array {
  // Memory that is overwritten at once need not be zeroed; it is not from the pool, so it is aligned.
  const buffer = Buffer.allocUnsafeSlow(byteLength);
  for (let done = 0; done < byteLength; ) {
    const read = readSync(descriptor, buffer, done, Math.min(chunkBytes, byteLength - done), offset + done);
    if (read === 0) throw new Error('the file became shorter while it was read');
    done += read;
  }
  return new Uint8Array(buffer.buffer, buffer.byteOffset, byteLength);
}
