import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import { readExternal } from '../../src/onnx/external-data.ts';
import { DataLocation, type GraphProto, type ModelProto, type TensorProto } from '../../src/onnx/messages.ts';
import { readModelFile } from '../../src/onnx/read.ts';
import { atHand } from '../../src/onnx/stored-bytes.ts';
import { modelParts, writeModelFile } from '../../src/onnx/write.ts';
import { extendedModelType, fullMessage } from './samples.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnx-prune-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const inFolder = (name: string): string => join(folder, name);
const isRoot = process.getuid?.() === 0;

function tensor(name: string, bytes: number, value: number): TensorProto {
  return { name, dims: [bytes], dataType: 3, rawData: new Uint8Array(bytes).fill(value) };
}

function modelOf(graph: GraphProto): ModelProto {
  return { irVersion: 8, opsetImport: [{ version: 17 }], graph };
}

const model = modelOf({
  name: 'g',
  initializer: [tensor('small', 1024, 1), tensor('a', 1025, 2), tensor('b', 70_000, 3)],
});

describe('reading', () => {
  test('gives the model, its size and its folder', async () => {
    writeFileSync(inFolder('m.onnx'), encodeModel(model));
    const file = await readModelFile(inFolder('m.onnx'));
    expect(file.model.graph?.initializer?.map(({ name }) => name)).toEqual(['small', 'a', 'b']);
    expect(file).toMatchObject({ bytes: statSync(inFolder('m.onnx')).size, directory: folder });
  });

  test('says what is wrong with the path', async () => {
    await expect(readModelFile(inFolder('none.onnx'))).rejects.toMatchObject({
      code: 'bad-file',
      subject: inFolder('none.onnx'),
      message: `${inFolder('none.onnx')} does not exist.`,
    });
    await expect(readModelFile(folder)).rejects.toThrow(/is a directory, expected an ONNX file\.$/);
    writeFileSync(inFolder('empty.onnx'), '');
    await expect(readModelFile(inFolder('empty.onnx'))).rejects.toThrow(`${inFolder('empty.onnx')} is empty`);
    await expect(readModelFile(join(inFolder('empty.onnx'), 'm.onnx'))).rejects.toThrow(/does not exist/);
    await expect(readModelFile('/dev/zero')).rejects.toThrow(/is not a regular file/);
  });

  test.skipIf(isRoot)('says that permission is missing', async () => {
    writeFileSync(inFolder('m.onnx'), encodeModel(model));
    chmodSync(inFolder('m.onnx'), 0);
    await expect(readModelFile(inFolder('m.onnx'))).rejects.toThrow(/cannot be read: permission denied/);
  });

  test('refuses a file beyond what a buffer holds', async () => {
    writeFileSync(inFolder('huge.onnx'), '');
    truncateSync(inFolder('huge.onnx'), 2 ** 50 / 1024);
    await expect(readModelFile(inFolder('huge.onnx'))).rejects.toThrow(/keep its tensors in external data\.$/);
  });

  test('names the file that is damaged', async () => {
    const bytes = encodeModel(model);
    writeFileSync(inFolder('cut.onnx'), bytes.subarray(0, bytes.length - 10));
    await expect(readModelFile(inFolder('cut.onnx'))).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringMatching(/cut\.onnx is damaged or truncated/),
    });
  });
});

describe('writing', () => {
  test('writes what encoding gives, over what was there, and leaves nothing else', async () => {
    writeFileSync(inFolder('m.onnx'), 'old');
    chmodSync(inFolder('m.onnx'), 0o640);
    const { bytes } = await writeModelFile(inFolder('m.onnx'), model);
    const written = readFileSync(inFolder('m.onnx'));
    expect(written.equals(encodeModel(model))).toBe(true);
    expect(bytes).toBe(written.length);
    expect(statSync(inFolder('m.onnx')).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder)).toEqual(['m.onnx']);
  });

  test('a model can be written over the file it was read from', async () => {
    await writeModelFile(inFolder('m.onnx'), model);
    const { model: read } = await readModelFile(inFolder('m.onnx'));
    await writeModelFile(inFolder('m.onnx'), read);
    expect(readFileSync(inFolder('m.onnx')).equals(encodeModel(model))).toBe(true);
  });

  test('writes through a symbolic link', async () => {
    mkdirSync(inFolder('real'));
    writeFileSync(inFolder('real/m.onnx'), 'old');
    symlinkSync(inFolder('real/m.onnx'), inFolder('link.onnx'));
    await writeModelFile(inFolder('link.onnx'), model);
    expect(readFileSync(inFolder('real/m.onnx')).equals(encodeModel(model))).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(['link.onnx', 'real']);
  });

  test('many small and some big parts arrive in order', async () => {
    const initializer = Array.from({ length: 1500 }, (_, i) => tensor(`t${i}`, i % 3 === 0 ? 5000 : 3, i & 255));
    const many = modelOf({ initializer });
    await writeModelFile(inFolder('m.onnx'), many);
    expect(readFileSync(inFolder('m.onnx')).equals(encodeModel(many))).toBe(true);
  });

  test('a failed write says why and leaves nothing', async () => {
    mkdirSync(inFolder('taken.onnx'));
    await expect(writeModelFile(inFolder('taken.onnx'), model)).rejects.toMatchObject({
      code: 'bad-file',
      message: `${inFolder('taken.onnx')} is a directory, expected the name of a file to write.`,
    });
    await expect(writeModelFile(inFolder('none/m.onnx'), model)).rejects.toThrow(/its folder does not exist/);
    await expect(writeModelFile('/dev/null', model)).rejects.toThrow(/is not a regular file/);
    expect(readdirSync(folder)).toEqual(['taken.onnx']);
  });

  test('when the model cannot be placed, the new data file is taken back', async () => {
    mkdirSync(inFolder('taken.onnx'));
    await expect(writeModelFile(inFolder('taken.onnx'), model, { externalData: true })).rejects.toThrow(/directory/);
    expect(readdirSync(folder)).toEqual(['taken.onnx']);
  });

  test.skipIf(isRoot)('respects protected files and folders', async () => {
    writeFileSync(inFolder('m.onnx'), 'old');
    chmodSync(inFolder('m.onnx'), 0o444);
    await expect(writeModelFile(inFolder('m.onnx'), model)).rejects.toThrow(/permission denied/);
    expect(readFileSync(inFolder('m.onnx'), 'utf8')).toBe('old');
    chmodSync(folder, 0o555);
    await expect(writeModelFile(inFolder('n.onnx'), model)).rejects.toThrow(/permission denied/);
    chmodSync(folder, 0o755);
  });
});

