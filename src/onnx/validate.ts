import protobuf from 'protobufjs/light.js';
import type { Message } from './messages.ts';
import { ViewReader } from './wire.ts';

interface Signature {
  readonly at: number;
  readonly text: string;
  readonly what: string;
}

const signatures: readonly Signature[] = [
  { at: 0, text: 'PK\x03\x04', what: 'it is a zip archive, as PyTorch and Keras write; export the model to ONNX' },
  { at: 0, text: '\x89PNG', what: 'it is a PNG image' },
  { at: 0, text: '\x1f\x8b', what: 'it is compressed with gzip; unpack it first' },
  { at: 0, text: '\x89HDF', what: 'it is an HDF5 file, as Keras writes; convert it to ONNX' },
  { at: 0, text: 'version https://git-lfs', what: 'it is a Git LFS pointer; run git lfs pull' },
  { at: 0, text: 'ir_version:', what: 'it is the text form of one; convert it to the binary form' },
  { at: 0, text: '{', what: 'it is JSON' },
  { at: 0, text: '<', what: 'it is a web page or XML' },
  { at: 4, text: 'ORTM', what: "it is in onnxruntime's own .ort format; use its .onnx file" },
  { at: 4, text: 'TFL3', what: 'it is a TensorFlow Lite model; convert it to ONNX' },
];

/** What a file of another well-known format is, as the end of a sentence; undefined where there is no sign of one. */
export function describeForeign(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 64)).toString('latin1');
  return signatures.find(({ at, text }) => head.startsWith(text, at))?.what;
}

/**
 * Whether the bytes begin with the version field that every known writer puts first (tag 0x08, which no text has).
 * Tells a damaged model from a file of another format.
 */
export function startsLikeModel(bytes: Uint8Array): boolean {
  return bytes[0] === 0x08 && bytes[1] !== undefined && bytes[1] < 0x80;
}

/**
 * The first field, as `Type.field`, that is known but was stored with another wire type than the schema's, searched
 * through all nested messages. protobufjs keeps such fields as unknown ones; in ONNX they are always damage.
 */
export function misplacedField(message: Message, type: protobuf.Type): string | undefined {
  for (const bytes of message.$unknowns ?? []) {
    const field = type.fieldsById[new ViewReader(bytes).tag() >>> 3];
    if (field !== undefined) return `${type.name}.${field.name}`;
  }
  for (const field of type.fieldsArray) {
    const nested = field.resolvedType;
    if (!(nested instanceof protobuf.Type)) continue;
    const value: unknown = Reflect.get(message, field.name);
    for (const inner of Array.isArray(value) ? value : [value]) {
      const found = inner instanceof protobuf.Message ? misplacedField(inner, nested) : undefined;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
