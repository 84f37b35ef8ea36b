import { constants } from 'node:buffer';
import { OnnxPruneError } from '../errors.ts';
import { countStored, gatherStored, scatterStored } from '../numeric/sparse.ts';
import type { SparseTensorProto } from '../onnx/messages.ts';
import { isSmallerSparse, linearIndices } from '../onnx/sparse.ts';
import { bitsOf, type DataType } from './data-type.ts';
import { sizeOf, Tensor } from './tensor.ts';

/** Types of indices that onnxruntime reads; onnx's own checker accepts int64 only. */
const INDEX_TYPES: ReadonlySet<DataType> = new Set(['int64', 'int32', 'int16', 'int8']);
/** Types that are written as sparse tensors. */
const WRITTEN_TYPES: ReadonlySet<DataType> = new Set(['float32', 'float64', 'float16']);

/** Whether a sparse tensor can be made dense: its elements are whole bytes, which texts and packed halves are not. */
export function canBeDense({ values }: SparseTensorProto): boolean {
  return values !== undefined && bitsOf(new Tensor(values).type) >= 8;
}

/**
 * The dense tensor that a sparse one stands for: its elements at their indices, and zeros elsewhere. Name, doc string and
 * metadata are those of the values.
 * Source: onnx.proto, message SparseTensorProto: values of dims [NNZ]; indices of dims [NNZ] into the flattened tensor, or
 * [NNZ, rank]. It wants them ascending, but onnxruntime does not, and neither does this.
 *
 * @param directory folder that external data are read from
 * @throws OnnxPruneError `bad-model` where the three do not fit together, an index is out of range or stands twice
 */
export function denseTensor(sparse: SparseTensorProto, directory?: string): Tensor {
  const name = sparse.values?.name ?? '';
  const dims = (sparse.dims ?? []).map(Number);
  const values = new Tensor(sparse.values ?? {}, directory);
  const stored = values.dims[0] ?? 0;
  const size = sizeOf(dims);
  const width = bitsOf(values.type) / 8;
  if (values.dims.length !== 1) throw broken(name, `has values of rank ${values.dims.length}, expected a list of them`);
  if (dims.length === 0 || !dims.every((length) => Number.isSafeInteger(length) && length >= 0))
    throw broken(name, `is declared as [${dims.join(', ')}], expected at least one dim and none below 0`);
  if (size * width > constants.MAX_LENGTH)
    throw broken(
      name,
      `takes ${size * width} bytes when its zeros are written out, at most ${constants.MAX_LENGTH} fit`,
    );
  const positions = positionsOf(sparse, { name, dims, stored, directory });
  checkPositions(positions, name, size);
  return values.withData(dims, scatterStored(positions, values.raw(), width, size));
}

/** What is known of a sparse tensor before its indices are read. */
interface SparseShape {
  readonly name: string;
  readonly dims: readonly number[];
  readonly stored: number;
  readonly directory: string | undefined;
}

/** The places of the elements in the flattened tensor, in the order of the file; an index that is no place gives NaN. */
function positionsOf({ indices }: SparseTensorProto, { name, dims, stored, directory }: SparseShape): Float64Array {
  if (indices === undefined) {
    if (stored === 0) return new Float64Array(0);
    throw broken(name, `has ${stored} values and no indices`);
  }
  const tensor = new Tensor(indices, directory);
  if (!INDEX_TYPES.has(tensor.type)) throw broken(name, `has indices of type ${tensor.type}, expected int64`);
  const isLinear = tensor.dims.length === 1;
  const fits = tensor.dims[0] === stored && (isLinear || (tensor.dims.length === 2 && tensor.dims[1] === dims.length));
  if (!fits) {
    throw broken(
      name,
      `has ${stored} values and indices of dims [${tensor.dims.join(', ')}], expected [${stored}] or [${stored}, ${dims.length}]`,
    );
  }
  const numbers = indexNumbers(tensor);
  return isLinear ? numbers : flattened(numbers, dims);
}

