import { closeSync, openSync, writeSync } from 'node:fs';
import { messageOf, OnnxPruneError } from '../errors.ts';
import { StoredBytes } from './stored-bytes.ts';

/** Everything begins at a page, so that a runtime can map it. */
const page = 4096;
/** Node refuses to write 2 GiB at once. */
const chunkBytes = 2 ** 30;

/** A file that bytes are put into which are not to stay in memory. It only grows, and who made its folder removes it. */
export class ScratchFile {
  readonly #path: string;
  #size = 0;

  /** @param path where the file is made, once there is something to keep */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Appends bytes.
   * @returns where they are
   * @throws OnnxPruneError `bad-file` where the disk is full or cannot be written to
   */
  append(bytes: Uint8Array): StoredBytes {
    const offset = Math.ceil(this.#size / page) * page;
    try {
      const descriptor = openSync(this.#path, this.#size === 0 ? 'w' : 'r+');
      try {
        for (let done = 0; done < bytes.byteLength; ) {
          done += writeSync(descriptor, bytes, done, Math.min(chunkBytes, bytes.byteLength - done), offset + done);
        }
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      throw new OnnxPruneError(
        'bad-file',
        this.#path,
        `${this.#path} needs ${offset + bytes.byteLength} bytes of temporary disk space (${messageOf(error)}); set TMPDIR to a folder on a disk that has them.`,
        error,
      );
    }
    this.#size = offset + bytes.byteLength;
    return new StoredBytes(this.#path, offset, bytes.byteLength);
  }
}
