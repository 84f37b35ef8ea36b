import { sparseTensorsOf } from './all-tensors.ts';
import type { ModelProto, TensorProto } from './messages.ts';

/**
 * The IR version that brought sparse initializers; the one before it brought quantization annotations, and neither
 * changed what was there.
 * Source: onnx.proto, enum Version: "IR VERSION 6 published on Sep 19, 2019: Add support for sparse tensor constants
 * stored in model".
 */
const sparseSince = 6;

/**
 * What the message of a sparse tensor takes more than that of a dense one of the same dims and name, at most and without
 * data: tag and length of the values (6 bytes), their dims (7), and of the indices tag and length (6), dims (7), type
 * (2), tag and length of the data (6).
 */
const sparseOverhead = 34;

/** Bytes that one index takes: onnx's checker accepts int64 only. */
const indexBytes = 8;

/** Whether a model stores any tensor as a sparse one: initializers or constants, those of bodies and functions included. */
export function holdsSparse(model: ModelProto): boolean {
  return sparseTensorsOf(model).next().done !== true;
}

/**
 * Whether a tensor takes fewer bytes as a sparse one with linear indices.
 * @param size elements
 * @param stored those that are stored
 * @param width bytes of an element
 */
export function isSmallerSparse(size: number, stored: number, width: number): boolean {
  return stored * (indexBytes + width) + sparseOverhead < size * width;
}

/** The message of the linear indices of a sparse tensor. @param rawData int64, little-endian */
export function linearIndices(rawData: Uint8Array): TensorProto {
  return { dims: [rawData.byteLength / indexBytes], dataType: 7, rawData };
}

/**
 * The model with an IR version that knows sparse initializers, where it holds any and its own is older.
 * Raised from 4 or 5 only, which means the same; below that every initializer is a graph input, and none is sparse.
 */
export function withSparseVersion(model: ModelProto): ModelProto {
  const version = Number(model.irVersion ?? 0);
  if (version < 4 || version >= sparseSince || !holdsSparse(model)) return model;
  model.irVersion = sparseSince;
  return model;
}
