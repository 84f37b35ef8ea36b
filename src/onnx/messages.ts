import type Long from 'long';
import type { Bytes } from './stored-bytes.ts';

// The messages of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) up to IR version 13, in the
// camelCase of protobufjs. They are written out here, and not taken from the package onnx-proto, because that one
// stops at IR version 8 and its nested fields would not know the newer ones; a test holds the two together.

export { AttributeType, DataLocation, DataType } from './enums.ts';

/** An int64 field. The decoder gives a Long; the encoder takes both. A number must be a safe integer. */
export type Int64 = Long | number;

/**
 * What every message has. A field that is absent from the file is absent from the message, so `undefined` and an
 * explicitly written default value (0, '') stay apart.
 */
export interface Message {
  /** Fields that the schema does not know, each with its tag, as views. Not enumerable: see {@link copyMessage}. */
  $unknowns?: Uint8Array[] | undefined;
}

/** A key and its value; keys are distinct within a list. */
export interface StringStringEntryProto extends Message {
  key?: string | undefined;
  value?: string | undefined;
}

/** An operator set and its version. Domain '' or absent is ONNX's own. */
export interface OperatorSetIdProto extends Message {
  domain?: string | undefined;
  version?: Int64 | undefined;
}

/** Part of a tensor stored in several messages; no known program writes it. */
export interface SegmentProto extends Message {
  begin?: Int64 | undefined;
  end?: Int64 | undefined;
}

/**
 * A tensor, row-major. Its elements are in `rawData` (little endian, fixed width), in the `…Data` field of its type,
 * or in another file when `dataLocation` is EXTERNAL.
 */
export interface TensorProto extends Message {
  dims?: Int64[] | undefined;
  /** A number of {@link DataType}. */
  dataType?: number | undefined;
  segment?: SegmentProto | undefined;
  /** FLOAT, and COMPLEX64 as pairs. */
  floatData?: number[] | undefined;
  /** INT32 and everything narrower, float16 and bfloat16 as their bits. */
  int32Data?: number[] | undefined;
  stringData?: Uint8Array[] | undefined;
  int64Data?: Int64[] | undefined;
  name?: string | undefined;
  /** A view into the bytes that were decoded, at any alignment; or the range of a file where they stay until they are asked for. */
  rawData?: Bytes | undefined;
  /** DOUBLE, and COMPLEX128 as pairs. */
  doubleData?: number[] | undefined;
  /** UINT32 and UINT64. */
  uint64Data?: Int64[] | undefined;
  docString?: string | undefined;
  /** `location`, `offset`, `length`, `checksum`; see external-data.ts. */
  externalData?: StringStringEntryProto[] | undefined;
  /** A number of {@link DataLocation}. */
  dataLocation?: number | undefined;
  metadataProps?: StringStringEntryProto[] | undefined;
}

/** A sparse tensor in coordinate format: NNZ values, and indices of shape [NNZ] (linear) or [NNZ, rank]. */
export interface SparseTensorProto extends Message {
  values?: TensorProto | undefined;
  indices?: TensorProto | undefined;
  dims?: Int64[] | undefined;
}

/** One dimension: a number, a symbol, or (neither) unknown. */
export interface DimensionProto extends Message {
  dimValue?: Int64 | undefined;
  dimParam?: string | undefined;
  denotation?: string | undefined;
}

/** A shape. Absent where the rank is unknown; without dimensions for a scalar. */
export interface TensorShapeProto extends Message {
  dim?: DimensionProto[] | undefined;
}

/** The type of a dense tensor. */
export interface TensorTypeProto extends Message {
  /** A number of {@link DataType}. */
  elemType?: number | undefined;
  shape?: TensorShapeProto | undefined;
}

/** The type of a sparse tensor. */
export interface SparseTensorTypeProto extends TensorTypeProto {}

/** The type of a sequence. */
export interface SequenceTypeProto extends Message {
  elemType?: TypeProto | undefined;
}

/** The type of an optional value. */
export interface OptionalTypeProto extends Message {
  elemType?: TypeProto | undefined;
}

/** The type of a map. */
export interface MapTypeProto extends Message {
  keyType?: number | undefined;
  valueType?: TypeProto | undefined;
}

/** A type that only its domain understands. */
export interface OpaqueTypeProto extends Message {
  domain?: string | undefined;
  name?: string | undefined;
}

/** The type of a value; at most one of the `…Type` fields is set. */
export interface TypeProto extends Message {
  tensorType?: TensorTypeProto | undefined;
  sequenceType?: SequenceTypeProto | undefined;
  mapType?: MapTypeProto | undefined;
  opaqueType?: OpaqueTypeProto | undefined;
  sparseTensorType?: SparseTensorTypeProto | undefined;
  optionalType?: OptionalTypeProto | undefined;
  denotation?: string | undefined;
}

