import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import onnxProto from 'onnx-proto';
import { describe, expect, test } from 'vitest';
import { OnnxPruneError } from '../../src/errors.ts';
import { decodeModel, encodeModel, encodeModelParts, partsLength } from '../../src/onnx/codec.ts';
import { AttributeType, type GraphProto, type ModelProto } from '../../src/onnx/messages.ts';
import { modelType } from '../../src/onnx/schema.ts';
import { atHand } from '../../src/onnx/stored-bytes.ts';
import { foreignModel, refusal } from './foreign-model.ts';
import { anyMessage, extendedModelType, fullMessage, type Plain } from './samples.ts';

const { ModelProto: Oracle } = onnxProto.onnx;
const graphType = modelType.root.lookupType('GraphProto');
const valueInfoType = modelType.root.lookupType('ValueInfoProto');

/** What the independent decoder reads, as plain data. */
function oracle(bytes: Uint8Array): Plain {
  return Oracle.toObject(Oracle.decode(bytes), { bytes: String, longs: String });
}

/** Adds what a model must have to be accepted. */
function complete(fields: Plain): Plain {
  return { ...fields, irVersion: 8, opsetImport: [{ version: 17 }] };
}

function nested(levels: number): ModelProto {
  let graph: GraphProto = { name: 'innermost' };
  for (let level = 0; level < levels; level++) {
    graph = { node: [{ opType: 'If', attribute: [{ name: 'then_branch', type: AttributeType.GRAPH, g: graph }] }] };
  }
  return { irVersion: 8, opsetImport: [{ version: 17 }], graph };
}

describe('round trips', () => {
  test('what another encoder wrote comes back meaning the same', () => {
    const bytes = foreignModel();
    expect(oracle(encodeModel(decodeModel(bytes)))).toEqual(oracle(bytes));
  });

  test('written defaults stay written, absent fields stay absent', () => {
    const attributes = decodeModel(foreignModel()).graph?.node?.[0]?.attribute;
    expect(Object.keys(attributes?.[0] ?? {})).toEqual(['name', 'i', 'type']);
    expect(Number(attributes?.[0]?.i)).toBe(0);
    expect(attributes?.[1]?.f).toBe(0);
    expect(attributes?.[1]?.i).toBeUndefined();
    expect(attributes?.[2]?.s).toHaveLength(0);
  });

  test('packed and unpacked lists of numbers are both read', () => {
    const unpacked = [0x08, 1, 0x08, 2];
    const packed = [0x0a, 2, 1, 2];
    const model = (dims: readonly number[]): Uint8Array =>
      Uint8Array.from([0x08, 8, 0x3a, 6, 0x2a, 4, ...dims, 0x42, 2, 0x10, 17]);
    for (const dims of [unpacked, packed]) {
      expect(decodeModel(model(dims)).graph?.initializer?.[0]?.dims?.map(Number)).toEqual([1, 2]);
    }
    expect(encodeModel(decodeModel(model(unpacked)))).toEqual(model(unpacked));
  });

  test('every fixture comes back byte for byte, or meaning the same', () => {
    const folder = fileURLToPath(new URL('../../fixtures', import.meta.url));
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.onnx')) continue;
      const file = join(folder, name);
      const bytes = readFileSync(file);
      const result = encodeModel(decodeModel(bytes, file));
      if (!bytes.equals(result)) expect(oracle(result)).toEqual(oracle(bytes));
    }
  });

  test('any model comes back byte for byte, whole or in parts, and the independent decoder reads the same', () => {
    const anyValues = fc.array(anyMessage(valueInfoType, 4), { maxLength: 2 });
    fc.assert(
      fc.property(anyMessage(modelType, 3), anyMessage(graphType, 2), anyValues, (fields, graph, valueInfo) => {
        const message = complete({ ...fields, graph: { ...graph, valueInfo } });
        const bytes = Buffer.from(modelType.encode(message).finish());
        const model = decodeModel(bytes);
        expect(bytes.equals(encodeModel(model))).toBe(true);
        expect(bytes.equals(Buffer.concat(encodeModelParts(model).map(atHand)))).toBe(true);
        expect(oracle(encodeModel(model))).toEqual(oracle(bytes));
      }),
      { numRuns: 60 },
    );
  });
});

