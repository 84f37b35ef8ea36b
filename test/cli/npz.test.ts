import { type Zippable, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { inMemory, type MakeScratch, memoryScratch } from '../../cli/byte-source.ts';
import { openNpz } from '../../cli/npz.ts';
import { OnnxPruneError } from '../../src/errors.ts';
import { rawBytes } from '../support/build-tensor.ts';
import { npyBytes } from '../support/npy-bytes.ts';
import { parseNpz } from './support/parse-npz.ts';
import { zipBytes } from './support/zip-bytes.ts';

const values = Float32Array.from({ length: 300_000 }, (_, index) => index % 97);
const FILES: Zippable = {
  'x.npy': npyBytes('<f4', [3, 100_000], rawBytes('float32', values)),
  'labels.npy': npyBytes('<i8', [3], rawBytes('int64', [1, 2, 3])),
};

async function failure(bytes: Uint8Array): Promise<string> {
  try {
    await parseNpz(bytes, 'x.npz');
  } catch (error) {
    if (error instanceof OnnxPruneError && error.code === 'bad-data') return error.message;
    throw error;
  }
  return 'nothing was thrown';
}

/** Finds the central directory record of the first entry and writes 32 bits into it. */
function forge(bytes: Uint8Array, offset: number, value: number): Uint8Array {
  const forged = Buffer.from(bytes);
  forged.writeUInt32LE(value, forged.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + offset);
  return forged;
}
const COMPRESSED_SIZE = 20;
const ORIGINAL_SIZE = 24;
const LOCAL_OFFSET = 42;

describe('parseNpz', () => {
  it.each([0, 6] as const)('reads arrays by name at compression level %i', async (level) => {
    const arrays = await parseNpz(zipSync(FILES, { level }), 'x.npz');
    expect([...arrays.keys()]).toEqual(['x', 'labels']);
    expect(arrays.get('x')).toEqual({ dtype: 'float32', shape: [3, 100_000], data: values });
    expect(arrays.get('labels')?.data).toEqual(BigInt64Array.of(1n, 2n, 3n));
  });

  it('passes over entries that are no arrays', async () => {
    const arrays = await parseNpz(zipSync({ ...FILES, 'notes.txt': new Uint8Array(3) }), 'x.npz');
    expect([...arrays.keys()]).toEqual(['x', 'labels']);
  });

  it('keeps names that JavaScript objects treat specially', async () => {
    const bytes = npyBytes('|u1', [1], new Uint8Array([4]));
    const arrays = await parseNpz(zipSync({ '__proto__.npy': bytes, 'a/b.npy': bytes, '.npy': bytes }), 'x.npz');
    expect([...arrays.keys()]).toEqual(['__proto__', 'a/b', '']);
  });

  it('says which entry is broken', async () => {
    expect(await failure(zipSync({ 'x.npy': new Uint8Array(9) }))).toContain('x.npz:x.npy is no readable .npy file');
  });

  it.each([
    ['an empty file', new Uint8Array(), 'not a zip archive'],
    ['another file', Buffer.from('not a zip at all'), 'not a zip archive'],
    ['an empty archive', zipSync({}), 'holds no .npy arrays but nothing'],
    ['an archive of other things', zipSync({ 'data.pkl': new Uint8Array(3) }), "holds no .npy arrays but 'data.pkl'"],
    ['an archive cut off', zipSync(FILES).subarray(0, 500), 'damaged'],
    ['a bomb', forge(zipSync(FILES), ORIGINAL_SIZE, 0xfffffff0), 'which deflate cannot do'],
    ['an entry larger than the file', forge(zipSync(FILES), COMPRESSED_SIZE, 0x7fffffff), 'which deflate cannot do'],
    [
      'an entry compressed otherwise',
      zipBytes([{ name: 'x.npy', kept: new Uint8Array(9), method: 12 }]),
      "holds the entry 'x.npy' compressed by method 12, where stored and deflated ones can be read",
    ],
    [
      'an encrypted entry',
      zipBytes([{ name: 'x.npy', kept: new Uint8Array(9), flags: 1 }]),
      "'x.npy' encrypted, where",
    ],
    ['a size that is not kept', forge(zipSync(FILES), ORIGINAL_SIZE, 1_300_000), 'is damaged: entry'],
  ])('refuses %s', async (_, bytes, expected) => {
    expect(await failure(bytes)).toContain(expected);
  });

  it('refuses an entry that is there twice', async () => {
    const bytes = npyBytes('|u1', [1], new Uint8Array([4]));
    const archive = Buffer.from(zipSync({ 'a.npy': bytes, 'b.npy': bytes }, { level: 0 }));
    for (let at = archive.indexOf('b.npy'); at >= 0; at = archive.indexOf('b.npy', at)) archive.write('a.npy', at);
    expect(await failure(archive)).toContain("holds the entry 'a.npy' twice");
  });

  it('refuses more than 8 GiB before inflating anything', async () => {
    const zeros = new Uint8Array(8 * 2 ** 20);
    const names = Array.from({ length: 3 }, (_, index) => `${index}.npy`);
    const archive = Buffer.from(zipSync(Object.fromEntries(names.map((name) => [name, [zeros, { level: 9 }]]))));
    // Claims of 4 GiB each, with compressed sizes, and a file around them, that make them believable.
    let at = archive.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    const padded = Buffer.alloc(14 * 2 ** 20);
    const shift = padded.length;
    const claimed = 4_500_000;
    for (let index = 0; at >= 0; at = archive.indexOf(Buffer.from([0x50, 0x4b, 1, 2]), at + 4)) {
      archive.writeUInt32LE(claimed, at + COMPRESSED_SIZE);
      archive.writeUInt32LE(0xfffffff0, at + ORIGINAL_SIZE);
      // Entries lie apart; before the last two stand copies of what stands before the first.
      if (index++ > 0) archive.writeUInt32LE(index * (claimed + 100_000), at + LOCAL_OFFSET);
    }
    const end = archive.indexOf(Buffer.from([0x50, 0x4b, 5, 6]));
    const directory = archive.readUInt32LE(end + 16);
    archive.writeUInt32LE(directory + shift, end + 16);
    const file = Buffer.concat([archive.subarray(0, directory), padded, archive.subarray(directory)]);
    expect(await failure(file)).toContain('over the limit of 8589934592');
  });

  it.each([0, 6] as const)('notices every flipped byte that would change an array (level %i)', async (level) => {
    const archive = zipSync({ 'a.npy': npyBytes('<f4', [50], rawBytes('float32', values.slice(0, 50))) }, { level });
    const contents = { from: 30 + 'a.npy'.length, to: Buffer.from(archive).indexOf(Buffer.from([0x50, 0x4b, 1, 2])) };
    const original = await parseNpz(archive, 'x.npz');
    let accepted = 0;
    for (let at = contents.from; at < contents.to; at += 1) {
      const damaged = new Uint8Array(archive);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      const outcome: unknown = await parseNpz(damaged, 'x.npz').catch((error: unknown) => error);
      if (outcome instanceof Map) {
        // Some flips in a deflate stream mean nothing: padding bits, or a copy from another place with the same bytes.
        expect(outcome).toEqual(original);
        accepted += 1;
      } else expect(outcome).toMatchObject({ code: 'bad-data', message: expect.stringContaining('damaged') });
    }
    expect(accepted).toBeLessThan(level === 0 ? 1 : (contents.to - contents.from) / 10);
  });

  it('never fails otherwise than with its own error when cut off anywhere', async () => {
    const archive = zipSync({ 'a.npy': npyBytes('|u1', [1], new Uint8Array([4])) });
    for (let length = 0; length < archive.length; length += 1) {
      expect(await failure(archive.subarray(0, length))).not.toBe('nothing was thrown');
    }
  });
});

describe('openNpz', () => {
  /** Counts the bytes that room was made for. */
  function counted(): { room: number[]; scratch: MakeScratch } {
    const room: number[] = [];
    return {
      room,
      scratch: (size, what) => {
        expect(what).toMatch(/^x\.npz:.*\.npy$/);
        room.push(size);
        return memoryScratch(size);
      },
    };
  }

  it.each([
    [0, 0],
    [6, 2],
  ] as const)('copies deflated entries only (level %i: %i)', async (level, copies) => {
    const { room, scratch } = counted();
    const files = await openNpz(inMemory(zipSync(FILES, { level })), 'x.npz', { scratch });
    expect(room.length).toBe(copies);
    for (const [name, bytes] of Object.entries(FILES)) {
      const file = files.get(name.slice(0, -4));
      expect(Buffer.compare(Buffer.from((await file?.read(0, file.size)) ?? []), Buffer.from(Object(bytes)))).toBe(0);
    }
  });

  it.each([0, 6] as const)('tells how far it is, and stops when what it tells does (level %i)', async (level) => {
    const archive = inMemory(zipSync(FILES, { level }));
    const total = Object.values(FILES).reduce((sum, bytes) => sum + Object(bytes).length, 0);
    const told: number[] = [];
    await openNpz(archive, 'x.npz', {
      scratch: memoryScratch,
      onProgress: (done, all) => {
        expect(all).toBe(total);
        told.push(done);
      },
    });
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(told.at(-1)).toBe(total);
    const stopped = openNpz(archive, 'x.npz', {
      scratch: memoryScratch,
      onProgress: () => {
        throw new Error('enough');
      },
    });
    await expect(stopped).rejects.toThrow(/^enough$/);
  });

  it('writes no more than an entry was said to have', async () => {
    const { room, scratch } = counted();
    const opened = openNpz(inMemory(forge(zipSync(FILES), ORIGINAL_SIZE, 1000)), 'x.npz', { scratch });
    await expect(opened).rejects.toThrow("is damaged: entry 'x.npy' inflates to");
    expect(room).toEqual([1000]);
  });
});
