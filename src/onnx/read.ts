import { constants } from 'node:buffer';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OnnxPruneError } from '../errors.ts';
import { decodeModel } from './codec.ts';
import { fileFault } from './file-fault.ts';
import type { ModelProto } from './messages.ts';

/** Node refuses to read 2 GiB at once. */
const chunkBytes = 2 ** 30;

/** A model file that was read. */
export interface ModelFile {
  readonly model: ModelProto;
  /** Size of the file, without external data. */
  readonly bytes: number;
  /** The folder of the file, which the locations of external tensors are relative to. */
  readonly directory: string;
}

/**
 * Reads an ONNX file. The whole file is in memory once, and the model's raw data are views into it; external data is
 * not touched, see `readExternal`.
 *
 * @throws OnnxPruneError `bad-file` where the file is missing, not a regular file, not readable, or larger than a
 *   buffer can be (4 GiB in Node 20); `bad-model` where it is not an ONNX model, or a damaged or truncated one
 */
export async function readModelFile(path: string): Promise<ModelFile> {
  const bytes = await readWhole(path);
  return { model: decodeModel(bytes, path, { ownsBytes: true }), bytes: bytes.length, directory: dirname(path) };
}

async function readWhole(path: string): Promise<Uint8Array> {
  try {
    // Before opening, for opening a named pipe would wait for a writer.
    const status = await stat(path);
    if (status.isDirectory())
      throw new OnnxPruneError('bad-file', path, `${path} is a directory, expected an ONNX file.`);
    if (!status.isFile())
      throw new OnnxPruneError('bad-file', path, `${path} is not a regular file, expected an ONNX file.`);
    const handle = await open(path, 'r');
    try {
      return await readAll(handle, path);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw error instanceof OnnxPruneError ? error : fileFault('read', path, error);
  }
}

async function readAll(handle: FileHandle, path: string): Promise<Uint8Array> {
  const { size } = await handle.stat();
  if (size > constants.MAX_LENGTH) {
    throw new OnnxPruneError(
      'bad-file',
      path,
      `${path} has ${size} bytes, at most ${constants.MAX_LENGTH} can be read: keep its tensors in external data.`,
    );
  }
  const buffer = Buffer.allocUnsafeSlow(size);
  let done = 0;
  while (done < size) {
    const { bytesRead } = await handle.read(buffer, done, Math.min(chunkBytes, size - done), done);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    done += bytesRead;
  }
  return new Uint8Array(buffer.buffer, buffer.byteOffset, size);
}
