import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeModel } from '../../src/onnx/codec.ts';
import { gunzipFile, gzipParts, isGzip } from '../../src/onnx/gzip.ts';
import { DataLocation, type GraphProto, type ModelProto, type TensorProto } from '../../src/onnx/messages.ts';
import { plainModelFile, readModelFile } from '../../src/onnx/read.ts';
import { writeModelFile } from '../../src/onnx/write.ts';
import { createRandom } from '../support/random.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnx-prune-gzip-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
const inFolder = (name: string): string => join(folder, name);

function modelOf(graph: GraphProto): ModelProto {
  return { irVersion: 8, opsetImport: [{ version: 17 }], graph };
}

/** Bytes of which about half are zero, the same on each call. */
function data(length: number): Uint8Array {
  const random = createRandom(5);
  return Uint8Array.from({ length }, () => Math.max(0, Math.floor(random.normal() * 50)));
}

const weights = data(300_000);
const model = modelOf({
  initializer: [
    { name: 'small', dims: [3], dataType: 3, rawData: Uint8Array.of(1, 2, 3) },
    { name: 'large', dims: [weights.length], dataType: 3, rawData: weights },
  ],
});
const external: TensorProto = {
  name: 'far',
  dims: [8],
  dataType: 3,
  dataLocation: DataLocation.EXTERNAL,
  externalData: [{ key: 'location', value: 'weights.bin' }],
};

