import onnxProto, { type onnx } from 'onnx-proto';
import { expect, expectTypeOf, test } from 'vitest';
import {
  type AttributeProto,
  AttributeType,
  copyMessage,
  DataLocation,
  DataType,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type SparseTensorProto,
  type TensorAnnotation,
  type TensorProto,
  type TrainingInfoProto,
  type TypeProto,
  type ValueInfoProto,
} from '../../src/onnx/messages.ts';
import { modelType } from '../../src/onnx/schema.ts';

/** The fields of a message of onnx-proto that ours lacks: none, where they agree. */
type Missing<Theirs, Ours> = Exclude<keyof Theirs, keyof Ours>;

test('the messages have every field of the independent definition', () => {
  expectTypeOf<Missing<onnx.IModelProto, ModelProto>>().toBeNever();
  expectTypeOf<Missing<onnx.IGraphProto, GraphProto>>().toBeNever();
  expectTypeOf<Missing<onnx.INodeProto, NodeProto>>().toBeNever();
  expectTypeOf<Missing<onnx.IAttributeProto, AttributeProto>>().toBeNever();
  expectTypeOf<Missing<onnx.ITensorProto, TensorProto>>().toBeNever();
  expectTypeOf<Missing<onnx.ISparseTensorProto, SparseTensorProto>>().toBeNever();
  expectTypeOf<Missing<onnx.IValueInfoProto, ValueInfoProto>>().toBeNever();
  expectTypeOf<Missing<onnx.ITypeProto, TypeProto>>().toBeNever();
  expectTypeOf<Missing<onnx.IFunctionProto, FunctionProto>>().toBeNever();
  expectTypeOf<Missing<onnx.ITensorAnnotation, TensorAnnotation>>().toBeNever();
  expectTypeOf<Missing<onnx.ITrainingInfoProto, TrainingInfoProto>>().toBeNever();
});

test('the numbers of the enums agree with the independent definition', () => {
  const { AttributeProto: attribute, TensorProto: tensor } = onnxProto.onnx;
  const numbers = (table: object): object =>
    Object.fromEntries(Object.entries(table).filter(([, value]) => typeof value === 'number'));
  expect(DataType).toMatchObject(numbers(tensor.DataType));
  expect(AttributeType).toMatchObject(numbers(attribute.AttributeType));
  expect(DataLocation).toMatchObject(numbers(tensor.DataLocation));
  expect(new Set(Object.values(DataType)).size).toBe(Object.keys(DataType).length);
});

test('a copy is shallow and keeps the unknown fields, apart from the original', () => {
  const bytes = Uint8Array.from([0x08, 8, 0x82, 0xfa, 0x01, 1, 65]);
  const original: ModelProto = modelType.decode(bytes);
  Object.defineProperty(original, '$unknowns', { value: [bytes.subarray(2)], enumerable: false, writable: true });
  const copy = copyMessage(original);
  expect(Number(copy.irVersion)).toBe(8);
  expect(copy.$unknowns).toEqual([bytes.subarray(2)]);
  expect(copy.$unknowns).not.toBe(original.$unknowns);
  expect(Object.keys(copy)).toEqual(['irVersion']);
  copy.irVersion = 9;
  expect(Number(original.irVersion)).toBe(8);
  const tensor: TensorProto = { name: 'x' };
  expect(copyMessage(tensor)).toEqual({ name: 'x' });
});
