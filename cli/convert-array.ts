import { float16Bits, float16ToFloat32 } from '../src/numeric/float16.ts';
import type { NumpyArray, NumpyData, NumpyType } from './npy.ts';

/** How numbers become those of another type. */
export interface Converter {
  readonly dtype: NumpyType;
  readonly convert: (values: ArrayLike<number | bigint>) => NumpyData;
  /** Whether the type can hold a number: integers exactly, floats without overflow. */
  readonly fits: (value: number | bigint) => boolean;
}

/** The converted array, or the first number that the target type cannot hold. */
export type Conversion = { readonly array: NumpyArray } | { readonly misfit: string };

// Halfway between the largest number and the next power of two: from here on, rounding to nearest gives infinity.
const FLOAT32_END = 2 ** 128 - 2 ** 103;
const FLOAT16_END = 65520;

const integers: readonly Converter[] = [
  integer('int64', -(2n ** 63n), 2n ** 63n - 1n, (values) => BigInt64Array.from(values, BigInt)),
  integer('uint64', 0n, 2n ** 64n - 1n, (values) => BigUint64Array.from(values, BigInt)),
  integer('int32', -(2n ** 31n), 2n ** 31n - 1n, (values) => Int32Array.from(values, Number)),
  integer('uint32', 0n, 2n ** 32n - 1n, (values) => Uint32Array.from(values, Number)),
  integer('int16', -(2n ** 15n), 2n ** 15n - 1n, (values) => Int16Array.from(values, Number)),
  integer('uint16', 0n, 2n ** 16n - 1n, (values) => Uint16Array.from(values, Number)),
  integer('int8', -128n, 127n, (values) => Int8Array.from(values, Number)),
  integer('uint8', 0n, 255n, (values) => Uint8Array.from(values, Number)),
];

const floats: readonly Converter[] = [
  float('float64', Number.POSITIVE_INFINITY, (values) => Float64Array.from(values, Number)),
  float('float32', FLOAT32_END, (values) => Float32Array.from(values, Number)),
  float('float16', FLOAT16_END, (values) => Uint16Array.from(values, (value) => float16Bits(Number(value)))),
];

/** The converter between two types, or `undefined` where the meaning of the numbers would have to be guessed. */
export function converterFor(from: NumpyType, to: string): Converter | undefined {
  const family = [integers, floats].find((members) => members.some((member) => member.dtype === from));
  return family?.find((member) => member.dtype === to);
}

/** Converts an array, or names the first number that does not fit. Integers keep their value; floats are rounded. */
export function convertArray(array: NumpyArray, { dtype, convert, fits }: Converter): Conversion {
  const data =
    array.dtype === 'float16' && array.data instanceof Uint16Array ? float16ToFloat32(array.data) : array.data;
  for (const value of data) if (!fits(value)) return { misfit: String(value) };
  return { array: { dtype, shape: array.shape, data: convert(data) } };
}

function integer(dtype: NumpyType, low: bigint, high: bigint, convert: Converter['convert']): Converter {
  return { dtype, convert, fits: (value) => value >= low && value <= high };
}

function float(dtype: NumpyType, end: number, convert: Converter['convert']): Converter {
  return { dtype, convert, fits: (value) => !Number.isFinite(Number(value)) || Math.abs(Number(value)) < end };
}