/** A named value with its type. */
export interface ValueInfoProto extends Message {
  name?: string | undefined;
  type?: TypeProto | undefined;
  docString?: string | undefined;
  metadataProps?: StringStringEntryProto[] | undefined;
}

/** A named attribute; `type` says which of the value fields holds it. */
export interface AttributeProto extends Message {
  name?: string | undefined;
  f?: number | undefined;
  i?: Int64 | undefined;
  /** UTF-8, or any bytes. */
  s?: Uint8Array | undefined;
  t?: TensorProto | undefined;
  g?: GraphProto | undefined;
  floats?: number[] | undefined;
  ints?: Int64[] | undefined;
  strings?: Uint8Array[] | undefined;
  tensors?: TensorProto[] | undefined;
  graphs?: GraphProto[] | undefined;
  docString?: string | undefined;
  tp?: TypeProto | undefined;
  typeProtos?: TypeProto[] | undefined;
  /** A number of {@link AttributeType}. */
  type?: number | undefined;
  /** Inside a function: the attribute of the function whose value this one takes. */
  refAttrName?: string | undefined;
  sparseTensor?: SparseTensorProto | undefined;
  sparseTensors?: SparseTensorProto[] | undefined;
}

/** One operator call. An empty string among the inputs or outputs is an omitted one. */
export interface NodeProto extends Message {
  input?: string[] | undefined;
  output?: string[] | undefined;
  name?: string | undefined;
  opType?: string | undefined;
  attribute?: AttributeProto[] | undefined;
  docString?: string | undefined;
  domain?: string | undefined;
  /** Which of several functions of one name (IR version 10). */
  overload?: string | undefined;
  metadataProps?: StringStringEntryProto[] | undefined;
}

/** Names the tensors that quantize another tensor. */
export interface TensorAnnotation extends Message {
  tensorName?: string | undefined;
  quantParameterTensorNames?: StringStringEntryProto[] | undefined;
}

/** A graph: nodes in topological order, and the values they read and give. */
export interface GraphProto extends Message {
  node?: NodeProto[] | undefined;
  name?: string | undefined;
  initializer?: TensorProto[] | undefined;
  docString?: string | undefined;
  input?: ValueInfoProto[] | undefined;
  output?: ValueInfoProto[] | undefined;
  valueInfo?: ValueInfoProto[] | undefined;
  quantizationAnnotation?: TensorAnnotation[] | undefined;
  sparseInitializer?: SparseTensorProto[] | undefined;
  metadataProps?: StringStringEntryProto[] | undefined;
}

/** How to train a graph; carried along unread. */
export interface TrainingInfoProto extends Message {
  initialization?: GraphProto | undefined;
  algorithm?: GraphProto | undefined;
  initializationBinding?: StringStringEntryProto[] | undefined;
  updateBinding?: StringStringEntryProto[] | undefined;
}

/** A function of the model's own: nodes may call it as an operator. */
export interface FunctionProto extends Message {
  name?: string | undefined;
  input?: string[] | undefined;
  output?: string[] | undefined;
  /** Names of attributes without a default value. */
  attribute?: string[] | undefined;
  node?: NodeProto[] | undefined;
  docString?: string | undefined;
  opsetImport?: OperatorSetIdProto[] | undefined;
  domain?: string | undefined;
  /** Attributes with a default value (IR version 9). */
  attributeProto?: AttributeProto[] | undefined;
  valueInfo?: ValueInfoProto[] | undefined;
  overload?: string | undefined;
  metadataProps?: StringStringEntryProto[] | undefined;
}

/** A whole ONNX file. */
export interface ModelProto extends Message {
  irVersion?: Int64 | undefined;
  producerName?: string | undefined;
  producerVersion?: string | undefined;
  domain?: string | undefined;
  modelVersion?: Int64 | undefined;
  docString?: string | undefined;
  graph?: GraphProto | undefined;
  opsetImport?: OperatorSetIdProto[] | undefined;
  metadataProps?: StringStringEntryProto[] | undefined;
  trainingInfo?: TrainingInfoProto[] | undefined;
  functions?: FunctionProto[] | undefined;
}

/**
 * A copy one level deep that keeps the unknown fields; spreading alone (`{ ...message }`) would drop them.
 * Nested messages, arrays and bytes are shared with the original.
 */
export function copyMessage<T extends Message>(message: T): T {
  const copy: T = { ...message };
  const unknowns = message.$unknowns;
  if (unknowns === undefined) return copy;
  return Object.defineProperty(copy, '$unknowns', {
    value: [...unknowns],
    enumerable: false,
    writable: true,
    configurable: true,
  });
}
