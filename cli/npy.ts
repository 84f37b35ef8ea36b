import { endianness } from 'node:os';
import { messageOf, OnnxPruneError } from '../src/errors.ts';
import { type NpyHeader, readHeader } from './npy-header.ts';

/** The element types this program reads from NumPy files, by the names ONNX and onnxruntime use for them. */
export type NumpyType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool';

/** The numbers of an array: float16 as its bits in a Uint16Array, bool as 0 and 1 in a Uint8Array. */
export type NumpyData =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** A NumPy array in row-major (C) order, in the byte order of this machine. */
export interface NumpyArray {
  readonly dtype: NumpyType;
  readonly shape: readonly number[];
  readonly data: NumpyData;
}

interface ElementKind {
  readonly dtype: NumpyType;
  readonly width: number;
  view(bytes: Uint8Array, count: number): NumpyData;
}

/** By the part of NumPy's `descr` after the byte order. */
const KINDS: ReadonlyMap<string, ElementKind> = new Map<string, ElementKind>([
  ['f4', { dtype: 'float32', width: 4, view: (b, n) => new Float32Array(b.buffer, b.byteOffset, n) }],
  ['f8', { dtype: 'float64', width: 8, view: (b, n) => new Float64Array(b.buffer, b.byteOffset, n) }],
  ['f2', { dtype: 'float16', width: 2, view: (b, n) => new Uint16Array(b.buffer, b.byteOffset, n) }],
  ['i8', { dtype: 'int64', width: 8, view: (b, n) => new BigInt64Array(b.buffer, b.byteOffset, n) }],
  ['i4', { dtype: 'int32', width: 4, view: (b, n) => new Int32Array(b.buffer, b.byteOffset, n) }],
  ['i2', { dtype: 'int16', width: 2, view: (b, n) => new Int16Array(b.buffer, b.byteOffset, n) }],
  ['i1', { dtype: 'int8', width: 1, view: (b, n) => new Int8Array(b.buffer, b.byteOffset, n) }],
  ['u8', { dtype: 'uint64', width: 8, view: (b, n) => new BigUint64Array(b.buffer, b.byteOffset, n) }],
  ['u4', { dtype: 'uint32', width: 4, view: (b, n) => new Uint32Array(b.buffer, b.byteOffset, n) }],
  ['u2', { dtype: 'uint16', width: 2, view: (b, n) => new Uint16Array(b.buffer, b.byteOffset, n) }],
  ['u1', { dtype: 'uint8', width: 1, view: (b, n) => new Uint8Array(b.buffer, b.byteOffset, n) }],
  ['b1', { dtype: 'bool', width: 1, view: (b, n) => new Uint8Array(b.buffer, b.byteOffset, n) }],
]);

/**
 * Reads the bytes of a .npy file, format version 1, 2 or 3. Big-endian numbers and Fortran order are converted.
 * The result shares memory with `bytes` where nothing has to be moved.
 *
 * @param source what to call the file in messages
 * @throws OnnxPruneError `bad-data` when it is no .npy file, is damaged, or holds something else than numbers.
 */
export function parseNpy(bytes: Uint8Array, source: string): NumpyArray {
  const header = headerOf(bytes, source);
  const kind = kindOf(header, source);
  const count = header.shape.reduce((product, dim) => product * dim, 1);
  const expected = count * kind.width;
  const payload = bytes.subarray(header.dataOffset);
  if (payload.length !== expected) {
    const remedy =
      payload.length < expected
        ? 'the file is cut off; copy or write it again'
        : 'more than one array may have been saved into it; save each into its own file, or all into one .npz';
    throw bad(
      source,
      `${source} declares ${kind.dtype} [${header.shape.join(', ')}], ${expected} bytes, but ${payload.length} follow the header: ${remedy}.`,
    );
  }
  const swap = kind.width > 1 && header.byteOrder !== '|' && isBigEndian(header.byteOrder) !== (endianness() === 'BE');
  const ordered = inOrder(payload, kind.width, header, swap);
  return { dtype: kind.dtype, shape: header.shape, data: kind.view(ordered, count) };
}

function headerOf(bytes: Uint8Array, source: string): NpyHeader {
  try {
    return readHeader(bytes);
  } catch (error) {
    const way = "write it again with numpy.save, e.g. numpy.save('x.npy', array)";
    throw new OnnxPruneError(
      'bad-data',
      source,
      `${source} is no readable .npy file: ${messageOf(error)}; ${way}.`,
      error,
    );
  }
}

function kindOf({ descr, shape }: NpyHeader, source: string): ElementKind {
  const kind = KINDS.get(descr);
  if (kind !== undefined) return kind;
  const what = UNREADABLE.get(descr.charAt(0)) ?? `elements of type '${descr}'`;
  throw bad(
    source,
    `${source} holds ${what} [${shape.join(', ')}], but only plain numbers can be read (${[...KINDS.values()].map((k) => k.dtype).join(', ')}); convert it first, e.g. array.astype('float32').`,
  );
}

const UNREADABLE: ReadonlyMap<string, string> = new Map([
  ['O', 'Python objects (pickled)'],
  ['c', 'complex numbers'],
  ['U', 'text'],
  ['S', 'byte strings'],
  ['V', 'raw or structured records'],
  ['[', 'structured records'],
  ['M', 'dates'],
  ['m', 'time spans'],
]);

function isBigEndian(byteOrder: string): boolean {
  return byteOrder === '=' ? endianness() === 'BE' : byteOrder === '>';
}

/** The payload with elements in C order and native byte order, at an offset that its typed array accepts. */
function inOrder(payload: Uint8Array, width: number, { shape, fortranOrder }: NpyHeader, swap: boolean): Uint8Array {
  const transposed = fortranOrder && shape.length > 1 ? fromFortran(payload, width, shape) : payload;
  const aligned = swap || transposed.byteOffset % width !== 0 ? new Uint8Array(transposed) : transposed;
  if (swap) for (let at = 0; at < aligned.length; at += width) aligned.subarray(at, at + width).reverse();
  return aligned;
}

function fromFortran(payload: Uint8Array, width: number, shape: readonly number[]): Uint8Array {
  const result = new Uint8Array(payload.length);
  const strides = fortranStrides(shape, width);
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < result.length; to += width) {
    for (let byte = 0; byte < width; byte += 1) result[to + byte] = payload[from + byte] ?? 0;
    // Count up like an odometer, the last axis fastest.
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      const [size, stride, at] = [shape[axis] ?? 1, strides[axis] ?? 0, (index[axis] ?? 0) + 1];
      index[axis] = at < size ? at : 0;
      from += at < size ? stride : -stride * (size - 1);
      if (at < size) break;
    }
  }
  return result;
}

function fortranStrides(shape: readonly number[], width: number): number[] {
  let stride = width;
  return shape.map((size) => {
    const own = stride;
    stride *= size;
    return own;
  });
}

function bad(source: string, message: string): OnnxPruneError {
  return new OnnxPruneError('bad-data', source, message);
}
