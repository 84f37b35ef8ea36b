import Long from 'long';
import protobuf from 'protobufjs/light.js';
import { tensorsOf } from '../../src/onnx/all-tensors.ts';
import { AttributeType, DataLocation, type TensorProto } from '../../src/onnx/messages.ts';
import { modelType } from '../../src/onnx/schema.ts';
import type { Dice } from './dice.ts';
import { HOSTILE_NAMES } from './edits/values.ts';
import { type Edit, graphOf, graphsOf, namesIn, type Subject } from './subject.ts';

/** A message somewhere in a model, and where it stands. */
interface Slot {
  readonly message: object;
  readonly type: protobuf.Type;
  /** Puts another message of the type in its place; undefined for the model itself. */
  readonly replace: ((other: object) => void) | undefined;
}

/** Every message of a model. */
function slotsOf(message: object, type: protobuf.Type, replace?: Slot['replace']): Slot[] {
  const slots: Slot[] = [{ message, type, replace }];
  for (const field of type.fieldsArray) {
    const nested = field.resolvedType;
    if (!(nested instanceof protobuf.Type)) continue;
    const value: unknown = Reflect.get(message, field.name);
    if (Array.isArray(value)) {
      value.forEach((each: unknown, index) => {
        if (isObject(each))
          slots.push(
            ...slotsOf(each, nested, (other) => {
              value[index] = other;
            }),
          );
      });
    } else if (isObject(value)) {
      slots.push(...slotsOf(value, nested, (other) => Reflect.set(message, field.name, other)));
    }
  }
  return slots;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** A slot whose type is as likely as any other, so that the few messages of a kind are met as often as the many. */
function someSlot({ model }: Subject, dice: Dice): Slot {
  const slots = slotsOf(model, modelType);
  const types = [...new Set(slots.map(({ type }) => type))];
  const type = dice.pick(types);
  return (
    dice.pick(slots.filter((slot) => slot.type === type)) ?? { message: model, type: modelType, replace: undefined }
  );
}

const EXTREMES = [0, 1, -1, 2, 3, 127, 255, 65535, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1];

/** A number for a field of a whole number, near what it was or far from all sense. */
function wholeNumber(before: unknown, dice: Dice): number | Long {
  if (dice.chance(0.15)) return dice.one(Long.MAX_VALUE, Long.MIN_VALUE);
  if (dice.chance(0.4)) return Number(before ?? 0) + dice.one(1, -1, 2, -2);
  return dice.pick(EXTREMES) ?? 0;
}

function realNumber(dice: Dice): number {
  return dice.one(0, -0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-45, 3.4e38);
}

function text(subject: Subject, dice: Dice): string {
  const names = [...namesIn(subject)];
  return (dice.chance(0.6) ? dice.pick(names) : undefined) ?? (dice.chance(0.2) ? '' : dice.one(...HOSTILE_NAMES));
}

function bytes(before: unknown, dice: Dice): Uint8Array {
  const old = before instanceof Uint8Array ? before : new Uint8Array();
  return dice.one(
    () => new Uint8Array(),
    () => old.slice(0, dice.below(old.length + 1)),
    () => Buffer.concat([old, new Uint8Array(1 + dice.below(9))]),
    () => Uint8Array.from({ length: dice.below(20) }, () => dice.below(256)),
    () => old.map((byte, index) => (index === dice.below(old.length) ? dice.below(256) : byte)),
  )();
}

/** A value of a field's type that is no message. */
function scalarOf(field: protobuf.Field, before: unknown, subject: Subject, dice: Dice): unknown {
  switch (field.type) {
    case 'string':
      return text(subject, dice);
    case 'bytes':
      return bytes(before, dice);
    case 'float':
    case 'double':
      return realNumber(dice);
    case 'int32':
      return Number(wholeNumber(before, dice)) | 0;
    default:
      return wholeNumber(before, dice);
  }
}

/** A message of a type that the model has somewhere, as a deep copy; an empty one where it has none. */
function graft(type: protobuf.Type, subject: Subject, dice: Dice): object {
  const donor = dice.pick(slotsOf(subject.model, modelType).filter((slot) => slot.type === type));
  return donor === undefined ? type.create() : type.decode(type.encode(type.create(donor.message)).finish());
}

function present({ message, type }: Slot): protobuf.Field[] {
  return type.fieldsArray.filter((field) => Reflect.get(message, field.name) !== undefined);
}

/** A list in some message; undefined where the message has none. */
function someList(subject: Subject, dice: Dice): unknown[] | undefined {
  const slot = someSlot(subject, dice);
  const lists = present(slot)
    .map((field): unknown => Reflect.get(slot.message, field.name))
    .filter((value) => Array.isArray(value));
  return dice.pick(lists);
}

function someTensor({ model }: Subject, dice: Dice): TensorProto | undefined {
  return dice.pick([...tensorsOf(model)]);
}

/** Edits of messages that know little of what they mean. */
export const FIELD_EDITS: Readonly<Record<string, Edit>> = {
  dropField: (subject, dice) => {
    const slot = someSlot(subject, dice);
    const field = dice.pick(present(slot));
    if (field !== undefined) Reflect.deleteProperty(slot.message, field.name);
    return field !== undefined;
  },
  setField: (subject, dice) => {
    const slot = someSlot(subject, dice);
    const fields = dice.chance(0.75) ? present(slot) : slot.type.fieldsArray;
    const field = dice.pick(fields);
    if (field === undefined) return false;
    const before: unknown = Reflect.get(slot.message, field.name);
    const nested = field.resolvedType;
    const make = (old: unknown): unknown =>
      nested instanceof protobuf.Type ? graft(nested, subject, dice) : scalarOf(field, old, subject, dice);
    if (!field.repeated) return Reflect.set(slot.message, field.name, make(before));
    const list: unknown[] = Array.isArray(before) ? [...before] : [];
    const at = dice.below(list.length + 1);
    list[at] = make(list[at]);
    return Reflect.set(slot.message, field.name, list);
  },
  dropElement: (subject, dice) => {
    const list = someList(subject, dice);
    list?.splice(dice.below(list.length), dice.one(1, 1, 2));
    return list !== undefined;
  },
  duplicateElement: (subject, dice) => {
    const list = someList(subject, dice);
    if (list === undefined || list.length === 0) return false;
    list.splice(dice.below(list.length + 1), 0, list[dice.below(list.length)]);
    return true;
  },
  swapElements: (subject, dice) => {
    const list = someList(subject, dice);
    if (list === undefined || list.length < 2) return false;
    const [a, b] = [dice.below(list.length), dice.below(list.length)];
    [list[a], list[b]] = [list[b], list[a]];
    return true;
  },
  graft: (subject, dice) => {
    const slot = someSlot(subject, dice);
    slot.replace?.(graft(slot.type, subject, dice));
    return slot.replace !== undefined;
  },
  swapStrings: (subject, dice) => {
    const strings = slotsOf(subject.model, modelType).flatMap(({ message, type }) =>
      type.fieldsArray
        .filter((field) => field.type === 'string' && !field.repeated)
        .filter((field) => typeof Reflect.get(message, field.name) === 'string')
        .map((field) => ({ message, key: field.name })),
    );
    const [a, b] = [dice.pick(strings), dice.pick(strings)];
    if (a === undefined || b === undefined) return false;
    const kept: unknown = Reflect.get(a.message, a.key);
    Reflect.set(a.message, a.key, Reflect.get(b.message, b.key));
    return Reflect.set(b.message, b.key, kept);
  },
  unknownField: (subject, dice) => {
    const { message } = someSlot(subject, dice);
    const field = Uint8Array.from(dice.one([0xf8, 0x3e, 7], [0xfa, 0x3e, 2, 8, 1], [0xc0, 0x3e, 1]));
    Object.defineProperty(message, '$unknowns', {
      value: [field],
      enumerable: false,
      writable: true,
      configurable: true,
    });
    return true;
  },
  versions: ({ model }, dice) => {
    const set = dice.pick(model.opsetImport ?? []);
    if (dice.chance(0.4)) model.irVersion = dice.one(1, 2, 3, 4, 7, 9, 10, 11, 13, 14, 0, -1, 2 ** 31);
    else if (set !== undefined)
      set.version = dice.one(1, 6, 7, 9, 10, 11, 12, 13, 15, 18, 21, 22, 23, 26, 30, 0, -1, 2 ** 31);
    return true;
  },
  dims: (subject, dice) => {
    const each = someTensor(subject, dice);
    if (each === undefined) return false;
    const dims = [...(each.dims ?? [])];
    const at = dice.below(dims.length);
    dice.one<() => unknown>(
      () => dims.push(1),
      () => dims.pop(),
      () => dims.reverse(),
      () => dims.unshift(dice.one(1, 0, -1)),
      () => dims.splice(at, 1, wholeNumber(dims[at], dice)),
    )();
    each.dims = dims;
    return true;
  },
  dataType: (subject, dice) => {
    const each = someTensor(subject, dice);
    if (each !== undefined) each.dataType = dice.below(29);
    return each !== undefined;
  },
  rawData: (subject, dice) => {
    const each = someTensor(subject, dice);
    if (each !== undefined) each.rawData = bytes(each.rawData, dice);
    return each !== undefined;
  },
  typedField: (subject, dice) => {
    const each = someTensor(subject, dice);
    if (each === undefined) return false;
    const count = dice.below(5);
    dice.one<() => unknown>(
      () => Object.assign(each, { floatData: Array.from({ length: count }, () => realNumber(dice)) }),
      () => Object.assign(each, { int64Data: Array.from({ length: count }, () => wholeNumber(1, dice)) }),
      () => Object.assign(each, { int32Data: Array.from({ length: count }, () => dice.below(300)) }),
      () => Object.assign(each, { stringData: [new Uint8Array(count)] }),
      () => Object.assign(each, { doubleData: [realNumber(dice)] }),
    )();
    if (dice.chance(0.7)) delete each.rawData;
    return true;
  },
  attributeType: (subject, dice) => {
    const graphs = graphsOf(graphOf(subject));
    const attribute = dice.pick(graphs.flatMap(({ node = [] }) => node.flatMap((each) => each.attribute ?? [])));
    if (attribute !== undefined) attribute.type = dice.below(Object.keys(AttributeType).length + 2);
    return attribute !== undefined;
  },
  attributeValue: (subject, dice) => {
    const graphs = graphsOf(graphOf(subject));
    const attribute = dice.pick(graphs.flatMap(({ node = [] }) => node.flatMap((each) => each.attribute ?? [])));
    if (attribute === undefined) return false;
    if (attribute.ints !== undefined && dice.chance(0.8)) {
      const list = [...attribute.ints];
      const at = dice.below(list.length);
      list.splice(at, dice.one(1, 1, 0), ...dice.one([wholeNumber(list[at], dice)], []));
      attribute.ints = list;
    } else if (attribute.f !== undefined) attribute.f = realNumber(dice);
    else attribute.i = wholeNumber(attribute.i, dice);
    return true;
  },
  operator: (subject, dice) => {
    const nodes = graphsOf(graphOf(subject)).flatMap(({ node = [] }) => node);
    const [a, b] = [dice.pick(nodes), dice.pick(nodes)];
    if (a === undefined || b === undefined) return false;
    a.opType = dice.chance(0.6)
      ? (b.opType ?? '')
      : dice.one('Identity', 'Loop', 'If', 'Scan', 'Constant', 'Concat', 'Gemm', '');
    return true;
  },
  externalEntry: (subject, dice) => {
    const each = someTensor(subject, dice);
    if (each === undefined) return false;
    const entries = each.externalData ?? [{ key: 'location', value: 'weights.bin' }];
    const [key, value] = dice.one<readonly [string, string]>(
      ['location', '../weights.bin'],
      ['location', '/etc/passwd'],
      ['location', 'model.onnx'],
      ['location', ''],
      ['location', '.'],
      ['offset', '-1'],
      ['offset', '9007199254740993'],
      ['offset', '4'],
      ['length', '0'],
      ['length', '1e3'],
      ['length', '99999999999'],
      ['__proto__', 'x'],
    );
    each.externalData = [...entries.filter((entry) => entry.key !== key), { key, value }];
    each.dataLocation = dice.one<number>(DataLocation.EXTERNAL, DataLocation.EXTERNAL, 0, 7);
    return true;
  },
};
