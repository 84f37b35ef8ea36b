import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { loadSamples } from '../../cli/load-samples.ts';
import { readModelFile } from '../../src/onnx/read.ts';
import { zipBytes } from '../cli/support/zip-bytes.ts';
import { freshFolder } from '../pipeline/folder.ts';
import { bend, laterRefusal } from '../support/bent-model.ts';
import { npyBytes, npyFile } from '../support/npy-bytes.ts';

const ONE = npyBytes('|u1', [1], Uint8Array.of(7));

/** What an archive of data is refused with. */
async function refused(content: Uint8Array, name = 'x.npz'): Promise<string> {
  const { write } = freshFolder();
  const path = write(name, content);
  const { message } = await laterRefusal(loadSamples(path));
  return message.replaceAll(path, name);
}

describe('An archive of data', () => {
  it('whose entries share bytes is refused before any is inflated', async () => {
    const packed = deflateRawSync(npyBytes('|u1', [2 ** 20], new Uint8Array(2 ** 20)));
    const bytes = Buffer.from(
      zipBytes(['a.npy', 'b.npy'].map((name) => ({ name, kept: packed, content: new Uint8Array(2 ** 20), method: 8 }))),
    );
    // The second entry of the directory is said to be where the first one is.
    const first = bytes.indexOf(Buffer.of(0x50, 0x4b, 1, 2));
    const second = bytes.indexOf(Buffer.of(0x50, 0x4b, 1, 2), first + 4);
    bytes.writeUInt32LE(bytes.readUInt32LE(first + 42), second + 42);
    expect(await refused(bytes)).toMatch(/^x\.npz is damaged: entry 'b\.npy' shares bytes with another one/);
  });

  it('with entries beyond number is read as far as there are any', async () => {
    const entries = Array.from({ length: 2000 }, (_, i) => ({ name: `${i}.npy`, kept: ONE }));
    const { write } = freshFolder();
    const { arrays } = await loadSamples(write('x.npz', zipBytes(entries)));
    expect(arrays.size).toBe(2000);
    const end = Buffer.from(zipBytes(entries.slice(0, 2)));
    end.writeUInt16LE(0xffff, end.lastIndexOf(Buffer.of(0x50, 0x4b, 5, 6)) + 10);
    expect(await refused(end)).toMatch(/its directory is cut off/);
  });

  it('with names of other places writes nothing anywhere', async () => {
    const names = ['../../evil', '/tmp/evil', 'C:\\evil', '__proto__', 'constructor', 'a\0b', '\u001b[2J'];
    const { write } = freshFolder();
    const { arrays } = await loadSamples(
      write('x.npz', zipBytes(names.map((name) => ({ name: `${name}.npy`, kept: ONE })))),
    );
    expect([...arrays.keys()]).toEqual(names);
    expect(Reflect.get({}, 'dtype')).toBeUndefined();
  });

  it('inside an archive is no array', async () => {
    const inner = zipBytes([{ name: 'x.npy', kept: ONE }]);
    expect(await refused(zipBytes([{ name: 'inner.npz', kept: inner }]))).toMatch(
      /holds no .npy arrays but 'inner.npz'/,
    );
    expect(await refused(zipBytes([{ name: 'x.npy', kept: inner }]))).toMatch(/is no readable .npy file/);
  });

  it.each([
    ['a shape beyond memory', npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 4), }", ONE)],
    ['a shape beyond numbers', npyFile("{'descr': '<f4', 'fortran_order': True, 'shape': (9007199254740993,), }", ONE)],
    [
      'no elements along an axis beyond memory',
      npyFile("{'descr': '<f4', 'fortran_order': True, 'shape': (0, 1e9), }", ONE),
    ],
    ['pickled objects', npyBytes('|O', [1], Buffer.from("cos\nsystem\n(S'touch evil'\ntR."))],
    [
      'a header of gigabytes',
      Buffer.concat([Buffer.from('\x93NUMPY\x02\0', 'latin1'), Buffer.of(0xff, 0xff, 0xff, 0x7f), ONE]),
    ],
  ])('of one array, with %s, is refused', async (_, bytes) => {
    expect(await refused(bytes, 'x.npy')).toMatch(/^x\.npy .*\.$/s);
  });

  it('that is a pipe is refused, and nobody waits for a writer', async () => {
    if (process.platform === 'win32') return;
    const { path } = freshFolder();
    execFileSync('mkfifo', [path('x.npz')]);
    expect((await laterRefusal(loadSamples(path('x.npz')))).message).toMatch(/it is not a regular file/);
    mkdirSync(path('data'));
    execFileSync('mkfifo', [path('data/x.npy')]);
    expect((await laterRefusal(loadSamples(path('data')))).message).toMatch(/it is not a regular file/);
  });
});

describe('A compressed model', () => {
  it('that is a bomb of many members is given up at a gibibyte', async () => {
    const member = gzipSync(new Uint8Array(2 ** 26), { level: 1 });
    const { write } = freshFolder();
    const path = write('m.onnx.gz', Buffer.concat(Array.from({ length: 17 }, () => member)));
    const { code, message } = await laterRefusal(readModelFile(path));
    expect(code).toBe('bad-file');
    expect(message.replaceAll(path, 'm.onnx.gz')).toMatch(
      /^m\.onnx\.gz has \d+ bytes and unpacks to more than 1073741824, the most that can be read/,
    );
  }, 60_000);

  it('that states gigabytes of which there are none is read as what it is', async () => {
    const { write } = freshFolder();
    const bytes = gzipSync(bend(() => undefined));
    bytes.writeUInt32LE(0xfffffff0, bytes.length - 4);
    const error = await laterRefusal(readModelFile(write('m.onnx.gz', bytes)));
    expect(error).toMatchObject({
      code: 'bad-model',
      message: expect.stringMatching(/compressed with gzip, but damaged/),
    });
  });

  it('inside a compressed file is no model', async () => {
    const { write } = freshFolder();
    const path = write('m.onnx.gz', gzipSync(gzipSync(bend(() => undefined))));
    expect((await laterRefusal(readModelFile(path))).message).toMatch(
      /is not an ONNX model: it is compressed with gzip/,
    );
  });
});
