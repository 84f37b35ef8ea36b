import { OnnxPruneError } from '../errors.ts';
import type { HostTensor, TensorData, TensorType, ValueInfo } from './types.ts';

/** Element types that hold floating-point numbers. */
const FLOATING: ReadonlySet<string> = new Set(['float32', 'float64', 'float16']);

const STORAGE: Readonly<Record<TensorType, (data: TensorData) => boolean>> = {
  float32: (data) => data instanceof Float32Array,
  float64: (data) => data instanceof Float64Array,
  float16: (data) => data instanceof Uint16Array,
  int8: (data) => data instanceof Int8Array,
  uint8: (data) => data instanceof Uint8Array,
  int16: (data) => data instanceof Int16Array,
  uint16: (data) => data instanceof Uint16Array,
  int32: (data) => data instanceof Int32Array,
  uint32: (data) => data instanceof Uint32Array,
  int64: (data) => data instanceof BigInt64Array,
  uint64: (data) => data instanceof BigUint64Array,
  bool: (data) => data instanceof Uint8Array,
  string: (data) => Array.isArray(data),
};

/** Whether `type` is an element type whose tensors can be fed and fetched. */
export function isTensorType(type: string): type is TensorType {
  return Object.hasOwn(STORAGE, type);
}

/**
 * Whether an output can be handed to JavaScript. Asked for a tensor of a type without arrays there, as of 4-bit integers, onnxruntime
 * ends the process.
 */
export function isFetchable({ isTensor, type }: Pick<ValueInfo, 'isTensor' | 'type'>): boolean {
  return isTensor && isTensorType(type);
}

/** Whether elements of `type` are floating-point numbers, so that closeness rather than equality counts. */
export function isFloating(type: string): boolean {
  return FLOATING.has(type);
}

/** Number of elements of a tensor with these sizes; 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

/** Whether two shapes are the same, axes of length 1 aside. */
export function isSameButForOnes(a: readonly number[], b: readonly number[]): boolean {
  const [some, others] = [a, b].map((dims) => dims.filter((size) => size !== 1).join());
  return some === others;
}

/**
 * Makes sure that a tensor is what it says it is.
 * @throws OnnxPruneError `bad-data` for an unknown type, the wrong kind of array for the type, or a length that is not
 * the product of the dims.
 */
export function checkTensor(name: string, tensor: HostTensor): void {
  const { type, dims, data } = tensor;
  if (!isTensorType(type)) {
    throw new OnnxPruneError(
      'bad-data',
      name,
      `Tensor "${name}" has element type ${type}, which cannot be fed to onnxruntime; use one of ${Object.keys(STORAGE).join(', ')}.`,
    );
  }
  if (!STORAGE[type](data)) {
    throw new OnnxPruneError(
      'bad-data',
      name,
      `Tensor "${name}" is ${type} but its data is a ${data.constructor.name}; convert the data or change the type.`,
    );
  }
  const bad = dims.find((size) => !Number.isInteger(size) || size < 0);
  if (bad !== undefined || data.length !== elementCount(dims)) {
    throw new OnnxPruneError(
      'bad-data',
      name,
      `Tensor "${name}" has dims [${dims.join(', ')}] but ${data.length} elements; the sizes must be whole and their product must be the number of elements.`,
    );
  }
}
