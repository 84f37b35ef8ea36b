import { bitsOf, isFloat } from '../ir/data-type.ts';
import type { Tensor } from '../ir/tensor.ts';
import { dimsOf, type Value } from '../ir/value.ts';
import { stridesOf } from '../numeric/slices.ts';
import { type Words, zeroSlices } from '../numeric/zero-slices.ts';
import type { RuleLookup } from './couplings.ts';

/** The data of a constant value: of an initializer, or of what operators that only hand elements on in their places make of one. */
export function constantOf(value: Value, ruleOf: RuleLookup): Tensor | undefined {
  let source: Value | undefined = value;
  while (source !== undefined && source.tensor === undefined) {
    const { producer }: Value = source;
    source = producer !== undefined && ruleOf(producer).passesElements === true ? producer.inputs[0] : undefined;
  }
  const dims = dimsOf(value);
  const isInPlace = source?.tensor?.dims.every((length, dim) => dims?.[dim] === length);
  return isInPlace && dims?.length === source?.tensor?.dims.length ? source?.tensor : undefined;
}

/** Flags the positions along an axis of a tensor at which all elements are zero, with 1; undefined for types without floats. */
export function zerosAlong(tensor: Tensor, dim: number): Uint8Array | undefined {
  if (!isFloat(tensor.type)) return undefined;
  const bits = bitsOf(tensor.type);
  return zeroSlices(wordsOf(tensor.raw(), Math.min(bits, 32)), stridesOf(tensor.dims, dim), bits === 64 ? 2 : 1);
}

/** Bytes as words of 16 or 32 bits: a view where they are aligned, else a copy. */
function wordsOf(bytes: Uint8Array, bits: number): Words {
  const width = bits / 8;
  const { buffer, byteOffset } = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  const length = bytes.byteLength / width;
  return width === 2 ? new Uint16Array(buffer, byteOffset, length) : new Uint32Array(buffer, byteOffset, length);
}
