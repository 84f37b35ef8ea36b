import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inMemory, memoryScratch } from '../../cli/byte-source.ts';
import { parseNpy } from '../../cli/npy.ts';
import { type NpyFile, openNpy } from '../../cli/npy-file.ts';
import { rawBytes } from '../support/build-tensor.ts';
import { npyBytes, npyFile } from '../support/npy-bytes.ts';

const ignore = (): void => {};
const opened = (bytes: Uint8Array): Promise<NpyFile> =>
  openNpy({ bytes: inMemory(bytes), source: 'x.npy' }, memoryScratch, ignore);

/** The rows of these numbers of an array that was read whole. */
function expectRows(bytes: Uint8Array, numbers: readonly number[], found: Awaited<ReturnType<NpyFile['rows']>>): void {
  const whole = parseNpy(bytes, 'x.npy');
  const [, ...inner] = whole.shape;
  const size = inner.reduce((product, dim) => product * dim, 1);
  expect(found.dtype).toBe(whole.dtype);
  expect(found.shape).toEqual([numbers.length, ...inner]);
  expect(found.data.constructor).toBe(whole.data.constructor);
  const expected = numbers.flatMap((row) => Array.from({ length: size }, (_, i) => whole.data[row * size + i]));
  expect(Array.from<number | bigint | undefined>(found.data)).toEqual(expected);
}

describe('a .npy file read by position', () => {
  it('gives the rows that are there when it is read whole, in any type, byte order and axis order', async () => {
    const arrays = fc.record({
      descr: fc.constantFrom('<f4', '>f4', '<f8', '>i8', '<i2', '|u1', '>f2'),
      shape: fc.tuple(fc.integer({ min: 1, max: 6 }), fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 })),
      fortran: fc.boolean(),
      seed: fc.nat(255),
    });
    await fc.assert(
      fc.asyncProperty(arrays, fc.infiniteStream(fc.boolean()), async ({ descr, shape, fortran, seed }, coin) => {
        const dims = [shape[0], ...shape[1]];
        const size = dims.reduce((product, dim) => product * dim, 1) * Number(descr.at(-1));
        // Small exponents, so that no float is NaN, which equals nothing.
        const payload = Uint8Array.from({ length: size }, (_, i) => (i * 7 + seed) % 64);
        const bytes = npyBytes(descr, dims, payload, { fortran });
        const file = await opened(bytes);
        expect(file).toMatchObject({ shape: dims });
        for (let pass = 0; pass < 2; pass += 1) {
          const numbers = Array.from({ length: dims[0] ?? 0 }, (_, i) => i).filter(() => coin.next().value);
          expectRows(bytes, numbers, await file.rows(numbers));
        }
      }),
    );
  });

  it.each([
    ['few long rows', [3, 700_000, 3]],
    ['many short rows', [2_100_000, 3]],
  ])('gives Fortran order of %s, which takes more than one tile', async (_, shape) => {
    const count = shape.reduce((product, dim) => product * dim, 1);
    const payload = Float32Array.from({ length: count }, (_, i) => i);
    const bytes = npyBytes('<f4', shape, new Uint8Array(payload.buffer), { fortran: true });
    const told: [number, number][] = [];
    const file = await openNpy({ bytes: inMemory(bytes), source: 'x.npy' }, memoryScratch, (done, total) => {
      told.push([done, total]);
    });
    const [samples = 0] = shape;
    const { data } = await file.rows(Array.from({ length: samples }, (_, i) => i));
    expect(Buffer.compare(Buffer.from(data.buffer), Buffer.from(parseNpy(bytes, 'x.npy').data.buffer))).toBe(0);
    expect(told.length).toBeGreaterThan(1);
    expect(told.at(-1)).toEqual([4 * count, 4 * count]);
  });

  it('needs its header only to be opened', async () => {
    const bytes = npyBytes('<i8', [1000, 100], rawBytes('int64', Array<number>(100_000).fill(5)));
    const reads: number[] = [];
    const source = {
      ...inMemory(bytes),
      read: async (from: number, to: number) => {
        reads.push(to - from);
        return bytes.subarray(from, to);
      },
    };
    await openNpy({ bytes: source, source: 'x.npy' }, memoryScratch, ignore);
    expect(Math.max(...reads)).toBeLessThan(70_000);
  });

  it.each([
    ['another file', Buffer.from('hello, world')],
    ['data cut off', npyBytes('<i4', [3], rawBytes('int32', [1, 2]))],
    ['text', npyBytes('<U3', [2], new Uint8Array(24))],
    [
      'a huge shape',
      npyFile("{'descr': '<i4', 'fortran_order': True, 'shape': (4000000000, 4000000000), }", new Uint8Array(4)),
    ],
  ])('refuses %s in the words for a file that is read whole', async (_, bytes) => {
    let expected = '';
    try {
      parseNpy(bytes, 'x.npy');
    } catch (error) {
      expected = String(error);
    }
    expect(expected).not.toBe('');
    await expect(opened(bytes)).rejects.toSatisfy((error) => String(error) === expected);
  });
});
