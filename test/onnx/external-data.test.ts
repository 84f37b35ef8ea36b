import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { externalLocation, readExternal } from '../../src/onnx/external-data.ts';
import { DataLocation, type TensorProto } from '../../src/onnx/messages.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnx-prune-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const inFolder = (name: string): string => join(folder, name);

function external(location: string, offset?: string, length?: string): TensorProto {
  const entries = { location, offset, length };
  return {
    name: 'w',
    dataLocation: DataLocation.EXTERNAL,
    externalData: Object.entries(entries).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value }])),
  };
}

test('says where the data is, and nothing for data in the model', () => {
  expect(externalLocation(external('w.bin', '4096', '8'))).toEqual({ location: 'w.bin', offset: 4096, length: 8 });
  expect(externalLocation(external('w.bin'))).toEqual({ location: 'w.bin', offset: 0 });
  expect(externalLocation({ ...external('w.bin'), dataLocation: DataLocation.DEFAULT })).toBeUndefined();
  expect(externalLocation({ rawData: new Uint8Array(4) })).toBeUndefined();
});

describe('reading external data', () => {
  beforeEach(() => {
    mkdirSync(inFolder('model/sub'), { recursive: true });
    writeFileSync(
      inFolder('model/w.bin'),
      Uint8Array.from({ length: 100 }, (_, i) => i),
    );
    writeFileSync(inFolder('model/sub/w.bin'), 'abc');
    writeFileSync(inFolder('secret'), 'secret');
  });
  const read = (tensorProto: TensorProto, bytes: number): Uint8Array =>
    readExternal(tensorProto, inFolder('model'), bytes);

  test('reads exactly the range', () => {
    expect([...read(external('w.bin', '10', '3'), 3)]).toEqual([10, 11, 12]);
    expect([...read(external('w.bin', '97'), 3)]).toEqual([97, 98, 99]);
    expect(read(external('w.bin'), 0)).toHaveLength(0);
    expect([...read(external('sub/../sub/./w.bin'), 1)]).toEqual([97]);
  });

  test('the bytes are aligned and their own', () => {
    const data = read(external('w.bin', '1'), 16);
    expect(data.constructor).toBe(Uint8Array);
    expect(data.byteOffset).toBe(0);
  });

  test('follows a link that stays inside the folder', () => {
    symlinkSync('w.bin', inFolder('model/link'));
    expect([...read(external('link', '5'), 1)]).toEqual([5]);
  });

  test.each([
    ['../secret', 'bad-model'],
    ['sub/../../secret', 'bad-model'],
    ['..\\secret', 'bad-model'],
    ['/etc/hostname', 'bad-model'],
    ['C:\\secret', 'bad-model'],
    ['leak', 'bad-model'],
    ['dirlink/secret', 'bad-model'],
    ['w.bin\0', 'bad-model'],
    ['none.bin', 'bad-file'],
    ['w.bin/x', 'bad-file'],
    ['sub', 'bad-file'],
  ])('refuses %j', (location, code) => {
    symlinkSync(inFolder('secret'), inFolder('model/leak'));
    symlinkSync(folder, inFolder('model/dirlink'));
    expect(() => read(external(location), 1)).toThrow(
      expect.objectContaining({ code, subject: 'w', message: expect.stringMatching(/^Tensor 'w' has its data in '/) }),
    );
  });

  test.each([
    [external('w.bin', '98'), 3, "needs bytes 98 to 101 of 'w.bin', which has 100"],
    [external('w.bin', '0', '8'), 3, "has 8 bytes in 'w.bin', but its shape and type need 3"],
    [external('w.bin', '-1'), 3, "has the external offset '-1', expected a number of bytes"],
    [external('w.bin', '1e3'), 3, "has the external offset '1e3'"],
    [external('w.bin', '99999999999999999999'), 3, 'has the external offset'],
    [external(''), 3, 'names no file'],
  ])('refuses a range that does not fit (%#)', (tensorProto, bytes, message) => {
    expect(() => read(tensorProto, bytes)).toThrow(
      expect.objectContaining({ code: 'bad-model', message: expect.stringContaining(message) }),
    );
  });
});
