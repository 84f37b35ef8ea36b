import Long from 'long';
import type { DataType } from '../../src/ir/data-type.ts';
import type { TensorProto } from '../../src/onnx/messages.ts';
import { createRandom } from '../support/random.ts';

/**
 * Every element type that has bits: its number in TensorProto.DataType, the bits of an element, and the typed field of its
 * elements. Source: onnx.proto of ONNX 1.20.
 */
export const TYPES: readonly (readonly [type: DataType, number: number, bits: number, field: Field])[] = [
  ['float32', 1, 32, 'floatData'],
  ['uint8', 2, 8, 'int32Data'],
  ['int8', 3, 8, 'int32Data'],
  ['uint16', 4, 16, 'int32Data'],
  ['int16', 5, 16, 'int32Data'],
  ['int32', 6, 32, 'int32Data'],
  ['int64', 7, 64, 'int64Data'],
  ['bool', 9, 8, 'int32Data'],
  ['float16', 10, 16, 'int32Data'],
  ['float64', 11, 64, 'doubleData'],
  ['uint32', 12, 32, 'uint64Data'],
  ['uint64', 13, 64, 'uint64Data'],
  ['complex64', 14, 64, 'floatData'],
  ['complex128', 15, 128, 'doubleData'],
  ['bfloat16', 16, 16, 'int32Data'],
  ['float8e4m3fn', 17, 8, 'int32Data'],
  ['float8e4m3fnuz', 18, 8, 'int32Data'],
  ['float8e5m2', 19, 8, 'int32Data'],
  ['float8e5m2fnuz', 20, 8, 'int32Data'],
  ['uint4', 21, 4, 'int32Data'],
  ['int4', 22, 4, 'int32Data'],
  ['float4e2m1', 23, 4, 'int32Data'],
  ['float8e8m0', 24, 8, 'int32Data'],
  ['uint2', 25, 2, 'int32Data'],
  ['int2', 26, 2, 'int32Data'],
];

type Field = 'floatData' | 'int32Data' | 'int64Data' | 'doubleData' | 'uint64Data';

/** Words whose bits get lost easily: quiet and signalling NaN of either sign with payloads, -0, denormals, infinities. */
const ODD: Readonly<Record<number, readonly string[]>> = {
  16: ['7e01', 'fe00', '7d01', 'fc01', '8000', '0001', '83ff', '7c00', 'fc00', '7fc1', '7fa1', 'ffc0', '7f80', 'ff80'],
  32: ['7fc00001', 'ffc00000', '7fa00001', 'ff800001', '80000000', '00000001', '807fffff', '7f800000', 'ff800000'],
  64: ['7ff8000000000001', 'fff8000000000000', '7ff4000000000001', 'fff0000000000001', '8000000000000000'],
};

/** The data of as many elements: odd words first, as far as there are any of that width, then random bits. */
export function oddBits(type: DataType, bits: number, count: number, seed: number): Uint8Array {
  const random = createRandom(seed);
  const bytes = Uint8Array.from({ length: Math.ceil((count * bits) / 8) }, () => Math.floor(random.uniform() * 256));
  const width = type === 'complex64' || type === 'complex128' ? bits / 2 : bits;
  let at = 0;
  for (const word of ODD[width] ?? []) {
    const part = Buffer.from(word, 'hex').reverse();
    if (at + part.length > bytes.length) break;
    bytes.set(part, at);
    at += part.length;
  }
  if (type === 'bool') return bytes.map((byte) => byte & 1);
  // What fills up the last byte is no element.
  const used = (count * bits) % 8;
  if (used > 0) bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) & ((1 << used) - 1);
  return bytes;
}

/** Where the elements of a tensor are. */
export type Storage = 'raw' | 'typed' | 'external';

/** Words of `width` bits of little-endian data. */
function words(raw: Uint8Array, width: 8 | 16 | 32 | 64): bigint[] {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Array.from({ length: (raw.length * 8) / width }, (_, i) => {
    if (width === 8) return BigInt(view.getUint8(i));
    if (width === 16) return BigInt(view.getUint16(2 * i, true));
    return width === 32 ? BigInt(view.getUint32(4 * i, true)) : view.getBigUint64(8 * i, true);
  });
}

/** A packed field of floats as it stands in a file, since numbers in JavaScript would lose NaN's bits on the way there. */
function packedField(id: number, raw: Uint8Array): Uint8Array {
  const length: number[] = [];
  for (let rest = raw.length; ; rest >>= 7) {
    length.push((rest & 127) | (rest > 127 ? 128 : 0));
    if (rest <= 127) break;
  }
  return Uint8Array.from([(id << 3) | 2, ...length, ...raw]);
}

/** The fields of a tensor's message that hold these elements in the typed field. */
export function typedFields(type: DataType, bits: number, field: Field, raw: Uint8Array): TensorProto {
  switch (field) {
    case 'floatData':
      return { $unknowns: [packedField(4, raw)] };
    case 'doubleData':
      return { $unknowns: [packedField(10, raw)] };
    case 'int64Data':
      return { int64Data: words(raw, 64).map((word) => Long.fromString(BigInt.asIntN(64, word).toString())) };
    case 'uint64Data':
      return {
        uint64Data: words(raw, type === 'uint32' ? 32 : 64).map((word) => Long.fromString(word.toString(), true)),
      };
    case 'int32Data': {
      const width = bits === 16 || bits === 32 ? bits : 8;
      const isSigned = type.startsWith('int') && bits >= 8;
      return {
        int32Data: words(raw, width).map((word) => Number(isSigned ? BigInt.asIntN(width, word) : word)),
      };
    }
  }
}
