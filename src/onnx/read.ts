import { constants } from 'node:buffer';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OnnxPruneError } from '../errors.ts';
import { tensorsOf } from './all-tensors.ts';
import { type DecodeOptions, decodeModel } from './codec.ts';
import { fileFault } from './file-fault.ts';
import { gunzipFile, isGzip } from './gzip.ts';
import { DataLocation, type ModelProto } from './messages.ts';
import { replaceFiles } from './replace-files.ts';
import { skimModel } from './skim.ts';

/** Node refuses to read 2 GiB at once. */
const chunkBytes = 2 ** 30;

/** How a model is read. */
export interface ReadOptions {
  /** Of files of more bytes than this, unless they are compressed, the tensors stay in the file until somebody asks. Default: none do. */
  readonly memory?: number | undefined;
}

/** A model file that was read. */
export interface ModelFile {
  readonly model: ModelProto;
  /** Size of the file as it is on the disk, without external data. */
  readonly bytes: number;
  /** Size of the model in it: the same, unless the file is compressed. */
  readonly modelBytes: number;
  /** Whether the file is compressed with gzip. */
  readonly compressed: boolean;
  /** The folder of the file, which the locations of external tensors are relative to. */
  readonly directory: string;
}

/**
 * Reads an ONNX file, or one compressed with gzip, which its first bytes tell and not its name. The whole model is in
 * memory once, and the model's raw data are views into it; external data is not touched, see `readExternal`.
 *
 * @throws OnnxPruneError `bad-file` where the file is missing, not a regular file, not readable, or larger than a
 *   buffer can be (4 GiB in Node 20), `bad-model` where it is not an ONNX model, or a damaged or truncated one;
 *   `unsupported` where it is compressed and has external data
 */
export async function readModelFile(
  path: string,
  { memory = Number.POSITIVE_INFINITY }: ReadOptions = {},
): Promise<ModelFile> {
  const size = await plainSize(path);
  const skimmed = size > memory ? await withFile(path, async () => skimModel(path)) : undefined;
  if (skimmed !== undefined)
    return { model: skimmed, bytes: size, modelBytes: size, compressed: false, directory: dirname(path) };
  const { bytes, size: onDisk, compressed } = await readWhole(path);
  const model = compressed
    ? decodeUnpacked(bytes, path, { ownsBytes: true })
    : decodeModel(bytes, path, { ownsBytes: true });
  return { model, bytes: onDisk, modelBytes: bytes.length, compressed, directory: dirname(path) };
}

/**
 * A path under which onnxruntime, which knows nothing of gzip, can read a model.
 *
 * @param copy where the model is written where its file is compressed; nothing is written there otherwise
 * @returns `path` itself, or `copy`
 * @throws OnnxPruneError as {@link readModelFile} does for compressed files, and `bad-file` where `copy` cannot be written
 */
export async function plainModelFile(path: string, copy: string): Promise<string> {
  if (!(await isCompressed(path))) return path;
  const { bytes } = await readWhole(path);
  decodeUnpacked(bytes, path);
  await replaceFiles([{ path: copy, parts: [bytes], bytes: bytes.length }], { temporary: true });
  return copy;
}

/** Decodes what a compressed file holds. */
function decodeUnpacked(bytes: Uint8Array, path: string, options: DecodeOptions = {}): ModelProto {
  const model = naming(path, () => decodeModel(bytes, `${path}, once unpacked,`, options));
  for (const tensor of tensorsOf(model)) {
    if (tensor.dataLocation !== DataLocation.EXTERNAL) continue;
    throw new OnnxPruneError(
      'unsupported',
      path,
      `${path} is compressed with gzip, but tensor "${tensor.name ?? ''}" keeps its data in another file, which no copy of the model elsewhere would find; unpack it in its folder and use the .onnx file.`,
    );
  }
  return model;
}

/** Gives errors the path itself as their subject. */
function naming<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof OnnxPruneError ? new OnnxPruneError(error.code, path, error.message, error) : error;
  }
}

/** Bytes of a file that is not compressed; 0 for one that is. */
function plainSize(path: string): Promise<number> {
  return withFile(path, async (handle) => ((await startsLikeGzip(handle)) ? 0 : (await handle.stat()).size));
}

async function isCompressed(path: string): Promise<boolean> {
  return withFile(path, startsLikeGzip);
}

interface WholeFile {
  /** The model, unpacked. */
  readonly bytes: Uint8Array;
  readonly size: number;
  readonly compressed: boolean;
}

async function readWhole(path: string): Promise<WholeFile> {
  return withFile(path, async (handle) => {
    if (!(await startsLikeGzip(handle))) {
      const bytes = await readAll(handle, path);
      return { bytes, size: bytes.length, compressed: false };
    }
    const { size } = await handle.stat();
    return { bytes: await gunzipFile(handle, path), size, compressed: true };
  });
}

async function startsLikeGzip(handle: FileHandle): Promise<boolean> {
  const head = new Uint8Array(2);
  await handle.read(head, 0, 2, 0);
  return isGzip(head);
}

async function withFile<T>(path: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  try {
    // Before opening, for opening a named pipe would wait for a writer.
    const status = await stat(path);
    if (status.isDirectory())
      throw new OnnxPruneError('bad-file', path, `${path} is a directory, expected an ONNX file.`);
    if (!status.isFile())
      throw new OnnxPruneError('bad-file', path, `${path} is not a regular file, expected an ONNX file.`);
    const handle = await open(path, 'r');
    try {
      return await use(handle);
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
