import { OnnxPruneError } from '../errors.ts';
import { sparseTensorsOf, tensorsOf } from '../onnx/all-tensors.ts';
import {
  DataLocation,
  type Int64,
  type ModelProto,
  type SparseTensorProto,
  type TensorProto,
} from '../onnx/messages.ts';
import { bitsOf, byteLengthOf, dataTypeOf } from './data-type.ts';

/** Sparse tensors may always stand for this many bytes of dense ones: 1 GiB. */
const FREE_DENSE_BYTES = 2 ** 30;
/** Beyond that, for so many bytes for each byte that they hold. A weight of which less stays is no weight any more. */
const MOST_DENSE_RATIO = 1024;

/**
 * Checks that every tensor message of a model (initializers, constants in attributes, those of bodies and functions) has
 * possible dims, and as many elements as they say where the file itself holds them. Reads lengths only, no elements.
 *
 * A file of a few bytes may state any dims, and whoever believes them allocates what they say.
 *
 * @throws OnnxPruneError `bad-model` for a negative length, a size that is no exact number of bytes, data of another length,
 *   or sparse tensors that stand for absurdly large dense ones
 */
export function checkTensors(model: ModelProto): void {
  for (const tensor of tensorsOf(model)) checkTensor(tensor);
  checkSparse(model);
}

function checkTensor(tensor: TensorProto): void {
  const type = dataTypeOf(tensor.dataType);
  const dims = (tensor.dims ?? []).map(Number);
  const size = elementsOf(dims);
  if (size === undefined || !Number.isSafeInteger(byteLengthOf(type, size)))
    throw broken(tensor, `is declared as ${shapeText(tensor.dims)}, expected lengths from 0 up that memory can hold`);
  // The file that has the data says more of them; types that nobody knows are the runtime's to refuse.
  if (tensor.dataLocation === DataLocation.EXTERNAL || type === 'undefined') return;
  const raw = tensor.rawData?.byteLength ?? 0;
  const [expected, found, unit] =
    raw > 0 && bitsOf(type) > 0
      ? [byteLengthOf(type, size), raw, 'bytes']
      : [entriesOf(tensor, size), entriesIn(tensor), 'elements'];
  if (found === expected) return;
  throw broken(
    tensor,
    `is declared as ${type}${shapeText(tensor.dims)}, which takes ${expected} ${unit}, but holds ${found}`,
  );
}

/** The product of dims; undefined where one is negative or they are more than a number can count. */
function elementsOf(dims: readonly number[]): number | undefined {
  let size = 1;
  for (const length of dims) {
    if (!(Number.isSafeInteger(length) && length >= 0)) return undefined;
    size *= length;
    if (!Number.isSafeInteger(size)) return undefined;
  }
  return size;
}

/**
 * How many entries the typed field has for so many elements: complex numbers take two, and those of less than a byte share one.
 * Source: onnx.proto, message TensorProto, on float_data, double_data and int32_data.
 */
function entriesOf({ dataType }: TensorProto, size: number): number {
  const type = dataTypeOf(dataType);
  if (type === 'complex64' || type === 'complex128') return 2 * size;
  const bits = bitsOf(type);
  return bits > 0 && bits < 8 ? Math.ceil((size * bits) / 8) : size;
}

/** The entries of the typed field that belongs to a tensor's type. */
function entriesIn(tensor: TensorProto): number {
  switch (dataTypeOf(tensor.dataType)) {
    case 'float32':
    case 'complex64':
      return tensor.floatData?.length ?? 0;
    case 'float64':
    case 'complex128':
      return tensor.doubleData?.length ?? 0;
    case 'int64':
      return tensor.int64Data?.length ?? 0;
    case 'uint64':
    case 'uint32':
      return tensor.uint64Data?.length ?? 0;
    case 'string':
      return tensor.stringData?.length ?? 0;
    default:
      return tensor.int32Data?.length ?? 0;
  }
}

/** Sparse tensors are made dense, all of them together: a few bytes may stand for as many zeros as there are. */
function checkSparse(model: ModelProto): void {
  let dense = 0;
  let stored = 0;
  for (const sparse of sparseTensorsOf(model)) {
    const bits = bitsOf(dataTypeOf(sparse.values?.dataType));
    dense += ((elementsOf((sparse.dims ?? []).map(Number)) ?? 0) * bits) / 8;
    stored += ((elementsOf((sparse.values?.dims ?? []).map(Number)) ?? 0) * bits) / 8;
    if (dense > Math.max(FREE_DENSE_BYTES, MOST_DENSE_RATIO * stored)) throw tooSparse(sparse, stored, dense);
  }
}

function tooSparse({ values }: SparseTensorProto, stored: number, dense: number): OnnxPruneError {
  const name = values?.name ?? '';
  return new OnnxPruneError(
    'bad-model',
    name,
    `The sparse tensors up to "${name}" hold ${stored} bytes and stand for ${dense} bytes of dense ones, which is no model but a trap; export the model again with dense tensors.`,
  );
}

/** Dims as the file states them: a number would round those beyond 2^53. */
function shapeText(dims: readonly Int64[] | undefined): string {
  const shown = (dims ?? []).slice(0, MOST_SHOWN).map(String);
  return `[${shown.join(', ')}${(dims ?? []).length > MOST_SHOWN ? ', …' : ''}]`;
}

const MOST_SHOWN = 16;

function broken({ name }: TensorProto, what: string): OnnxPruneError {
  const label = name || '(unnamed)';
  return new OnnxPruneError('bad-model', label, `Tensor "${label}" ${what}; export the model again.`);
}
