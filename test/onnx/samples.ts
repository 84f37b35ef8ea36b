import fc from 'fast-check';
import protobuf from 'protobufjs/light.js';
import { modelType } from '../../src/onnx/schema.ts';

/** A message as plain data, for protobufjs' reflection. */
export type Plain = Record<string, unknown>;

/** The number that the extra fields of {@link extendedModelType} start at; no ONNX message has one. */
export const firstExtra = 4000;

/** The schema with three fields more in every message: what a newer ONNX may look like. */
export function extendedModelType(): protobuf.Type {
  const json = modelType.root.toJSON();
  for (const type of Object.values(json.nested ?? {})) {
    if (!('fields' in type)) continue;
    type.fields = {
      ...type.fields,
      extraText: { id: firstExtra, type: 'string' },
      extraNumbers: { id: firstExtra + 1, type: 'int64', rule: 'repeated' },
      extraBytes: { id: firstExtra + 2, type: 'bytes' },
    };
  }
  return protobuf.Root.fromJSON(json).resolveAll().lookupType('ModelProto');
}

/**
 * A message in which every field is set, nested ones down to `depth` levels. Where only one of several fields can be
 * set, `choice` says which; repeated messages have one element for every choice.
 */
export function fullMessage(type: protobuf.Type, depth: number, choice = 0): Plain {
  const message: Plain = {};
  for (const field of type.fieldsArray) {
    const value = fullValue(field, depth, choice);
    if (value !== undefined && isChosen(field, choice)) message[field.name] = field.repeated ? value : value[0];
  }
  return message;
}

/** Any message of a type: each field absent, empty or set, defaults such as 0 and '' included. */
export function anyMessage(type: protobuf.Type, depth: number): fc.Arbitrary<Plain> {
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of type.fieldsArray) {
    const nested = field.resolvedType;
    if (nested instanceof protobuf.Type && depth === 0) continue;
    const single = nested instanceof protobuf.Type ? anyMessage(nested, depth - 1) : anyScalar(field.type);
    model[field.name] = field.repeated ? fc.array(single, { minLength: 1, maxLength: 3 }) : single;
  }
  return fc.record(model, { requiredKeys: [] }).map((message) => withOneOfEach(type, message));
}

function isChosen(field: protobuf.Field, choice: number): boolean {
  const names = field.partOf?.oneof;
  return names === undefined || names[choice % names.length] === field.name;
}

function fullValue(field: protobuf.Field, depth: number, choice: number): unknown[] | undefined {
  const nested = field.resolvedType;
  if (!(nested instanceof protobuf.Type)) return [sampleScalar(field)];
  if (depth === 0) return undefined;
  const choices = nested.oneofsArray[0]?.oneof.length ?? 1;
  if (!field.repeated) return [fullMessage(nested, depth - 1, choice)];
  return Array.from({ length: choices }, (_, index) => fullMessage(nested, depth - 1, index));
}

function sampleScalar(field: protobuf.Field): unknown {
  if (field.type === 'string') return `${field.name} ü`;
  if (field.type === 'bytes')
    return Uint8Array.from({ length: field.name === 'rawData' ? 6000 : 5 }, (_, i) => i & 255);
  return field.type === 'float' || field.type === 'double' ? 0.5 : field.id;
}

function anyScalar(type: string): fc.Arbitrary<unknown> {
  switch (type) {
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 8 });
    case 'bytes':
      return fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.constant(new Uint8Array(5000).fill(7)));
    case 'float':
      return fc.float({ noNaN: true });
    case 'double':
      return fc.double({ noNaN: true });
    case 'int32':
      return fc.integer();
    case 'uint64':
      return fc.maxSafeNat();
    default:
      return fc.maxSafeInteger();
  }
}

/** Drops all but the last set member of each group of which only one may be set. */
function withOneOfEach(type: protobuf.Type, message: Plain): Plain {
  const result = { ...message };
  for (const { oneof } of type.oneofsArray) {
    for (const name of oneof.filter((key) => key in result).slice(0, -1)) delete result[name];
  }
  return result;
}
