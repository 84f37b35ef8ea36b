/**
 * Element types of tensors: the numbers of `TensorProto.DataType`.
 * Source: onnx.proto, message TensorProto, enum DataType, up to ONNX 1.20 (IR version 13).
 */
export const DataType = {
  UNDEFINED: 0,
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  STRING: 8,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
  UINT32: 12,
  UINT64: 13,
  COMPLEX64: 14,
  COMPLEX128: 15,
  BFLOAT16: 16,
  FLOAT8E4M3FN: 17,
  FLOAT8E4M3FNUZ: 18,
  FLOAT8E5M2: 19,
  FLOAT8E5M2FNUZ: 20,
  UINT4: 21,
  INT4: 22,
  FLOAT4E2M1: 23,
  FLOAT8E8M0: 24,
  UINT2: 25,
  INT2: 26,
} as const;

/** A number of {@link DataType}. A message may hold any other number: newer formats have more types. */
export type DataType = (typeof DataType)[keyof typeof DataType];

/**
 * What an attribute holds: the numbers of `AttributeProto.AttributeType`.
 * Source: onnx.proto, message AttributeProto, enum AttributeType.
 */
export const AttributeType = {
  UNDEFINED: 0,
  FLOAT: 1,
  INT: 2,
  STRING: 3,
  TENSOR: 4,
  GRAPH: 5,
  FLOATS: 6,
  INTS: 7,
  STRINGS: 8,
  TENSORS: 9,
  GRAPHS: 10,
  SPARSE_TENSOR: 11,
  SPARSE_TENSORS: 12,
  TYPE_PROTO: 13,
  TYPE_PROTOS: 14,
} as const;

/** A number of {@link AttributeType}. A message may hold any other number. */
export type AttributeType = (typeof AttributeType)[keyof typeof AttributeType];

/**
 * Where the elements of a tensor are: the numbers of `TensorProto.DataLocation`.
 * Source: onnx.proto, message TensorProto, enum DataLocation.
 */
export const DataLocation = { DEFAULT: 0, EXTERNAL: 1 } as const;

/** A number of {@link DataLocation}. */
export type DataLocation = (typeof DataLocation)[keyof typeof DataLocation];
