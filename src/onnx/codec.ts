import protobuf from 'protobufjs/light.js';
import { messageOf, OnnxPruneError } from '../errors.ts';
import type { ModelProto } from './messages.ts';
import { modelType } from './schema.ts';
import { atHand, type Bytes } from './stored-bytes.ts';
import { describeForeign, misplacedField, startsLikeModel } from './validate.ts';
import { maxMessageBytes, messageTooLong, PartsWriter, ViewReader } from './wire.ts';

/** Raw data of this many bytes and more is not copied by {@link encodeModelParts}. */
const detachFrom = 4096;

/** How {@link decodeModel} may treat the bytes that it is given. */
export interface DecodeOptions {
  /**
   * The caller has no further use for `bytes`: long raw data are moved by up to 3 bytes within them, over framing that
   * was read already, so that they are aligned for reading them as numbers. Default false.
   */
  readonly ownsBytes?: boolean;
}

/**
 * Reads an ONNX model out of the bytes of a file. Tensors' `rawData` are views into `bytes`, and fields that this
 * package does not know are kept for {@link encodeModel}.
 *
 * @param bytes the whole file
 * @param source how errors call the model: a path, or 'The model'
 * @throws OnnxPruneError `bad-model` where the bytes are not an ONNX model, or a damaged or truncated one
 */
export function decodeModel(bytes: Uint8Array, source = 'The model', options: DecodeOptions = {}): ModelProto {
  if (bytes.length === 0) throw bad(source, 'is empty, expected an ONNX model');
  const foreign = describeForeign(bytes);
  if (foreign !== undefined) throw bad(source, `is not an ONNX model: ${foreign}`);
  const model = parse(bytes, source, options);
  if (model.graph === undefined && model.irVersion === undefined) throw notOnnx(source);
  const misplaced = misplacedField(model, modelType);
  if (misplaced !== undefined) {
    if (!startsLikeModel(bytes)) throw notOnnx(source);
    throw bad(source, `is damaged: ${misplaced} is stored with a wrong wire type; export or copy it again`);
  }
  const missing = missingPart(model);
  if (missing !== undefined) {
    throw bad(source, `has no ${missing}: it is truncated or was never complete; export or copy it again`);
  }
  return model;
}

/**
 * The bytes of a model file, in one array. It is a copy of all data: for big models see {@link encodeModelParts}.
 * @throws OnnxPruneError as that does, and as `StoredBytes.read`
 */
export function encodeModel(model: ModelProto): Uint8Array {
  const parts = encodeModelParts(model);
  const whole = new Uint8Array(partsLength(parts));
  let at = 0;
  for (const part of parts) {
    whole.set(atHand(part), at);
    at += part.byteLength;
  }
  return whole;
}

/**
 * The bytes of a model file as parts to be written one after the other. Raw data of 4 KiB and more is not copied:
 * those parts are the tensors' own views, so they must not change before they are written; what is in files stays there.
 *
 * @throws OnnxPruneError `unsupported` where a message nests too deeply or exceeds the 2 GiB of protobuf
 */
export function encodeModelParts(model: ModelProto): Bytes[] {
  const writer = new PartsWriter(detachFrom);
  try {
    modelType.encode(model, writer);
  } catch (error) {
    if (isTooDeep(error)) throw tooDeep('unsupported', 'The model', error);
    throw error;
  }
  const parts = writer.parts();
  const bytes = partsLength(parts);
  if (bytes > maxMessageBytes) throw messageTooLong(bytes);
  return parts;
}

/** The length in bytes of parts put together. */
export function partsLength(parts: readonly Bytes[]): number {
  return parts.reduce((sum, part) => sum + part.byteLength, 0);
}

function parse(bytes: Uint8Array, source: string, { ownsBytes = false }: DecodeOptions): ModelProto {
  try {
    return modelType.decode(new ViewReader(bytes, ownsBytes));
  } catch (error) {
    if (isTooDeep(error)) throw tooDeep('bad-model', source, error);
    if (!startsLikeModel(bytes)) throw notOnnx(source, error);
    throw bad(source, `is damaged or truncated (${messageOf(error)}); export or copy it again`, error);
  }
}

/** What every model has: without its graph it does nothing, and without versions its nodes mean nothing. */
function missingPart(model: ModelProto): string | undefined {
  if (model.graph === undefined) return 'graph';
  if (model.irVersion === undefined) return 'ir_version';
  // Operator sets came with IR version 3.
  if (Number(model.irVersion) >= 3 && model.opsetImport === undefined) return 'opset_import';
  return undefined;
}

function isTooDeep(error: unknown): boolean {
  return messageOf(error).includes('max depth exceeded');
}

function tooDeep(code: 'unsupported' | 'bad-model', source: string, cause: unknown): OnnxPruneError {
  const limit = protobuf.util.recursionLimit;
  const message = `${source} nests messages more than ${limit} deep, the limit of protobuf: flatten its subgraphs.`;
  return new OnnxPruneError(code, source, message, cause);
}

function notOnnx(source: string, cause?: unknown): OnnxPruneError {
  return bad(source, 'is not an ONNX model: its bytes are of another format', cause);
}

function bad(source: string, what: string, cause?: unknown): OnnxPruneError {
  return new OnnxPruneError('bad-model', source, `${source} ${what}.`, cause);
}
