import protobuf from 'protobufjs/light.js';
import { keepNanBits } from './nan-bits.ts';

// Source of the field numbers: onnx.proto (proto2) of the ONNX project, IR version 13. `packed` is set exactly where
// the file says `[packed = true]`, so that what python's onnx wrote comes back byte for byte. Enums are declared int32,
// which is the same on the wire: a closed enum would move values newer than this file to the unknown fields.

type Rule = { readonly id: number; readonly type: string } & Pick<protobuf.IField, 'rule' | 'options'>;

const one = (id: number, type: string): Rule => ({ id, type });
const many = (id: number, type: string): Rule => ({ id, type, rule: 'repeated' });
const packed = (id: number, type: string): Rule => ({ id, type, rule: 'repeated', options: { packed: true } });

const metadataProps = (id: number): Rule => many(id, 'StringStringEntryProto');

const messages: Readonly<Record<string, protobuf.IType>> = {
  StringStringEntryProto: { fields: { key: one(1, 'string'), value: one(2, 'string') } },
  OperatorSetIdProto: { fields: { domain: one(1, 'string'), version: one(2, 'int64') } },
  SegmentProto: { fields: { begin: one(1, 'int64'), end: one(2, 'int64') } },
  TensorProto: {
    fields: {
      dims: many(1, 'int64'),
      dataType: one(2, 'int32'),
      segment: one(3, 'SegmentProto'),
      floatData: packed(4, 'float'),
      int32Data: packed(5, 'int32'),
      stringData: many(6, 'bytes'),
      int64Data: packed(7, 'int64'),
      name: one(8, 'string'),
      rawData: one(9, 'bytes'),
      doubleData: packed(10, 'double'),
      uint64Data: packed(11, 'uint64'),
      docString: one(12, 'string'),
      externalData: many(13, 'StringStringEntryProto'),
      dataLocation: one(14, 'int32'),
      metadataProps: metadataProps(16),
    },
  },
  SparseTensorProto: {
    fields: { values: one(1, 'TensorProto'), indices: one(2, 'TensorProto'), dims: many(3, 'int64') },
  },
  DimensionProto: {
    oneofs: { value: { oneof: ['dimValue', 'dimParam'] } },
    fields: { dimValue: one(1, 'int64'), dimParam: one(2, 'string'), denotation: one(3, 'string') },
  },
  TensorShapeProto: { fields: { dim: many(1, 'DimensionProto') } },
  TensorTypeProto: { fields: { elemType: one(1, 'int32'), shape: one(2, 'TensorShapeProto') } },
  SparseTensorTypeProto: { fields: { elemType: one(1, 'int32'), shape: one(2, 'TensorShapeProto') } },
  SequenceTypeProto: { fields: { elemType: one(1, 'TypeProto') } },
  OptionalTypeProto: { fields: { elemType: one(1, 'TypeProto') } },
  MapTypeProto: { fields: { keyType: one(1, 'int32'), valueType: one(2, 'TypeProto') } },
  OpaqueTypeProto: { fields: { domain: one(1, 'string'), name: one(2, 'string') } },
  TypeProto: {
    oneofs: {
      value: {
        oneof: ['tensorType', 'sequenceType', 'mapType', 'opaqueType', 'sparseTensorType', 'optionalType'],
      },
    },
    fields: {
      tensorType: one(1, 'TensorTypeProto'),
      sequenceType: one(4, 'SequenceTypeProto'),
      mapType: one(5, 'MapTypeProto'),
      denotation: one(6, 'string'),
      opaqueType: one(7, 'OpaqueTypeProto'),
      sparseTensorType: one(8, 'SparseTensorTypeProto'),
      optionalType: one(9, 'OptionalTypeProto'),
    },
  },
  ValueInfoProto: {
    fields: {
      name: one(1, 'string'),
      type: one(2, 'TypeProto'),
      docString: one(3, 'string'),
      metadataProps: metadataProps(4),
    },
  },
  AttributeProto: {
    fields: {
      name: one(1, 'string'),
      f: one(2, 'float'),
      i: one(3, 'int64'),
      s: one(4, 'bytes'),
      t: one(5, 'TensorProto'),
      g: one(6, 'GraphProto'),
      floats: many(7, 'float'),
      ints: many(8, 'int64'),
      strings: many(9, 'bytes'),
      tensors: many(10, 'TensorProto'),
      graphs: many(11, 'GraphProto'),
      docString: one(13, 'string'),
      tp: one(14, 'TypeProto'),
      typeProtos: many(15, 'TypeProto'),
      type: one(20, 'int32'),
      refAttrName: one(21, 'string'),
      sparseTensor: one(22, 'SparseTensorProto'),
      sparseTensors: many(23, 'SparseTensorProto'),
    },
  },
  NodeProto: {
    fields: {
      input: many(1, 'string'),
      output: many(2, 'string'),
      name: one(3, 'string'),
      opType: one(4, 'string'),
      attribute: many(5, 'AttributeProto'),
      docString: one(6, 'string'),
      domain: one(7, 'string'),
      overload: one(8, 'string'),
      metadataProps: metadataProps(9),
    },
  },
  TensorAnnotation: {
    fields: { tensorName: one(1, 'string'), quantParameterTensorNames: many(2, 'StringStringEntryProto') },
  },
  GraphProto: {
    fields: {
      node: many(1, 'NodeProto'),
      name: one(2, 'string'),
      initializer: many(5, 'TensorProto'),
      docString: one(10, 'string'),
      input: many(11, 'ValueInfoProto'),
      output: many(12, 'ValueInfoProto'),
      valueInfo: many(13, 'ValueInfoProto'),
      quantizationAnnotation: many(14, 'TensorAnnotation'),
      sparseInitializer: many(15, 'SparseTensorProto'),
      metadataProps: metadataProps(16),
    },
  },
  TrainingInfoProto: {
    fields: {
      initialization: one(1, 'GraphProto'),
      algorithm: one(2, 'GraphProto'),
      initializationBinding: many(3, 'StringStringEntryProto'),
      updateBinding: many(4, 'StringStringEntryProto'),
    },
  },
  FunctionProto: {
    fields: {
      name: one(1, 'string'),
      input: many(4, 'string'),
      output: many(5, 'string'),
      attribute: many(6, 'string'),
      node: many(7, 'NodeProto'),
      docString: one(8, 'string'),
      opsetImport: many(9, 'OperatorSetIdProto'),
      domain: one(10, 'string'),
      attributeProto: many(11, 'AttributeProto'),
      valueInfo: many(12, 'ValueInfoProto'),
      overload: one(13, 'string'),
      metadataProps: metadataProps(14),
    },
  },
  ModelProto: {
    fields: {
      irVersion: one(1, 'int64'),
      producerName: one(2, 'string'),
      producerVersion: one(3, 'string'),
      domain: one(4, 'string'),
      modelVersion: one(5, 'int64'),
      docString: one(6, 'string'),
      graph: one(7, 'GraphProto'),
      opsetImport: many(8, 'OperatorSetIdProto'),
      metadataProps: metadataProps(14),
      trainingInfo: many(20, 'TrainingInfoProto'),
      functions: many(25, 'FunctionProto'),
    },
  },
};

/**
 * protobufjs would let every decoded message inherit default values and own empty arrays, so that an absent field
 * could not be told from a present one. These messages own what the file has, and nothing else.
 */
function withoutDefaults(type: protobuf.Type): void {
  type.ctor = class extends protobuf.Message {};
  for (const field of type.fieldsArray) Reflect.deleteProperty(type.ctor.prototype, field.name);
}

function buildModelType(): protobuf.Type {
  // A type of a JSON descriptor is proto3 unless it says so, and proto3 would lose explicitly written zeros.
  const proto2 = Object.entries(messages).map(([name, message]) => [name, { ...message, edition: 'proto2' }]);
  const root = protobuf.Root.fromJSON({ nested: Object.fromEntries(proto2) });
  for (const nested of root.nestedArray) if (nested instanceof protobuf.Type) withoutDefaults(nested);
  keepNanBits(root.lookupType('TensorProto'));
  return root.lookupType('ModelProto');
}

/**
 * The protobufjs reflection of ModelProto; the other message types are reached through its fields. Its own `decode`
 * drops unknown fields and accepts anything: models are to be read with `decodeModel`.
 */
export const modelType: protobuf.Type = buildModelType();
