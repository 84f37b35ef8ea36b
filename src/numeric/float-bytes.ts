import { bfloat16Bits, float16Bits } from './float16.ts';

/** Element types that hold floating-point numbers as they come. */
export type FloatType = 'float32' | 'float64' | 'float16' | 'bfloat16';

/** Whether numbers can be written as elements of the type. */
export function isFloatType(type: string): type is FloatType {
  return type === 'float32' || type === 'float64' || type === 'float16' || type === 'bfloat16';
}

/** Numbers as little-endian elements of a floating-point type, each rounded to the nearest. */
export function floatBytes(type: FloatType, values: ArrayLike<number>): Uint8Array {
  const { buffer, byteOffset, byteLength } = elementsOf(type, values);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function elementsOf(type: FloatType, values: ArrayLike<number>): ArrayBufferView {
  switch (type) {
    case 'float32':
      return Float32Array.from(values);
    case 'float64':
      return Float64Array.from(values);
    case 'float16':
      return Uint16Array.from(values, float16Bits);
    case 'bfloat16':
      return Uint16Array.from(values, bfloat16Bits);
  }
}
