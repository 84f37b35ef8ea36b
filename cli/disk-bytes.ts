import { type FileHandle, open, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, OnnxPruneError } from '../src/errors.ts';
import type { ByteSource, Scratch } from './byte-source.ts';

/** More in one read or write is refused by Node from 2 GiB on. */
const CHUNK = 2 ** 30;

/** Open files, closed together. */
export class DiskBytes {
  readonly #handles: FileHandle[] = [];

  /** Opens a file of data to read it by position. @throws OnnxPruneError `bad-file` */
  async open(path: string): Promise<ByteSource> {
    return onDisk(path, async () => {
      // Before opening, for opening a named pipe would wait for a writer.
      if (!(await stat(path)).isFile()) throw new Error('it is not a regular file');
      const handle = await open(path);
      this.#handles.push(handle);
      const { size } = await handle.stat();
      return { size, read: (from, to) => onDisk(path, () => readRange(handle, from, to)) };
    });
  }

  /**
   * Makes a temporary file of a size.
   * @param what goes into it, for messages
   * @throws OnnxPruneError `bad-file` where there is no room for it
   */
  async create(path: string, size: number, what: string): Promise<Scratch> {
    const folder = dirname(path);
    const failure = (why: string, error?: unknown): OnnxPruneError =>
      new OnnxPruneError(
        'bad-file',
        what,
        `${what} needs ${size} bytes of temporary disk space (${why}); set TMPDIR to a folder with more room, or write the data uncompressed (numpy.savez) and in C order (numpy.ascontiguousarray).`,
        error,
      );
    const attempt = async <T>(act: () => Promise<T>): Promise<T> => {
      try {
        return await act();
      } catch (error) {
        throw failure(messageOf(error), error);
      }
    };
    const { blocks, bavail, bsize } = await attempt(() => statfs(folder));
    // Some file systems do not say how much room they have.
    if (blocks > 0 && bavail * bsize < size) throw failure(`there are ${bavail * bsize}`);
    const handle = await attempt(() => open(path, 'w+'));
    this.#handles.push(handle);
    return {
      size,
      read: (from, to) => onDisk(what, () => readRange(handle, from, to)),
      write: (bytes, at) => attempt(() => writeRange(handle, bytes, at)),
    };
  }

  /** Closes all files; what is left of temporary ones is the business of who owns their folder. */
  async close(): Promise<void> {
    await Promise.all(this.#handles.splice(0).map((handle) => handle.close()));
  }
}

async function readRange(handle: FileHandle, from: number, to: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(to - from);
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(CHUNK, bytes.length - done), from + done);
    if (bytesRead === 0) throw new Error(`it ended after ${from + done} bytes`);
    done += bytesRead;
  }
  return bytes;
}

async function writeRange(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, Math.min(CHUNK, bytes.length - done), at + done)).bytesWritten;
  }
}

/** Does something with a file of data. @throws OnnxPruneError `bad-file` with what the system says */
export async function onDisk<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const fault = isGone ? `${path} does not exist` : `Cannot read ${path} (${messageOf(error)})`;
    const message = `${fault}; give a .npz file, a .npy file or a directory of them.`;
    throw new OnnxPruneError('bad-file', path, message, error);
  }
}