describe('external data', () => {
  const subgraph = modelOf({
    node: [{ opType: 'If', attribute: [{ name: 'then_branch', g: { initializer: [tensor('inner', 2000, 5)] } }] }],
    initializer: [tensor('a', 1025, 2), tensor('b', 70_000, 3), tensor('small', 1024, 1)],
  });

  test('big initializers go beside the model, aligned, and come back', async () => {
    const { bytes } = await writeModelFile(inFolder('m.onnx'), subgraph, { externalData: true });
    expect(readdirSync(folder).sort()).toEqual(['m.onnx', 'm.onnx.data']);
    expect(bytes).toBe(statSync(inFolder('m.onnx')).size + statSync(inFolder('m.onnx.data')).size);
    const { graph } = (await readModelFile(inFolder('m.onnx'))).model;
    const [a, b, small] = graph?.initializer ?? [];
    const inner = graph?.node?.[0]?.attribute?.[0]?.g?.initializer?.[0];
    expect(small?.rawData).toHaveLength(1024);
    expect(b?.externalData?.map(({ key, value }) => `${key}=${value}`)).toEqual([
      'location=m.onnx.data',
      'offset=4096',
      'length=70000',
    ]);
    for (const [read, original] of [
      [a, tensor('a', 1025, 2)],
      [b, tensor('b', 70_000, 3)],
      [inner, tensor('inner', 2000, 5)],
    ] as const) {
      expect(read?.rawData).toBeUndefined();
      const data = readExternal(read ?? {}, folder, original.rawData?.byteLength ?? 0);
      expect(Buffer.compare(data, atHand(original.rawData ?? new Uint8Array()))).toBe(0);
    }
  });

  test('the given model does not change', () => {
    const before = encodeModel(subgraph);
    const parts = modelParts(subgraph, 'm.onnx', { externalData: true });
    expect(parts.data).toBeDefined();
    expect(encodeModel(subgraph)).toEqual(before);
  });

  test('without big tensors there is no data file', async () => {
    await writeModelFile(inFolder('m.onnx'), modelOf({ initializer: [tensor('t', 8, 1)] }), { externalData: true });
    expect(readdirSync(folder)).toEqual(['m.onnx']);
  });

  test('a model beyond 2 GiB gets a data file by itself', () => {
    const block = new Uint8Array(2 ** 26);
    const initializer = Array.from({ length: 40 }, (_, i) => ({ name: `w${i}`, rawData: block }));
    const parts = modelParts(modelOf({ initializer }), 'm.onnx');
    expect(parts.data?.filter((part) => part === block)).toHaveLength(40);
    expect(parts.bytes).toBeGreaterThan(40 * 2 ** 26);
  });

  test('unknown fields survive the move', async () => {
    const newer = extendedModelType();
    const newerModel = decodeModel(newer.encode(fullMessage(newer, 5)).finish());
    await writeModelFile(inFolder('m.onnx'), newerModel, { externalData: true });
    const { extraText, graph } = newer.toObject(newer.decode(readFileSync(inFolder('m.onnx'))));
    const [tensorFields, node] = [graph.initializer[0], graph.node[0]];
    expect(tensorFields.dataLocation).toBe(DataLocation.EXTERNAL);
    expect(tensorFields.rawData).toBeUndefined();
    for (const text of [
      extraText,
      graph.extraText,
      tensorFields.extraText,
      node.extraText,
      node.attribute[0].extraText,
    ]) {
      expect(text).toBe('extraText ü');
    }
  });

  test('does not overwrite data that the model still refers to', async () => {
    const kept = { dataLocation: DataLocation.EXTERNAL, externalData: [{ key: 'location', value: 'm.onnx.data' }] };
    const initializer = [kept, tensor('b', 5000, 1)];
    await expect(writeModelFile(inFolder('m.onnx'), modelOf({ initializer }), { externalData: true })).rejects.toThrow(
      /still has its data in 'm\.onnx\.data'/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});
