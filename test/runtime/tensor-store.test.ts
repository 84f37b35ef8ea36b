import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { TensorStore } from '../../src/runtime/tensor-store.ts';
import { floats } from './models.ts';

const root = mkdtempSync(join(tmpdir(), 'onnx-prune-tensors-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const fresh = (): string => join(root, `${folders++}`);

const x = floats([3], [1, 2, 3]);

describe('a store of tensors', () => {
  // A file that is always full stands in for a device that is.
  test.skipIf(!existsSync('/dev/full'))('says that the disk is full, and leaves no half file', () => {
    const folder = fresh();
    mkdirSync(folder);
    symlinkSync('/dev/full', join(folder, '0.bin'));
    const store = new TensorStore(folder, 0);
    const error = `Activations could not be kept in ${root}: no space is left on the device; free some space there, allow more memory or use less calibration data.`;
    expect(() => store.put('x', 0, x)).toThrow(expect.objectContaining({ code: 'bad-file', message: error }));
    expect(readdirSync(folder)).toEqual([]);
    expect(store.usage()).toEqual({ memory: 0, disk: 0 });
    store.put('x', 0, x);
    expect(store.take('x', 0)).toEqual(x);
  });

  test('says that no file can be made', () => {
    const folder = fresh();
    writeFileSync(folder, 'in the way');
    const store = new TensorStore(folder, 0);
    expect(() => store.put('x', 0, x)).toThrow(
      expect.objectContaining({ code: 'bad-file', message: expect.stringContaining(`kept in ${root}: EEXIST`) }),
    );
  });

  test('says that a file was cut off or is gone', () => {
    const folder = fresh();
    const store = new TensorStore(folder, 0);
    store.put('x', 0, x);
    const [name = ''] = readdirSync(folder);
    truncateSync(join(folder, name), 8);
    expect(() => store.take('x', 0)).toThrow(/read back from .*: a file ends after 8 of 12 bytes/);
    rmSync(join(folder, name));
    expect(() => store.take('x', 0)).toThrow(/read back from .*ENOENT/);
    store.drop('x');
    expect(store.usage()).toEqual({ memory: 0, disk: 0 });
  });

  test('copies only what is a part of a larger buffer', () => {
    const store = new TensorStore(fresh(), 100);
    const all = Float32Array.of(1, 2, 3, 4);
    store.put('whole', 0, { type: 'float32', dims: [4], data: all });
    store.put('part', 0, { type: 'float32', dims: [2], data: all.subarray(1, 3) });
    expect(store.take('whole', 0).data).toBe(all);
    const { data } = store.take('part', 0);
    expect(data).toEqual(Float32Array.of(2, 3));
    expect(ArrayBuffer.isView(data) && data.buffer.byteLength).toBe(8);
  });

  test('holds strings in memory, counts them, and makes room when one is replaced', () => {
    const store = new TensorStore(fresh(), 12);
    const words = { type: 'string', dims: [2], data: ['one', 'seven'] };
    store.put('words', 0, words);
    expect(store.usage()).toEqual({ memory: 16, disk: 0 });
    store.put('x', 0, x);
    expect(store.usage()).toEqual({ memory: 16, disk: 12 });
    expect(store.take('words', 0)).toEqual(words);
    store.drop('words');
    store.put('x', 0, x);
    store.put('x', 0, x);
    expect(store.usage()).toEqual({ memory: 12, disk: 0 });
  });

  test('takes tensors without elements', () => {
    const store = new TensorStore(fresh(), 0);
    const none = floats([0, 3], []);
    store.put('none', 0, none);
    expect(store.take('none', 0)).toEqual(none);
  });
});