describe('unknown fields', () => {
  const newer = extendedModelType();
  const types = newer.root.nestedArray.filter((type) => type !== undefined).map(({ name }) => name);
  const original = newer.encode(fullMessage(newer, 6)).finish();

  /** Names of the message types in which extra fields are found. */
  function extended(bytes: Uint8Array): Set<string> {
    const found = new Set<string>();
    const visit = (value: unknown): void => {
      if (Array.isArray(value)) for (const item of value) visit(item);
      if (typeof value !== 'object' || value === null || !('$type' in value)) return;
      if ('extraText' in value && Object.hasOwn(value, 'extraText')) found.add(Reflect.get(value.$type ?? {}, 'name'));
      for (const inner of Object.values(value)) visit(inner);
    };
    visit(newer.decode(bytes));
    return found;
  }

  test('are in every message of the sample', () => {
    expect([...extended(original)].sort()).toEqual([...types].sort());
  });

  test('survive in every message, whole and in parts', () => {
    const model = decodeModel(original);
    const before = newer.toObject(newer.decode(original), { longs: String, bytes: String });
    for (const bytes of [encodeModel(model), Buffer.concat(encodeModelParts(model).map(atHand))]) {
      expect(bytes.length).toBe(original.length);
      expect(newer.toObject(newer.decode(bytes), { longs: String, bytes: String })).toEqual(before);
    }
  });

  test('are not in the way: they are not enumerable', () => {
    const model = decodeModel(original);
    expect(Object.keys(model)).not.toContain('$unknowns');
    expect(model.$unknowns?.length).toBeGreaterThan(0);
  });
});

describe('memory', () => {
  test.each([
    ['a Uint8Array', (bytes: Uint8Array) => new Uint8Array(bytes)],
    ['a Buffer', (bytes: Uint8Array) => Buffer.from(bytes)],
    [
      'a view in the middle of a larger array',
      (bytes: Uint8Array) => Buffer.concat([Buffer.alloc(13), bytes]).subarray(13),
    ],
  ])('raw data of %s are plain views into it', (_, place) => {
    const bytes = place(foreignModel());
    const raw = atHand(decodeModel(bytes).graph?.initializer?.[0]?.rawData ?? new Uint8Array());
    expect(raw.constructor).toBe(Uint8Array);
    expect(raw[0]).toBe(3);
    bytes.fill(9);
    expect(raw[0]).toBe(9);
  });

  test('big raw data is not copied into the parts, small data is; wherever the tensor is', () => {
    const big = new Uint8Array(5000).fill(1);
    const small = new Uint8Array(100).fill(2);
    const tensors = [{ rawData: big }, { rawData: small }];
    const model: ModelProto = {
      irVersion: 8,
      opsetImport: [{ version: 17 }],
      graph: {
        initializer: tensors,
        node: [{ opType: 'Constant', attribute: [{ name: 'value', t: { rawData: big } }] }],
        sparseInitializer: [{ values: { rawData: big } }],
      },
    };
    const parts = encodeModelParts(model).map(atHand);
    expect(parts.filter((part) => part.buffer === big.buffer)).toHaveLength(3);
    expect(parts.filter((part) => part.buffer === small.buffer)).toHaveLength(0);
    expect(partsLength(parts)).toBe(encodeModel(model).length);
    expect(oracle(Buffer.concat(parts))).toEqual(oracle(modelType.encode(model).finish()));
  });
});

describe('limits', () => {
  test('a model beyond 2 GiB cannot be one message', () => {
    const block = new Uint8Array(2 ** 26);
    const initializer = Array.from({ length: 32 }, () => ({ rawData: block }));
    const huge: ModelProto = { irVersion: 8, opsetImport: [{ version: 17 }], graph: { initializer } };
    expect(() => encodeModelParts(huge)).toThrow(/protobuf allows 2147483647: keep tensors in external data/);
    const node = initializer.map((t) => ({ attribute: [{ t }] }));
    expect(() => encodeModelParts({ ...huge, graph: { node } })).toThrow(OnnxPruneError);
  });

  test('subgraphs nest to the limit of protobuf and not beyond', () => {
    const deep = encodeModel(nested(32));
    expect(oracle(encodeModel(decodeModel(deep)))).toEqual(oracle(deep));
    expect(() => encodeModel(nested(60))).toThrow(/nests messages more than 100 deep/);
  });

  test('a file that nests deeper is refused', () => {
    let bytes: number[] = [];
    const length = (of: number): number[] => (of < 128 ? [of] : [(of & 127) | 128, of >> 7]);
    const wrap = (tag: number): void => {
      bytes = [tag, ...length(bytes.length), ...bytes];
    };
    for (let level = 0; level < 40; level++) for (const tag of [0x32, 0x2a, 0x0a]) wrap(tag);
    wrap(0x3a);
    expect(refusal(Uint8Array.from([0x08, 8, ...bytes])).message).toMatch(
      /^some.onnx nests messages more than 100 deep/,
    );
  });
});
