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
export interface NumpyArray extends ArrayHead {
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

/** What is known of an array before its numbers are read. */
export interface ArrayHead {
  readonly dtype: NumpyType;
  readonly shape: readonly number[];
}

/** How a .npy file keeps its array. */
export interface NpyLayout extends ArrayHead {
  /** Where the numbers start, and the bytes that each has. */
  readonly offset: number;
  readonly width: number;
  /** Whether the bytes of each number are in the order of other machines. */
  readonly swapped: boolean;
  /** Whether the first axis runs fastest, and there are others. */
  readonly fortran: boolean;
  readonly view: (bytes: Uint8Array, count: number) => NumpyData;
}

/**
 * Reads the header of a .npy file, format version 1, 2 or 3, and holds it against the size of the file.
 *
 * @param head the first `HEADER_ROOM` bytes of the file, or all
 * @param source what to call the file in messages
 * @throws OnnxPruneError `bad-data` when it is no .npy file, is damaged, or holds something else than numbers.
 */
export function npyLayout(head: Uint8Array, size: number, source: string): NpyLayout {
  const header = headerOf(head, source);
  const { dtype, width, view } = kindOf(header, source);
  const { shape, byteOrder, dataOffset: offset } = header;
  const expected = elementsIn(shape) * width;
  const found = size - offset;
  if (found !== expected) {
    const remedy =
      found < expected
        ? 'the file is cut off; copy or write it again'
        : 'more than one array may have been saved into it; save each into its own file, or all into one .npz';
    throw bad(
      source,
      `${source} declares ${dtype} [${shape.join(', ')}], ${expected} bytes, but ${found} follow the header: ${remedy}.`,
    );
  }
  const swapped = width > 1 && byteOrder !== '|' && isBigEndian(byteOrder) !== (endianness() === 'BE');
  return { dtype, shape, offset, width, swapped, fortran: header.fortranOrder && shape.length > 1, view };
}

/**
 * Reads the bytes of a .npy file, format version 1, 2 or 3. Big-endian numbers and Fortran order are converted.
 * The result shares memory with `bytes` where nothing has to be moved.
 *
 * @param source what to call the file in messages
 * @throws OnnxPruneError `bad-data` when it is no .npy file, is damaged, or holds something else than numbers.
 */
export function parseNpy(bytes: Uint8Array, source: string): NumpyArray {
  const layout = npyLayout(bytes, bytes.length, source);
  const { shape, width, fortran } = layout;
  const payload = bytes.subarray(layout.offset);
  return decodeNumbers(fortran ? fromFortran(payload, width, shape) : payload, shape, layout);
}

/** Takes bytes as numbers in C order, in the byte order of the file; shares their memory where nothing has to be moved. */
export function decodeNumbers(
  bytes: Uint8Array,
  shape: readonly number[],
  { dtype, width, swapped, view }: NpyLayout,
): NumpyArray {
  const aligned = swapped || bytes.byteOffset % width !== 0 ? new Uint8Array(bytes) : bytes;
  if (swapped) for (let at = 0; at < aligned.length; at += width) aligned.subarray(at, at + width).reverse();
  return { dtype, shape, data: view(aligned, elementsIn(shape)) };
}

/** How many numbers an array of a shape has. */
export function elementsIn(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
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

/** The bytes of an array in which the first axis runs fastest, moved so that the last one does. */
export function fromFortran(payload: Uint8Array, width: number, shape: readonly number[]): Uint8Array {
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
