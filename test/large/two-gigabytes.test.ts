import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeModelParts } from '../../src/onnx/codec.ts';
import { readExternal } from '../../src/onnx/external-data.ts';
import { linkData } from '../../src/onnx/linked.ts';
import type { ModelProto } from '../../src/onnx/messages.ts';
import { StoredBytes } from '../../src/onnx/stored-bytes.ts';
import { modelParts } from '../../src/onnx/write.ts';
import { freshFolder } from '../pipeline/folder.ts';

const GIGABYTE = 2 ** 30;

/** A file of zeros that takes no room on most disks. */
function hollow(bytes: number): string {
  const path = freshFolder().path('hollow');
  const file = openSync(path, 'w');
  ftruncateSync(file, bytes);
  closeSync(file);
  return path;
}

function modelOf(path: string, tensors: number, bytes: number): ModelProto {
  const initializer = Array.from({ length: tensors }, (_, i) => ({
    name: `w${i}`,
    dims: [bytes],
    dataType: 2,
    rawData: new StoredBytes(path, i * bytes, bytes),
  }));
  return { irVersion: 8, opsetImport: [{ version: 17 }], graph: { name: 'g', initializer } };
}

describe('a model of more than 2 GiB', () => {
  it('gets a data file by itself, page by page, and no data pass through memory for that', () => {
    const bytes = GIGABYTE + 100;
    const parts = modelParts(modelOf(hollow(3 * bytes), 3, bytes), 'm.onnx');
    expect(parts.data).toBeDefined();
    const sizes = (parts.data ?? []).map(({ byteLength }) => byteLength);
    const padding = 4096 - 100;
    expect(sizes).toEqual([bytes, padding, bytes, padding, bytes]);
    expect(parts.bytes).toBeGreaterThan(3 * bytes);
    expect(parts.model.every(({ byteLength }) => byteLength < 4096)).toBe(true);
  });

  it('stays one file up to that', () => {
    const bytes = GIGABYTE / 2;
    const parts = modelParts(modelOf(hollow(3 * bytes), 3, bytes), 'm.onnx');
    expect(parts.data).toBeUndefined();
    expect(parts.model.filter((part) => part instanceof StoredBytes)).toHaveLength(3);
  });

  it('is refused in one message', () => {
    const path = hollow(3 * GIGABYTE);
    expect(() => encodeModelParts(modelOf(path, 2, GIGABYTE))).toThrow(/protobuf allows 2147483647/);
    expect(() => encodeModelParts(modelOf(path, 1, 3 * GIGABYTE))).toThrow(/protobuf allows 2147483647/);
  });

  it('is read beyond 4 GiB', () => {
    const path = hollow(5 * GIGABYTE);
    const entries = { location: 'hollow', offset: String(5 * GIGABYTE - 8), length: '8' };
    const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
    const tensor = { name: 'w', dims: [8], dataType: 2, dataLocation: 1, externalData };
    expect([...readExternal(tensor, path.slice(0, -'/hollow'.length), 8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('is shown to the runtime where its data are', () => {
    const path = hollow(3 * GIGABYTE);
    const linked = linkData(modelOf(path, 3, GIGABYTE), '/');
    expect(linked?.graph?.initializer?.[2]).toMatchObject({
      rawData: undefined,
      externalData: [
        { key: 'location', value: path.slice(1) },
        { key: 'offset', value: String(2 * GIGABYTE) },
        { key: 'length', value: String(GIGABYTE) },
      ],
    });
    expect(linkData(modelOf(path, 1, GIGABYTE), '/no/such/folder')).toBeUndefined();
  });
});
