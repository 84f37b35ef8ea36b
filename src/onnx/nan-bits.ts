import protobuf from 'protobufjs/light.js';
import type { TensorProto } from './messages.ts';

/** Lists of floating-point numbers in a TensorProto, by the number of their field: their elements in a file are as in `raw_data`. */
const FIELDS = [
  { id: 4, name: 'floatData', width: 4 },
  { id: 10, name: 'doubleData', width: 8 },
] as const;

/** Wire type of a packed list. */
const PACKED = 2;

/**
 * Has TensorProto decoded so that NaN keeps its bits: a number in JavaScript loses some of them (a signalling NaN becomes a
 * quiet one), so that lists with any NaN come as `rawData`, which means the same.
 * Source: onnx.proto, message TensorProto: raw_data holds what float_data and double_data would, little-endian.
 */
export function keepNanBits(tensorType: protobuf.Type): void {
  const { decode } = tensorType.setup();
  tensorType.decode = (reader, length, ...rest: unknown[]) => {
    const from = reader instanceof protobuf.Reader ? reader.pos : 0;
    const message: protobuf.Message & TensorProto = Reflect.apply(decode, tensorType, [reader, length, ...rest]);
    for (const field of FIELDS) {
      const numbers = message[field.name];
      if (numbers === undefined || !holdsNan(numbers)) continue;
      const whole = reader instanceof protobuf.Reader ? reader.buf.subarray(from, reader.pos) : reader;
      message.rawData = elementsIn(whole, field.id, field.width);
      delete message[field.name];
    }
    return message;
  };
}

function holdsNan(numbers: readonly number[]): boolean {
  for (let i = 0; i < numbers.length; i++) if (Number.isNaN(numbers[i])) return true;
  return false;
}

/** The bytes of all elements of a list in a message, packed or one by one. */
function elementsIn(message: Uint8Array, id: number, width: number): Uint8Array {
  const reader = new protobuf.Reader(message);
  const parts: Uint8Array[] = [];
  while (reader.pos < message.length) {
    const tag = reader.uint32();
    const [field, wire] = [tag >>> 3, tag & 7];
    if (field !== id) reader.skipType(wire);
    else if (wire === PACKED) parts.push(reader.bytes());
    else {
      parts.push(message.subarray(reader.pos, reader.pos + width));
      reader.skipType(wire);
    }
  }
  return new Uint8Array(Buffer.concat(parts));
}
