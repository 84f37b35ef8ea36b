import { readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import Long from 'long';
import { describe, expect, test } from 'vitest';
import { buildChannelMap } from '../../src/channels/build.ts';
import { Cut } from '../../src/channels/cut.ts';
import { shrink } from '../../src/channels/shrink.ts';
import { exportModel, importModel, type Model } from '../../src/ir/model.ts';
import { graphsIn, initializersIn } from '../../src/ir/node.ts';
import { normalise } from '../../src/normalise/normalise.ts';
import { tensorsOf } from '../../src/onnx/all-tensors.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import {
  type AttributeProto,
  AttributeType,
  DataLocation,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from '../../src/onnx/messages.ts';
import { readModelFile } from '../../src/onnx/read.ts';
import { atHand } from '../../src/onnx/stored-bytes.ts';
import { writeModelFile } from '../../src/onnx/write.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { pruneWeights } from '../../src/transforms/prune-weights.ts';
import { freshFolder } from '../pipeline/folder.ts';
import { HALF } from '../transforms/pruned-weights.ts';
import { oddBits, type Storage, TYPES, typedFields } from './every-type.ts';
import { declared, floatTensor, silent } from './messages.ts';

const STORAGES: readonly Storage[] = ['raw', 'typed', 'external'];
const PLACES = ['initializer', 'node', 'body initializer', 'body node'] as const;
const COUNT = 15;

/** A tensor for every type and storage, by a name that begins with the place; external ones refer to `odd.data`. */
function oddTensors(place: string): { tensors: TensorProto[]; expected: Map<string, Uint8Array>; data: Uint8Array } {
  const expected = new Map<string, Uint8Array>();
  const parts: Uint8Array[] = [];
  let offset = place.length * 100_000;
  parts.push(new Uint8Array(offset));
  const tensors = TYPES.flatMap(([type, dataType, bits, field]) =>
    STORAGES.map((storage): TensorProto => {
      const name = `${place} ${type} ${storage}`;
      const raw = oddBits(type, bits, COUNT, dataType);
      expected.set(name, raw);
      const head = { name, dims: [COUNT], dataType };
      if (storage === 'raw') return { ...head, rawData: raw };
      if (storage === 'typed') return { ...head, ...typedFields(type, bits, field, raw) };
      parts.push(raw);
      const at = offset;
      offset += raw.length;
      const entries = { location: `${place}.data`, offset: `${at}`, length: `${raw.length}` };
      return {
        ...head,
        dataLocation: DataLocation.EXTERNAL,
        externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
      };
    }),
  );
  return { tensors, expected, data: Buffer.concat(parts) };
}

const keeper = (names: readonly string[], output: string): NodeProto => ({
  opType: 'Keep',
  domain: 'test',
  input: [...names],
  output: [output],
});
const constant = ({ name, ...tensor }: TensorProto): NodeProto => ({
  opType: 'Constant',
  output: [name ?? ''],
  attribute: [{ name: 'value', type: AttributeType.TENSOR, t: tensor }],
});
/** x [2, 6] → Gemm → Relu → Gemm → y [2, 4], and beside it nodes that read every odd tensor, in the graph and in a body. */
function oddNet(folder: ReturnType<typeof freshFolder>): { path: string; expected: Map<string, Uint8Array> } {
  const [plain, nodes, bodyPlain, bodyNodes] = PLACES.map((place) => {
    const odd = oddTensors(place);
    writeFileSync(folder.path(`${place}.data`), odd.data);
    return odd;
  });
  if (!plain || !nodes || !bodyPlain || !bodyNodes) expect.fail('there are four places');
  const names = ({ tensors }: { tensors: TensorProto[] }): string[] => tensors.map(({ name }) => name ?? '');
  const branch = (output: string, all: readonly string[]): object => ({
    name: output,
    node: [...bodyNodes.tensors.map(constant), keeper(all, output)],
    initializer: bodyPlain.tensors,
    output: [{ name: output }],
  });
  const transB = { name: 'transB', type: AttributeType.INT, i: 1 };
  const path = folder.write(
    'in.onnx',
    encodeModel({
      irVersion: 13,
      opsetImport: [
        { domain: '', version: 25 },
        { domain: 'test', version: 1 },
      ],
      graph: {
        name: 'odd',
        node: [
          { opType: 'Gemm', input: ['x', 'first'], output: ['h'], attribute: [transB] },
          { opType: 'Relu', input: ['h'], output: ['r'] },
          { opType: 'Gemm', input: ['r', 'second'], output: ['y'], attribute: [transB] },
          ...nodes.tensors.map(constant),
          keeper([...names(plain), ...names(nodes)], 'kept'),
          {
            opType: 'If',
            input: ['choice'],
            output: ['chosen'],
            attribute: [
              {
                name: 'then_branch',
                type: AttributeType.GRAPH,
                g: branch('then', [...names(bodyPlain), ...names(bodyNodes)]),
              },
              {
                name: 'else_branch',
                type: AttributeType.GRAPH,
                g: { name: 'else', node: [keeper(['x'], 'other')], output: [{ name: 'other' }] },
              },
            ],
          },
        ],
        initializer: [floatTensor('first', [8, 6], 1), floatTensor('second', [4, 8], 2), ...plain.tensors],
        input: [declared('x', 1, [2, 6]), declared('choice', 9, [])],
        output: [declared('y', 1, [2, 4]), { name: 'kept' }, { name: 'chosen' }],
        valueInfo: [declared('h', 1, [2, 8]), declared('r', 1, [2, 8])],
      },
    }),
  );
  return { path, expected: new Map([plain, nodes, bodyPlain, bodyNodes].flatMap((odd) => [...odd.expected])) };
}

async function read(path: string): Promise<Model> {
  const { model, directory } = await readModelFile(path);
  return importModel(model, directory);
}

/** Halves the hidden channels and then the weights, whichever they are. */
async function prune(model: Model): Promise<void> {
  const map = buildChannelMap(model.graph, ruleOf);
  expect(map.groups.map(({ count }) => count)).toEqual([8]);
  shrink(
    model.graph,
    new Cut(
      map,
      Uint8Array.from({ length: 8 }, (_, unit) => unit % 2),
    ),
    ruleOf,
    'reuse',
  );
  const { zeroed } = await pruneWeights(model, { ...HALF, memory: 'reuse', only: ['first', 'second'] });
  expect(zeroed).toBe(20);
}

/** The data of all initializers as they are in a model that was read anew. */
const dataOf = (model: Model): Map<string, string> =>
  new Map(initializersIn(model.graph).map(({ name, tensor }) => [name, hex(tensor?.raw() ?? new Uint8Array())]));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('tensors that nothing touches keep every bit', { timeout: 30_000 }, () => {
  test.each([false, true])(
    'of every type, stored anywhere, where the result has a data file: %s',
    async (externalData) => {
      const folder = freshFolder();
      const { path, expected } = oddNet(folder);
      const model = await read(path);
      await normalise(model, silent);
      await prune(model);
      const output = folder.path('elsewhere/out.onnx');
      await writeModelFile(output, exportModel(model, 'embed'), { externalData });
      const data = dataOf(await read(output));
      expect(data.size).toBe(expected.size + 2);
      for (const [name, raw] of expected) expect([name, data.get(name)]).toEqual([name, hex(raw)]);
      expect(dirname(output)).not.toBe(dirname(path));
    },
  );

  test('also where nobody normalises them, and the message is decoded and encoded alone', () => {
    const folder = freshFolder();
    const { path, expected } = oddNet(folder);
    const again = importModel(decodeModel(encodeModel(decodeModel(readFileSync(path)))), dirname(path));
    const data = dataOf(again);
    const nodes = graphsIn(again.graph).flatMap((graph) => [...graph.nodes]);
    expect(nodes.filter(({ opType }) => opType === 'Constant')).toHaveLength(expected.size / 2);
    for (const [name, raw] of expected) if (data.has(name)) expect([name, data.get(name)]).toEqual([name, hex(raw)]);
  });
});

/** x [2, 3] → Relu → y, and Constant nodes whose values are read by a node that is left alone, or are graph outputs. */
function constantsNet(nodes: readonly NodeProto[], outputs: readonly string[]): ModelProto {
  const read = nodes.flatMap(({ output }) => output ?? []).filter((name) => !outputs.includes(name));
  return {
    irVersion: 13,
    opsetImport: [
      { domain: '', version: 25 },
      { domain: 'test', version: 1 },
    ],
    graph: {
      name: 'constants',
      node: [{ opType: 'Relu', input: ['x'], output: ['y'] }, ...nodes, keeper(read, 'kept')],
      input: [declared('x', 1, [2, 3])],
      output: [declared('y', 1, [2, 3]), { name: 'kept' }, ...outputs.map((name) => ({ name }))],
    },
  };
}

describe('constants in attributes', () => {
  const node = (name: string, attribute: AttributeProto): NodeProto => ({
    opType: 'Constant',
    output: [name],
    attribute: [attribute],
  });
  const floatsOf = (...bits: number[]): number[] => [...new Float32Array(Uint32Array.from(bits).buffer)];
  const texts = ['a', 'ü', ''].map((text) => new TextEncoder().encode(text));
  const bad = Uint8Array.of(0xff, 0xfe, 0x00);

  test('of every form become tensors of the same bits', async () => {
    const { FLOAT, FLOATS, INT, INTS, STRING, STRINGS, SPARSE_TENSOR } = AttributeType;
    // NaN, which in an attribute stays NaN but not of the same payload, -0, denormals of both signs, the largest number, and infinity.
    const words = [0x7fc00000, 0x80000000, 1, 0x80000001, 0x007fffff, 0x7f7fffff, 0xff800000];
    const wide = [Long.MAX_VALUE, Long.MIN_VALUE, Long.fromNumber(-1)];
    const sparse = {
      values: { dims: [3], dataType: 16, rawData: Uint8Array.of(0x81, 0x7f, 0x00, 0x80, 0x01, 0x00) },
      indices: { dims: [3], dataType: 7, int64Data: [1, 2, 5] },
      dims: [2, 3],
    };
    const constants = constantsNet(
      [
        ...words.map((word, i) =>
          node(`float ${i}`, { name: 'value_float', type: FLOAT, f: floatsOf(word)[0] ?? Number.NaN }),
        ),
        node('floats', { name: 'value_floats', type: FLOATS, floats: floatsOf(...words) }),
        node('int', { name: 'value_int', type: INT, i: Long.MIN_VALUE }),
        node('ints', { name: 'value_ints', type: INTS, ints: wide }),
        node('text', { name: 'value_string', type: STRING, s: bad }),
        node('texts', { name: 'value_strings', type: STRINGS, strings: [...texts, bad] }),
        node('sparse', { name: 'sparse_value', type: SPARSE_TENSOR, sparseTensor: sparse }),
      ],
      [],
    );
    const model = importModel(decodeModel(encodeModel(constants)));
    await normalise(model, silent);
    const again = importModel(decodeModel(encodeModel(exportModel(model, 'embed'))));
    const tensors = new Map(initializersIn(again.graph).map(({ name, tensor }) => [name, tensor]));
    const raw = (name: string): string => hex(tensors.get(name)?.raw() ?? new Uint8Array());
    const bytes = (array: ArrayBufferView): string => hex(new Uint8Array(array.buffer));
    words.forEach((word, i) => {
      expect([i, raw(`float ${i}`)]).toEqual([i, bytes(Uint32Array.of(word))]);
    });
    expect(raw('floats')).toBe(bytes(Uint32Array.from(words)));
    expect(raw('int')).toBe(bytes(BigInt64Array.of(-(2n ** 63n))));
    expect(raw('ints')).toBe(bytes(BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n), -1n)));
    expect(tensors.get('text')).toMatchObject({ type: 'string', dims: [] });
    expect(tensors.get('text')?.proto.stringData).toEqual([bad]);
    expect(tensors.get('texts')?.proto.stringData).toEqual([...texts, bad]);
    expect(tensors.get('sparse')?.dims).toEqual([2, 3]);
    expect(raw('sparse')).toBe('0000817f0080000000000100');
  });

  test('with their data in another file, given out as they are, come into the result', async () => {
    const folder = freshFolder();
    const data = oddBits('float32', 32, 4, 3);
    writeFileSync(folder.path('c.data'), Buffer.concat([new Uint8Array(8), data, new Uint8Array(8)]));
    const external = {
      dims: [4],
      dataType: 1,
      dataLocation: DataLocation.EXTERNAL,
      externalData: Object.entries({ location: 'c.data', offset: '8', length: '16' }).map(([key, value]) => ({
        key,
        value,
      })),
    };
    const indices = { dims: [4], dataType: 7, int64Data: [0, 2, 3, 5] };
    const t: AttributeProto = { name: 'value', type: AttributeType.TENSOR, t: external };
    const sparseTensor = { values: external, indices, dims: [6] };
    const path = folder.write(
      'in.onnx',
      encodeModel(
        constantsNet(
          [
            node('given', t),
            node('read', t),
            node('sparse given', { name: 'sparse_value', type: AttributeType.SPARSE_TENSOR, sparseTensor }),
            {
              ...keeper(['x'], 'by attribute'),
              attribute: [{ name: 'many', type: AttributeType.TENSORS, tensors: [external] }],
            },
          ],
          ['given', 'sparse given', 'by attribute'],
        ),
      ),
    );
    const model = await read(path);
    await normalise(model, silent);
    const output = folder.path('elsewhere/out.onnx');
    await writeModelFile(output, exportModel(model, 'embed'));
    const all = [...tensorsOf((await readModelFile(output)).model)];
    expect(all.filter(({ dataLocation }) => dataLocation === DataLocation.EXTERNAL)).toEqual([]);
    expect(all.filter(({ rawData }) => rawData !== undefined && hex(atHand(rawData)) === hex(data))).toHaveLength(4);
  });
});