async function collect(parts: readonly Uint8Array[], onProgress?: (done: number, total: number) => void) {
  const chunks: Uint8Array[] = [];
  for await (const chunk of gzipParts(parts, onProgress)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('compressing', () => {
  const mega = 2 ** 20;
  test.each([0, 1, mega - 1, mega, mega + 1, 6 * mega])('%i bytes come back', async (length) => {
    const bytes = data(length);
    const before = Buffer.from(bytes);
    const packed = await collect([bytes]);
    expect(Buffer.compare(gunzipSync(packed), before)).toBe(0);
    // The parts are still the caller's.
    expect(Buffer.compare(bytes, before)).toBe(0);
  });

  test('the output depends on the bytes alone, and states no time and no name', async () => {
    const bytes = data(2_500_000);
    const whole = await collect([bytes]);
    const inParts = [0, 1, 70_000, 70_000, 2_100_000, bytes.length].map((from, i, all) =>
      bytes.subarray(from, all[i + 1] ?? bytes.length),
    );
    expect((await collect(inParts)).equals(whole)).toBe(true);
    // RFC 1952: flags (no name) and the time of modification are all zero.
    expect([...whole.subarray(0, 8)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
  });

  test('is heard to go on from piece to piece up to the end', async () => {
    const heard: number[][] = [];
    await collect([data(5_000_000)], (...numbers) => heard.push(numbers));
    expect(heard.length).toBeGreaterThan(4);
    expect(heard.every(([, total]) => total === 5_000_000)).toBe(true);
    const done = heard.map(([bytes]) => bytes ?? 0);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(done.at(-1)).toBe(5_000_000);
  });

  test('ends with what who hears of it throws, as when somebody has given up', async () => {
    const stop = new Error('enough');
    await expect(
      collect([data(2_000_000)], (done) => {
        if (done > 0) throw stop;
      }),
    ).rejects.toBe(stop);
  });

  test('does not run ahead of a reader that waits', async () => {
    const heard: number[] = [];
    const stream = gzipParts([new Uint8Array(40 * mega)], (done) => heard.push(done));
    await stream.next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(Math.max(...heard)).toBeLessThanOrEqual(5 * mega);
    await stream.return();
  });
});

describe('unpacking', () => {
  const unpack = async (name: string, most?: number): Promise<Uint8Array> => {
    const handle = await open(inFolder(name), 'r');
    try {
      return await gunzipFile(handle, inFolder(name), most);
    } finally {
      await handle.close();
    }
  };

  test('one member and several', async () => {
    const [first, second] = [data(3_000_000), Buffer.from('and more')];
    writeFileSync(inFolder('a'), gzipSync(first));
    writeFileSync(inFolder('b'), Buffer.concat([gzipSync(first), gzipSync(second)]));
    expect(Buffer.compare(await unpack('a'), first)).toBe(0);
    expect(Buffer.compare(await unpack('b'), Buffer.concat([first, second]))).toBe(0);
  });

  test('stops at the most bytes that it may give', async () => {
    writeFileSync(inFolder('a'), gzipSync(new Uint8Array(5_000_000)));
    expect(await unpack('a', 5_000_000)).toHaveLength(5_000_000);
    await expect(unpack('a', 4_999_999)).rejects.toMatchObject({
      code: 'bad-file',
      subject: inFolder('a'),
      message: expect.stringMatching(/a has \d+ bytes and unpacks to more than 4999999, the most that can be read/),
    });
  });

  test('is told by the first two bytes', () => {
    expect(isGzip(Uint8Array.of(0x1f, 0x8b, 8))).toBe(true);
    expect(isGzip(Uint8Array.of(0x1f))).toBe(false);
    expect(isGzip(encodeModel(model))).toBe(false);
  });
});

describe('a compressed model', () => {
  test('is read whatever its name, with both sizes', async () => {
    const bytes = encodeModel(model);
    writeFileSync(inFolder('m.onnx'), gzipSync(bytes));
    const file = await readModelFile(inFolder('m.onnx'));
    expect(Buffer.compare(encodeModel(file.model), bytes)).toBe(0);
    expect(file).toMatchObject({
      compressed: true,
      bytes: statSync(inFolder('m.onnx')).size,
      modelBytes: bytes.length,
      directory: folder,
    });
    writeFileSync(inFolder('plain.onnx.gz'), bytes);
    expect(await readModelFile(inFolder('plain.onnx.gz'))).toMatchObject({
      compressed: false,
      bytes: bytes.length,
      modelBytes: bytes.length,
    });
  });

  test('is written as the bytes that compressing gives, and read back', async () => {
    const heard: number[] = [];
    const path = inFolder('m.onnx.gz');
    const written = await writeModelFile(path, model, { gzip: true, onProgress: (done) => heard.push(done) });
    const bytes = encodeModel(model);
    expect(written).toEqual({ bytes: statSync(path).size, modelBytes: bytes.length });
    expect(Buffer.compare(gunzipSync(readFileSync(path)), bytes)).toBe(0);
    expect(readFileSync(path).equals(await collect([bytes]))).toBe(true);
    expect(heard.at(-1)).toBe(bytes.length);
    expect(readdirSync(folder)).toEqual(['m.onnx.gz']);
    expect(Buffer.compare(encodeModel((await readModelFile(path)).model), bytes)).toBe(0);
  });

  test('that cannot be placed leaves nothing', async () => {
    await expect(writeModelFile(inFolder('none/m.onnx.gz'), model, { gzip: true })).rejects.toThrow(/folder/);
    expect(readdirSync(folder)).toEqual([]);
  });

  const packed = gzipSync(encodeModel(model));
  const spoilt = (at: number): Buffer => {
    const bytes = Buffer.from(packed);
    bytes[at] = (bytes[at] ?? 0) ^ 0xff;
    return bytes;
  };

  test.each<[string, Uint8Array, RegExp]>([
    [
      'cut short',
      packed.subarray(0, packed.length - 20),
      /is compressed with gzip, but truncated; compress or copy it/,
    ],
    ['of a header alone', packed.subarray(0, 5), /is compressed with gzip, but truncated/],
    ['with another check sum', spoilt(packed.length - 6), /is compressed with gzip, but damaged \(.*check/],
    ['damaged inside', spoilt(packed.length >> 1), /is compressed with gzip, but (damaged|truncated)/],
    [
      'that holds a picture',
      gzipSync(Buffer.from('\x89PNG\r\n', 'latin1')),
      /once unpacked, is not an ONNX model: it is a PNG/,
    ],
    ['that holds nothing', gzipSync(Buffer.alloc(0)), /once unpacked, is empty/],
    ['compressed twice', gzipSync(packed), /once unpacked, is not an ONNX model: it is compressed with gzip/],
    [
      'that holds half a model',
      gzipSync(encodeModel(model).subarray(0, 1000)),
      /once unpacked, is damaged or truncated/,
    ],
  ])('%s is refused', async (_, bytes, message) => {
    writeFileSync(inFolder('m.onnx.gz'), bytes);
    const expected = { code: 'bad-model', subject: inFolder('m.onnx.gz'), message: expect.stringMatching(message) };
    await expect(readModelFile(inFolder('m.onnx.gz'))).rejects.toMatchObject(expected);
    await expect(plainModelFile(inFolder('m.onnx.gz'), inFolder('copy.onnx'))).rejects.toMatchObject(expected);
    expect(readdirSync(folder)).toEqual(['m.onnx.gz']);
  });

  test.each<[string, GraphProto]>([
    ['an initializer', { initializer: [external] }],
    ['a constant', { node: [{ opType: 'Constant', attribute: [{ name: 'value', t: external }] }] }],
    ['the values of a sparse initializer', { sparseInitializer: [{ values: external, dims: [9] }] }],
    ['a body', { node: [{ opType: 'If', attribute: [{ name: 'then_branch', g: { initializer: [external] } }] }] }],
  ])('of which %s is in another file is refused, and is not written', async (_, graph) => {
    writeFileSync(inFolder('m.onnx.gz'), gzipSync(encodeModel(modelOf(graph))));
    await expect(readModelFile(inFolder('m.onnx.gz'))).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/tensor "far" keeps its data in another file, .*; unpack it in its folder/),
    });
    await expect(writeModelFile(inFolder('n.onnx.gz'), modelOf(graph), { gzip: true })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/^n\.onnx\.gz cannot be compressed: tensor "far" has its data in another file/),
    });
  });

  test('cannot have its weights beside it', async () => {
    const path = inFolder('m.onnx.gz');
    await expect(writeModelFile(path, model, { gzip: true, externalData: true })).rejects.toThrow(
      /cannot be compressed: its weights go into a data file of their own/,
    );
    const block = new Uint8Array(2 ** 26);
    const initializer = Array.from({ length: 40 }, (_, i) => ({ name: `w${i}`, rawData: block }));
    await expect(writeModelFile(path, modelOf({ initializer }), { gzip: true })).rejects.toThrow(
      /cannot be compressed: with more than 2 GiB of weights it needs a data file beside it; write it without gzip\.$/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('for onnxruntime', () => {
  test('a plain file is used where it is', async () => {
    writeFileSync(inFolder('m.onnx'), encodeModel(model));
    expect(await plainModelFile(inFolder('m.onnx'), inFolder('copy.onnx'))).toBe(inFolder('m.onnx'));
    expect(readdirSync(folder)).toEqual(['m.onnx']);
  });

  test('a compressed one is unpacked, byte for byte', async () => {
    const bytes = encodeModel(model);
    writeFileSync(inFolder('m.onnx.gz'), gzipSync(bytes));
    expect(await plainModelFile(inFolder('m.onnx.gz'), inFolder('copy.onnx'))).toBe(inFolder('copy.onnx'));
    expect(Buffer.compare(readFileSync(inFolder('copy.onnx')), bytes)).toBe(0);
  });

  test('what is missing is said', async () => {
    await expect(plainModelFile(inFolder('none.onnx.gz'), inFolder('copy.onnx'))).rejects.toThrow(/does not exist/);
  });
});
