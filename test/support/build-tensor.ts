import Long from 'long';
import onnxProto from 'onnx-proto';

const { onnx } = onnxProto;

/** The element types the builder writes, by the names used across this project. */
export type ElementType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool'
  | 'string';

/** Where the numbers of a tensor are written: `raw_data`, or the repeated field of its type (`float_data`, …). */
export type Storage = 'raw' | 'typed';

/** A tensor to write. `values` are plain numbers in row-major order, whatever the type; strings only for `string`. */
export interface TensorInput {
  readonly dtype: ElementType;
  readonly dims: readonly number[];
  readonly values: ArrayLike<number | bigint | string>;
  /** Default `raw`; strings are always in `string_data`. */
  readonly storage?: Storage;
  readonly name?: string;
  readonly docString?: string;
}

/** ONNX's TensorProto.DataType of each element type. */
export const DATA_TYPE: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
};

type Numeric = Exclude<ElementType, 'string'>;
type Put = (view: DataView, at: number, value: number | bigint) => void;

const PUT: Readonly<Record<Numeric, readonly [width: number, put: Put]>> = {
  float32: [4, (view, at, value) => view.setFloat32(at, Number(value), true)],
  float64: [8, (view, at, value) => view.setFloat64(at, Number(value), true)],
  float16: [2, (view, at, value) => view.setUint16(at, toFloat16(Number(value)), true)],
  bfloat16: [2, (view, at, value) => view.setUint16(at, toBfloat16(Number(value)), true)],
  int64: [8, (view, at, value) => view.setBigInt64(at, BigInt(value), true)],
  int32: [4, (view, at, value) => view.setInt32(at, Number(value), true)],
  int16: [2, (view, at, value) => view.setInt16(at, Number(value), true)],
  int8: [1, (view, at, value) => view.setInt8(at, Number(value))],
  uint64: [8, (view, at, value) => view.setBigUint64(at, BigInt(value), true)],
  uint32: [4, (view, at, value) => view.setUint32(at, Number(value), true)],
  uint16: [2, (view, at, value) => view.setUint16(at, Number(value), true)],
  uint8: [1, (view, at, value) => view.setUint8(at, Number(value))],
  bool: [1, (view, at, value) => view.setUint8(at, Number(value) === 0 ? 0 : 1)],
};

const scratch = new DataView(new ArrayBuffer(8));

/** The bits of the float16 nearest to `value`, ties to even, as IEEE 754 says. */
export function toFloat16(value: number): number {
  scratch.setFloat64(0, value);
  const sign = scratch.getUint8(0) & 0x80 ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundToEven(magnitude * 2 ** 24);
  const exponent = Math.floor(Math.log2(magnitude));
  // A mantissa that rounds up to 2048 carries into the exponent by itself, as the fields are adjacent.
  return sign | (((exponent + 15) << 10) + roundToEven(magnitude * 2 ** (10 - exponent)) - 1024);
}

/** The number that the float16 with these bits stands for. */
export function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The bits of the bfloat16 nearest to `value`, ties to even. */
export function toBfloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * The little-endian bytes of `values`, as `raw_data` and .npy files hold them.
 * @throws Error when one of them is a string.
 */
export function rawBytes(dtype: Numeric, values: TensorInput['values']): Uint8Array {
  const [width, put] = PUT[dtype];
  const view = new DataView(new ArrayBuffer(values.length * width));
  for (const [index, value] of Array.from(values).entries()) put(view, index * width, numeric(value, dtype));
  return new Uint8Array(view.buffer);
}

/**
 * A TensorProto of the given numbers.
 * @throws Error when the number of values is not the product of `dims`, or strings and numbers are mixed up.
 */
export function tensorProto(tensor: TensorInput): onnxProto.onnx.TensorProto {
  const { dtype, dims, values } = tensor;
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (count !== values.length) {
    throw new Error(`tensor '${tensor.name ?? ''}' [${dims}] wants ${count} values, but ${values.length} were given`);
  }
  return onnx.TensorProto.create({
    ...(tensor.name === undefined ? {} : { name: tensor.name }),
    ...(tensor.docString === undefined ? {} : { docString: tensor.docString }),
    dims: [...dims],
    dataType: DATA_TYPE[dtype],
    ...payload(tensor),
  });
}

function payload({ dtype, values, storage }: TensorInput): onnxProto.onnx.ITensorProto {
  if (dtype === 'string') {
    return { stringData: Array.from(values, (value) => new TextEncoder().encode(String(value))) };
  }
  if (storage !== 'typed') return { rawData: rawBytes(dtype, values) };
  const numbers = Array.from(values, (value) => numeric(value, dtype));
  switch (dtype) {
    case 'float32':
      return { floatData: numbers.map(Number) };
    case 'float64':
      return { doubleData: numbers.map(Number) };
    case 'int64':
      return { int64Data: numbers.map((value) => Long.fromString(String(value))) };
    case 'uint64':
    case 'uint32':
      return { uint64Data: numbers.map((value) => Long.fromString(String(value), true)) };
    case 'float16':
      return { int32Data: numbers.map((value) => toFloat16(Number(value))) };
    case 'bfloat16':
      return { int32Data: numbers.map((value) => toBfloat16(Number(value))) };
    default:
      return { int32Data: numbers.map(Number) };
  }
}

function numeric(value: number | bigint | string | undefined, dtype: string): number | bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  throw new Error(`a ${dtype} tensor holds numbers, not ${JSON.stringify(value)}`);
}
