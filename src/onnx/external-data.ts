import { realpathSync, statSync } from 'node:fs';
import { join, posix, resolve, sep, win32 } from 'node:path';
import { messageOf, OnnxPruneError } from '../errors.ts';
import { DataLocation, type TensorProto } from './messages.ts';
import { StoredBytes } from './stored-bytes.ts';

/** Where a tensor's elements are. */
export interface ExternalLocation {
  /** Path relative to the folder of the model file, with forward slashes. */
  readonly location: string;
  /** First byte in that file. */
  readonly offset: number;
  /** Number of bytes; absent where the file does not say, and then the tensor's shape decides. */
  readonly length?: number;
}

/**
 * Where the elements of an external tensor are; undefined for a tensor that is stored in the model itself.
 * Source of the keys: onnx.proto, TensorProto.external_data. The optional checksum is not verified.
 *
 * @throws OnnxPruneError `bad-model` where the location is missing or a number is not one
 */
export function externalLocation(tensor: TensorProto): ExternalLocation | undefined {
  if (tensor.dataLocation !== DataLocation.EXTERNAL) return undefined;
  const entries = new Map(tensor.externalData?.map(({ key, value }) => [key ?? '', value ?? '']));
  const location = entries.get('location');
  if (location === undefined || location === '') {
    throw fault('bad-model', tensor, 'is stored externally but names no file (external_data has no location)');
  }
  const offset = byteCount(tensor, 'offset', entries.get('offset')) ?? 0;
  const length = byteCount(tensor, 'length', entries.get('length'));
  return length === undefined ? { location, offset } : { location, offset, length };
}

/**
 * Where the elements of an external tensor are on this disk. Nothing is read yet.
 *
 * @param tensor one for which {@link externalLocation} gives a location
 * @param directory the folder of the model file; the data must lie in it or below, symbolic links included
 * @param byteLength the bytes that the tensor's shape and type take
 * @throws OnnxPruneError `bad-model` where the location leaves the folder, or the range or length does not fit;
 *   `bad-file` where the data file is missing
 */
export function findExternal(tensor: TensorProto, directory: string, byteLength: number): StoredBytes {
  const external = externalLocation(tensor);
  if (external === undefined) throw fault('internal', tensor, 'is not stored externally');
  const { location, offset, length } = external;
  if (length !== undefined && length !== byteLength) {
    throw fault('bad-model', tensor, `has ${length} bytes in '${location}', but its shape and type need ${byteLength}`);
  }
  const { path, size } = dataFile(tensor, directory, location);
  if (offset + byteLength > size) {
    throw fault(
      'bad-model',
      tensor,
      `needs bytes ${offset} to ${offset + byteLength} of '${location}', which has ${size}: ` +
        'the data file is truncated or belongs to another model',
    );
  }
  return new StoredBytes(path, offset, byteLength);
}

/**
 * Reads the elements of an external tensor: exactly its bytes, into memory of their own.
 *
 * @throws OnnxPruneError as {@link findExternal} does, and `bad-file` where the data file cannot be read
 */
export function readExternal(tensor: TensorProto, directory: string, byteLength: number): Uint8Array {
  const stored = findExternal(tensor, directory, byteLength);
  return attempt(tensor, externalLocation(tensor)?.location ?? '', () => stored.read());
}

function byteCount(tensor: TensorProto, key: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw fault('bad-model', tensor, `has the external ${key} '${text}', expected a number of bytes`);
  }
  return value;
}

/** The real path and size of a data file, made sure to be a regular file inside `directory`: a model is not to be trusted. */
function dataFile(tensor: TensorProto, directory: string, location: string): { path: string; size: number } {
  const escapes = posix.normalize(location.replaceAll('\\', '/')).split('/')[0] === '..';
  if (escapes || posix.isAbsolute(location) || win32.isAbsolute(location) || location.includes('\0')) {
    throw outside(tensor, location);
  }
  const folder = attempt(tensor, location, () => realpathSync(resolve(directory)));
  const file = attempt(tensor, location, () => realpathSync(join(folder, location)));
  if (!file.startsWith(folder.endsWith(sep) ? folder : folder + sep)) throw outside(tensor, location);
  const status = attempt(tensor, location, () => statSync(file));
  if (!status.isFile()) throw fault('bad-file', tensor, `has its data in '${location}', which is not a regular file`);
  return { path: file, size: status.size };
}

function attempt<T>(tensor: TensorProto, location: string, action: () => T): T {
  try {
    return action();
  } catch (thrown) {
    const error = thrown instanceof OnnxPruneError ? thrown.cause : thrown;
    const missing = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
    const what = missing
      ? `has its data in '${location}', which is not beside the model file: copy it there`
      : `has its data in '${location}', which cannot be read (${messageOf(error)})`;
    throw fault('bad-file', tensor, what, error);
  }
}

function outside(tensor: TensorProto, location: string): OnnxPruneError {
  return fault(
    'bad-model',
    tensor,
    `has its data in '${location}', outside the folder of the model file: put the data file itself into that folder`,
  );
}

function fault(
  code: 'bad-model' | 'bad-file' | 'internal',
  tensor: TensorProto,
  what: string,
  cause?: unknown,
): OnnxPruneError {
  const name = tensor.name ?? '';
  return new OnnxPruneError(code, name, `Tensor '${name}' ${what}.`, cause);
}
