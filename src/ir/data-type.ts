/**
 * Element types of tensors, under the names that onnxruntime uses, with their number in `TensorProto.DataType`
 * and the bits that one element takes in `raw_data`.
 * Source: onnx.proto, message TensorProto, enum DataType, up to ONNX 1.20.
 */
const TABLE = [
  ['undefined', 0, 0],
  ['float32', 1, 32],
  ['uint8', 2, 8],
  ['int8', 3, 8],
  ['uint16', 4, 16],
  ['int16', 5, 16],
  ['int32', 6, 32],
  ['int64', 7, 64],
  ['string', 8, 0],
  ['bool', 9, 8],
  ['float16', 10, 16],
  ['float64', 11, 64],
  ['uint32', 12, 32],
  ['uint64', 13, 64],
  ['complex64', 14, 64],
  ['complex128', 15, 128],
  ['bfloat16', 16, 16],
  ['float8e4m3fn', 17, 8],
  ['float8e4m3fnuz', 18, 8],
  ['float8e5m2', 19, 8],
  ['float8e5m2fnuz', 20, 8],
  ['uint4', 21, 4],
  ['int4', 22, 4],
  ['float4e2m1', 23, 4],
  ['float8e8m0', 24, 8],
  ['uint2', 25, 2],
  ['int2', 26, 2],
] as const;

/** Name of an element type; `undefined` is ONNX's own word for "not said", and stands for any number we do not know. */
export type DataType = (typeof TABLE)[number][0];

const BY_NUMBER = new Map<number, DataType>(TABLE.map(([name, number]) => [number, name]));
const NUMBERS = new Map<DataType, number>(TABLE.map(([name, number]) => [name, number]));
const BITS = new Map<DataType, number>(TABLE.map(([name, , bits]) => [name, bits]));

/** The element type of a `TensorProto.DataType` number; `'undefined'` for numbers that this table does not know. */
export function dataTypeOf(number: number | null | undefined): DataType {
  return BY_NUMBER.get(number ?? 0) ?? 'undefined';
}

/** The `TensorProto.DataType` number of an element type. */
export function dataTypeNumber(type: DataType): number {
  return NUMBERS.get(type) ?? 0;
}

/** Bits that one element takes in `raw_data`; 0 for strings and unknown types, which have no fixed size. */
export function bitsOf(type: DataType): number {
  return BITS.get(type) ?? 0;
}

/** Bytes that `count` elements take in `raw_data`; sub-byte types are packed, the last byte padded. */
export function byteLengthOf(type: DataType, count: number): number {
  return Math.ceil((count * bitsOf(type)) / 8);
}

/** Whether weights are kept in elements of this type: real numbers, or narrow ones that stand for them. */
export function holdsWeights(type: DataType): boolean {
  return isFloat(type) || NARROW.has(type);
}

/** What quantizers write weights in. Wider integers are indices and shapes; `float8e8m0` is for scales. */
const NARROW: ReadonlySet<DataType> = new Set([
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'float4e2m1',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int4',
  'uint4',
  'int2',
  'uint2',
]);

/** Whether elements are real floating-point numbers of a width that weights are stored in. */
export function isFloat(type: DataType): boolean {
  return type === 'float32' || type === 'float16' || type === 'float64' || type === 'bfloat16';
}

/** Whether the highest bit of an element is a sign and nothing else, so that a zero may have it set. */
export function hasSignedZero(type: DataType): boolean {
  return isFloat(type) || type === 'float8e4m3fn' || type === 'float8e5m2' || type === 'float4e2m1';
}