/** Signed integers of any width as numbers; of 64 bits, exact as far as a tensor can be long. */
function indexNumbers(tensor: Tensor): Float64Array {
  const raw = tensor.raw();
  const { buffer, byteOffset, byteLength } = raw.byteOffset % 4 === 0 ? raw : new Uint8Array(raw);
  if (tensor.type === 'int8') return Float64Array.from(new Int8Array(buffer, byteOffset, byteLength));
  if (tensor.type === 'int16') return Float64Array.from(new Int16Array(buffer, byteOffset, byteLength / 2));
  if (tensor.type === 'int32') return Float64Array.from(new Int32Array(buffer, byteOffset, byteLength / 4));
  const halves = new Int32Array(buffer, byteOffset, byteLength / 4);
  const numbers = new Float64Array(halves.length / 2);
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = (halves[2 * i + 1] as number) * 2 ** 32 + ((halves[2 * i] as number) >>> 0);
  }
  return numbers;
}

/** Places of index tuples, the last axis fastest. */
function flattened(tuples: Float64Array, dims: readonly number[]): Float64Array {
  const rank = dims.length;
  const lengths = Float64Array.from(dims);
  const positions = new Float64Array(tuples.length / rank);
  for (let i = 0; i < positions.length; i++) {
    let position = 0;
    for (let axis = 0; axis < rank; axis++) {
      const index = tuples[i * rank + axis] as number;
      const length = lengths[axis] as number;
      position = position * length + (index >= 0 && index < length ? index : Number.NaN);
    }
    positions[i] = position;
  }
  return positions;
}

function checkPositions(positions: Float64Array, name: string, size: number): void {
  let ascending = true;
  let last = -1;
  for (let i = 0; i < positions.length; i++) {
    const position = positions[i] as number;
    if (!(position >= 0 && position < size))
      throw broken(name, `has an index (number ${i + 1}) that lies outside of its dims`);
    ascending = ascending && position > last;
    last = position;
  }
  if (ascending) return;
  const taken = new Uint8Array(Math.ceil(size / 8));
  for (let i = 0; i < positions.length; i++) {
    const position = positions[i] as number;
    const byte = Math.floor(position / 8);
    const bit = 1 << (position % 8);
    if (((taken[byte] as number) & bit) !== 0)
      throw broken(name, `gives the element at place ${position} of the flattened tensor twice`);
    taken[byte] = (taken[byte] as number) | bit;
  }
}

function broken(name: string, what: string): OnnxPruneError {
  return new OnnxPruneError('bad-model', name, `Sparse tensor "${name}" ${what}; export the model again.`);
}

/**
 * The message of an initializer as a sparse one, in the form that onnx's checker accepts: linear int64 indices, ascending.
 * Every element with any bit set is stored, -0 too, so that the tensor comes back bit for bit. Of a tensor of zeros, one
 * is stored, since not every reader expects none.
 *
 * @returns undefined where the dense message is not larger, and for all but float32, float64 and float16 of rank 1 and more
 */
export function sparseMessage(name: string, tensor: Tensor): SparseTensorProto | undefined {
  if (!WRITTEN_TYPES.has(tensor.type) || tensor.dims.length === 0) return undefined;
  const { size } = tensor;
  const width = bitsOf(tensor.type) / 8;
  // Spares reading what cannot become smaller.
  if (!isSmallerSparse(size, 1, width)) return undefined;
  const raw = tensor.raw();
  const stored = countStored(raw, width);
  if (!isSmallerSparse(size, Math.max(stored, 1), width)) return undefined;
  const { indices, values } =
    stored === 0 ? { indices: new Uint8Array(8), values: new Uint8Array(width) } : gatherStored(raw, width, stored);
  const { proto } = tensor.withData([values.byteLength / width], values);
  return { values: Object.assign(proto, { name }), indices: linearIndices(indices), dims: [...tensor.dims] };
}
