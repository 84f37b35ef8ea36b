import { readFileSync, truncateSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import type { ModelProto } from '../../src/onnx/messages.ts';
import { readModelFile } from '../../src/onnx/read.ts';
import { skimModel } from '../../src/onnx/skim.ts';
import { StoredBytes } from '../../src/onnx/stored-bytes.ts';
import { fixture, freshFolder } from '../pipeline/folder.ts';

const big = (seed: number, length = 70_000): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * seed) % 251);

/** Large tensors wherever a model can have some. */
const EVERYWHERE: ModelProto = {
  irVersion: 8,
  opsetImport: [{ version: 17 }],
  graph: {
    initializer: [
      { name: 'a', dims: [70_000], dataType: 2, rawData: big(3) },
      { name: 'small', rawData: big(5, 20) },
    ],
    sparseInitializer: [{ values: { name: 's', rawData: big(7) }, indices: { rawData: big(11) }, dims: [4] }],
    node: [
      {
        opType: 'If',
        attribute: [
          { name: 'then_branch', g: { initializer: [{ name: 'b', rawData: big(13) }] } },
          { name: 'value', t: { rawData: big(17) } },
          { name: 'many', tensors: [{ rawData: big(19) }], graphs: [{ initializer: [{ rawData: big(23) }] }] },
        ],
      },
    ],
  },
  functions: [{ name: 'f', node: [{ opType: 'Constant', attribute: [{ name: 'value', t: { rawData: big(29) } }] }] }],
};

function written(bytes: Uint8Array): string {
  return freshFolder().write('m.onnx', bytes);
}

describe('a model whose data stay in the file', () => {
  it.each(['mnist-mlp.onnx', 'cifar-resnet20.onnx', 'structural/if-subgraph.onnx', 'structural/external.onnx'])(
    'is the one that is read whole: %s',
    (name) => {
      const path = fixture(name);
      const skimmed = skimModel(path);
      expect(Buffer.compare(encodeModel(skimmed ?? {}), encodeModel(decodeModel(readFileSync(path))))).toBe(0);
    },
  );

  it('has them read from where they are, wherever the tensor is', () => {
    const bytes = encodeModel(EVERYWHERE);
    const path = written(bytes);
    const model = skimModel(path) ?? {};
    const { graph } = model;
    expect(graph?.initializer?.[0]?.rawData).toBeInstanceOf(StoredBytes);
    expect(graph?.initializer?.[1]?.rawData).toEqual(big(5, 20));
    expect(graph?.sparseInitializer?.[0]?.indices?.rawData).toBeInstanceOf(StoredBytes);
    const attributes = graph?.node?.[0]?.attribute ?? [];
    expect(attributes[0]?.g?.initializer?.[0]?.rawData).toBeInstanceOf(StoredBytes);
    expect(attributes[2]?.graphs?.[0]?.initializer?.[0]?.rawData).toBeInstanceOf(StoredBytes);
    expect(model.functions?.[0]?.node?.[0]?.attribute?.[0]?.t?.rawData).toBeInstanceOf(StoredBytes);
    expect(Buffer.compare(encodeModel(model), bytes)).toBe(0);
  });

  it('is read so only where its file is larger than what may be in memory', async () => {
    const path = written(encodeModel(EVERYWHERE));
    const first = async (memory: number): Promise<unknown> =>
      (await readModelFile(path, { memory })).model.graph?.initializer?.[0]?.rawData;
    expect(await first(1e5)).toBeInstanceOf(StoredBytes);
    expect(await first(1e6)).toBeInstanceOf(Uint8Array);
  });

  it('is refused in the words of one that is read whole, wherever it is cut off or damaged', async () => {
    const whole = encodeModel(EVERYWHERE);
    const refusal = (path: string, memory: number): Promise<unknown> =>
      readModelFile(path, { memory }).then(
        () => 'read',
        (error: unknown) => error,
      );
    for (let length = 1; length < whole.length; length += 49_999) {
      const path = written(whole.subarray(0, length));
      expect(await refusal(path, 0)).toEqual(await refusal(path, 1e9));
    }
    for (let at = 0; at < whole.length; at += 29_989) {
      const path = written(Uint8Array.from(whole, (byte, i) => (i === at ? byte ^ 0x55 : byte)));
      expect(await refusal(path, 0)).toEqual(await refusal(path, 1e9));
    }
  });

  it('is refused where it nests without end', async () => {
    let bytes = Buffer.alloc(0);
    for (let depth = 0; depth < 3000; depth++) {
      // attribute.g of a node of a graph, and so on.
      const length = Buffer.from([
        (bytes.length & 0x7f) | 0x80,
        ((bytes.length >> 7) & 0x7f) | 0x80,
        bytes.length >> 14,
      ]);
      bytes = Buffer.concat([Buffer.from([[0x0a, 0x2a, 0x32][depth % 3] ?? 0]), length, bytes]);
    }
    const length = Buffer.from([(bytes.length & 0x7f) | 0x80, ((bytes.length >> 7) & 0x7f) | 0x80, bytes.length >> 14]);
    const path = written(Buffer.concat([Buffer.from([0x08, 8, 0x3a]), length, bytes]));
    await expect(readModelFile(path, { memory: 0 })).rejects.toMatchObject({ code: 'bad-model' });
  });

  it('says so where the file became shorter since', () => {
    const path = written(encodeModel(EVERYWHERE));
    const stored = skimModel(path)?.graph?.initializer?.[0]?.rawData;
    truncateSync(path, 1000);
    expect(() => (stored instanceof StoredBytes ? stored.read() : undefined)).toThrow(/became shorter/);
  });
});
