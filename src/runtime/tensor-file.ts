import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import type { TensorData, TensorType } from './types.ts';

/** Elements of a tensor whose bytes can go to a file as they are: all but strings. */
export type NumericData = Exclude<TensorData, readonly string[]>;

const VIEWS: Readonly<Record<Exclude<TensorType, 'string'>, (bytes: ArrayBuffer) => NumericData>> = {
  float32: (bytes) => new Float32Array(bytes),
  float64: (bytes) => new Float64Array(bytes),
  float16: (bytes) => new Uint16Array(bytes),
  int8: (bytes) => new Int8Array(bytes),
  uint8: (bytes) => new Uint8Array(bytes),
  int16: (bytes) => new Int16Array(bytes),
  uint16: (bytes) => new Uint16Array(bytes),
  int32: (bytes) => new Int32Array(bytes),
  uint32: (bytes) => new Uint32Array(bytes),
  int64: (bytes) => new BigInt64Array(bytes),
  uint64: (bytes) => new BigUint64Array(bytes),
  bool: (bytes) => new Uint8Array(bytes),
};

/** Node's calls take less than 2 GiB at a time. */
const CHUNK = 2 ** 30;

/**
 * Writes elements as they lie in memory: little-endian on every platform that onnxruntime is built for. What was
 * written is removed again where the rest does not fit.
 * @throws what the file system throws
 */
export function writeElements(path: string, data: NumericData): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const file = openSync(path, 'w');
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, Math.min(CHUNK, bytes.length - at), at);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

/**
 * Reads elements that `writeElements` wrote.
 * @param size of the file, in bytes
 * @throws what the file system throws, or an Error for a file that is shorter
 */
export function readElements(path: string, type: Exclude<TensorType, 'string'>, size: number): NumericData {
  const buffer = new ArrayBuffer(size);
  const bytes = new Uint8Array(buffer);
  const file = openSync(path, 'r');
  try {
    for (let at = 0; at < size; ) {
      const count = readSync(file, bytes, at, Math.min(CHUNK, size - at), at);
      if (count === 0) throw new Error(`a file ends after ${at} of ${size} bytes`);
      at += count;
    }
  } finally {
    closeSync(file);
  }
  return VIEWS[type](buffer);
}
