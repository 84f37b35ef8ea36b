import { bitsOf, isFloat } from '../ir/data-type.ts';
import type { Node } from '../ir/node.ts';
import type { Tensor } from '../ir/tensor.ts';
import { dimsOf, elementTypeOf, type Value } from '../ir/value.ts';
import { stridesOf } from '../numeric/slices.ts';
import { type Words, zeroSlices } from '../numeric/zero-slices.ts';
import { isAxis } from '../ops/rule.ts';
import type { RuleLookup } from './couplings.ts';

/** The data of a constant value: of an initializer, or of what operators that only hand elements on in their places make of one. */
export function constantOf(value: Value, ruleOf: RuleLookup): Tensor | undefined {
  let source: Value | undefined = value;
  while (source !== undefined && source.tensor === undefined) {
    const { producer }: Value = source;
    source = producer !== undefined && leavesInPlace(producer, ruleOf) ? producer.inputs[0] : undefined;
  }
  const dims = dimsOf(value);
  const isInPlace = source?.tensor?.dims.every((length, dim) => dims?.[dim] === length);
  return isInPlace && dims?.length === source?.tensor?.dims.length ? source?.tensor : undefined;
}

/**
 * Whether a node hands floats on as they are, each axis where it was: a Transpose does not, though a square matrix has the same
 * dims behind it, nor does a Cast to a narrower type.
 */
function leavesInPlace(node: Node, ruleOf: RuleLookup): boolean {
  const { passesElements, couple } = ruleOf(node);
  const [from, to] = [node.inputs[0], node.outputs[0]].map((value) =>
    value === undefined ? undefined : elementTypeOf(value),
  );
  if (from === undefined || to === undefined || !isFloat(from) || !isFloat(to)) return false;
  return (
    passesElements === true &&
    (from === to || bitsOf(from) < bitsOf(to)) &&
    couple(node).links.every(({ a, b, map }) => map.kind === 'same' && isAxis(a) && isAxis(b) && a.dim === b.dim)
  );
}

/** What was found out of tensors, which do not change. */
const KNOWN = new WeakMap<Tensor, Map<number, Uint8Array>>();

/** Flags the positions along an axis of a tensor at which all elements are zero, with 1; undefined for types without floats. */
export function zerosAlong(tensor: Tensor, dim: number): Uint8Array | undefined {
  if (!isFloat(tensor.type)) return undefined;
  const known = KNOWN.get(tensor) ?? new Map<number, Uint8Array>();
  KNOWN.set(tensor, known);
  const bits = bitsOf(tensor.type);
  const zeros =
    known.get(dim) ??
    zeroSlices(wordsOf(tensor.raw(), Math.min(bits, 32)), stridesOf(tensor.dims, dim), bits === 64 ? 2 : 1);
  known.set(dim, zeros);
  return zeros;
}

/** Bytes as words of 16 or 32 bits: a view where they are aligned, else a copy. */
function wordsOf(bytes: Uint8Array, bits: number): Words {
  const width = bits / 8;
  const { buffer, byteOffset } = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  const length = bytes.byteLength / width;
  return width === 2 ? new Uint16Array(buffer, byteOffset, length) : new Uint32Array(buffer, byteOffset, length);
}
