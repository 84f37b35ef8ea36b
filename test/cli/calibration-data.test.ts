import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCalibration } from '../../cli/calibration-data.ts';
import { loadTestData } from '../../cli/test-data.ts';
import type { DataRoom, InputSpec, SampleSource } from '../../src/index.ts';
import { sampleSourceOf } from '../../src/judge/sample-source.ts';
import { rawBytes } from '../support/build-tensor.ts';
import { npyBytes } from '../support/npy-bytes.ts';

const INPUTS: readonly InputSpec[] = [
  { name: 'x', type: 'float32', dims: ['N', 2, 2] },
  { name: 'ids', type: 'int64', dims: ['N', 'length'] },
];
const COUNT = 9;
const numbers = (length: number): number[] => Array.from({ length }, (_, i) => i);

/** Data that need every conversion: of byte order, axis order and type. */
const FILES = {
  'x.npy': npyBytes('<f8', [COUNT, 2, 2], rawBytes('float64', numbers(COUNT * 4)), { fortran: true }),
  'ids.npy': npyBytes('>i4', [COUNT, 3], Buffer.from(rawBytes('int32', numbers(COUNT * 3))).swap32()),
  'labels.npy': npyBytes('<i8', [COUNT], rawBytes('int64', numbers(COUNT))),
};

let folder = '';
let room: DataRoom;
const told: [number, number][] = [];
const temporary = (): string[] => readdirSync(join(folder, 'tmp'));
function write(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'calibration-'));
  mkdirSync(join(folder, 'tmp'));
  told.length = 0;
  room = { place: (name) => join(folder, 'tmp', name), onProgress: (done, total) => told.push([done, total]) };
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A form of the data on disk, by its name. */
const FORMS: Readonly<Record<string, () => string>> = {
  stored: () => write('stored.npz', zipSync(FILES, { level: 0 })),
  deflated: () => write('deflated.npz', zipSync(FILES)),
  directory: () => {
    mkdirSync(join(folder, 'data'));
    write('data/x.npy', FILES['x.npy']);
    write('data/rest.npz', zipSync({ 'ids.npy': FILES['ids.npy'], 'labels.npy': FILES['labels.npy'] }));
    return join(folder, 'data');
  },
};

async function opened<T>(
  path: string,
  inputs: readonly InputSpec[],
  use: (source: SampleSource) => Promise<T>,
): Promise<T> {
  const source = await openCalibration(path, inputs, room);
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}

describe('calibration data read by position', () => {
  it.each(Object.keys(FORMS))('are those that are read whole, in any batch: %s', async (form) => {
    const path = FORMS[form]?.() ?? '';
    const whole = sampleSourceOf(await loadTestData(path, INPUTS));
    await opened(path, INPUTS, async (source) => {
      expect([source.count, source.labelled]).toEqual([COUNT, true]);
      for (const samples of [[0], [8], [0, 1, 2], numbers(COUNT), [1, 3, 4, 8], [3, 4, 5], [2]]) {
        expect(await source.batch(samples)).toEqual(await whole.batch(samples));
      }
    });
  });

  it.each([
    // One copy for the axis order of x, and one for each deflated entry.
    ['stored', 1],
    ['deflated', 4],
    ['directory', 3],
  ])('are copied into the room only where they have to be: %s', async (form, copies) => {
    await opened(FORMS[form]?.() ?? '', INPUTS, async () => {
      expect(temporary().length).toBe(copies);
      expect(told.at(-1)?.[0]).toBe(told.at(-1)?.[1]);
    });
  });

  it('may be one .npy file of any name, without labels', async () => {
    const path = write('any.npy', FILES['ids.npy']);
    await opened(path, INPUTS.slice(1), async (source) => {
      const batch = await source.batch([7, 8]);
      const data = BigInt64Array.of(21n, 22n, 23n, 24n, 25n, 26n);
      expect(batch).toEqual({ feeds: { ids: { type: 'int64', dims: [2, 3], data } }, labels: undefined });
      expect(source.labelled).toBe(false);
    });
    expect(temporary()).toEqual([]);
  });

  it('cannot be read any more once they are closed', async () => {
    const source = await openCalibration(FORMS['stored']?.() ?? '', INPUTS, room);
    await source.close();
    await expect(source.batch([0])).rejects.toMatchObject({ code: 'bad-file' });
  });

  it('are refused for a number that does not fit when that number is read', async () => {
    const path = write('x.npy', npyBytes('<f8', [3, 1], rawBytes('float64', [1, 2, 1e39])));
    await opened(path, [{ name: 'x', type: 'float32', dims: ['N', 1] }], async (source) => {
      expect((await source.batch([0, 1])).feeds['x']?.data).toEqual(Float32Array.of(1, 2));
      await expect(source.batch([1, 2])).rejects.toMatchObject({
        code: 'bad-data',
        message: expect.stringContaining(
          'is float64 and holds 1e+39, which the float32 that the model expects cannot hold',
        ),
      });
    });
  });

  const x = FILES['x.npy'];
  it.each<[string, Uint8Array]>([
    ['no array file', Buffer.from('hello')],
    ['half a .npz file', zipSync(FILES).subarray(0, 300)],
    ['a missing array', zipSync({ 'x.npy': x })],
    ['an array too many', zipSync({ ...FILES, 'more.npy': x })],
    [
      'an array of another shape',
      zipSync({ ...FILES, 'x.npy': npyBytes('<f4', [COUNT, 4], new Uint8Array(COUNT * 16)) }),
    ],
    [
      'an array of another type',
      zipSync({ ...FILES, 'x.npy': npyBytes('<i4', [COUNT, 2, 2], new Uint8Array(COUNT * 16)) }),
    ],
    ['unequal counts', zipSync({ ...FILES, 'labels.npy': npyBytes('<i8', [2], new Uint8Array(16)) })],
    ['a single label', zipSync({ ...FILES, 'labels.npy': npyBytes('<i8', [], new Uint8Array(8)) })],
    [
      'no samples',
      zipSync({
        'x.npy': npyBytes('<f4', [0, 2, 2], new Uint8Array()),
        'ids.npy': npyBytes('<i8', [0, 1], new Uint8Array()),
      }),
    ],
    ['a broken entry', zipSync({ ...FILES, 'x.npy': new Uint8Array(9) })],
    ['a .npy cut off', x.subarray(0, -1)],
  ])('with %s are refused in the words for data that are read whole', async (_, bytes) => {
    const path = write('data', bytes);
    const refusal: unknown = await loadTestData(path, INPUTS).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'bad-data' });
    await expect(openCalibration(path, INPUTS, room)).rejects.toEqual(refusal);
  });

  it('that are not there are refused likewise', async () => {
    const path = join(folder, 'gone.npz');
    const message = expect.stringMatching(/gone\.npz does not exist; give a \.npz file,/);
    await expect(openCalibration(path, INPUTS, room)).rejects.toMatchObject({ code: 'bad-file', message });
  });

  it('are told of when there is no room for a copy', async () => {
    room = { ...room, place: (name) => join(folder, 'no such folder', name) };
    await expect(openCalibration(FORMS['deflated']?.() ?? '', INPUTS, room)).rejects.toMatchObject({
      code: 'bad-file',
      message: expect.stringMatching(
        /deflated\.npz:x\.npy needs \d+ bytes of temporary disk space \(ENOENT.*\); set TMPDIR to/,
      ),
    });
  });
});
