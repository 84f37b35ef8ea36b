import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  loadSamples,
  matchSamples,
  type NumpyArray,
  type NumpyType,
  type SampleInput,
  type Samples,
} from '../../cli/samples.ts';
import { OnnxPruneError } from '../../src/errors.ts';
import { rawBytes } from '../support/build-tensor.ts';
import { npyBytes } from '../support/npy-bytes.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures');
const IMAGE: SampleInput = { name: 'image', dtype: 'float32', dims: ['N', 1, 28, 28] };
const X: SampleInput = { name: 'x', dtype: 'float32', dims: ['N', 2] };

const f4 = (shape: readonly number[]): NumpyArray => {
  const count = shape.reduce((product, dim) => product * dim, 1);
  return { dtype: 'float32', shape, data: Float32Array.from({ length: count }, (_, index) => index) };
};
const i8 = (shape: readonly number[]): NumpyArray => {
  const count = shape.reduce((product, dim) => product * dim, 1);
  return { dtype: 'int64', shape, data: BigInt64Array.from({ length: count }, (_, index) => BigInt(index)) };
};
const samples = (arrays: Record<string, NumpyArray>): Samples => ({
  source: 'data.npz',
  arrays: new Map(Object.entries(arrays)),
});

function failureOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof OnnxPruneError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'nothing was thrown';
}

describe('loadSamples', () => {
  let folder = '';
  const npy = npyBytes('<f4', [3, 2], rawBytes('float32', [1, 2, 3, 4, 5, 6]));
  const write = (path: string, bytes: Uint8Array): void => writeFileSync(join(folder, path), bytes);

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'samples-'));
    for (const name of ['mixed', 'twice', 'empty']) mkdirSync(join(folder, name));
    write('x.npy', npy);
    write('misnamed.npz', npy);
    write('other.txt', Buffer.from('hello'));
    write('mixed/x.npy', npy);
    write('mixed/rest.npz', zipSync({ 'mask.npy': npy, 'labels.npy': npy }));
    write('mixed/readme.txt', Buffer.from('hello'));
    write('twice/x.npy', npy);
    write('twice/more.npz', zipSync({ 'x.npy': npy }));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('reads the fixture: 1,000 digits of all ten classes', async () => {
    const { arrays } = await loadSamples(join(FIXTURES, 'mnist-test.npz'));
    const [image, labels] = [arrays.get('image'), arrays.get('labels')];
    expect([...arrays.keys()]).toEqual(['image', 'labels']);
    expect([image?.dtype, image?.shape]).toEqual(['float32', [1000, 1, 28, 28]]);
    expect([labels?.dtype, labels?.shape]).toEqual(['int64', [1000]]);
    expect(new Set(Array.from(labels?.data ?? [], Number))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    const pixels = Array.from(image?.data ?? [], Number);
    expect(pixels.every((pixel) => pixel >= 0 && pixel <= 1)).toBe(true);
  });

  it('names a .npy after its file, and tells kinds by content', async () => {
    expect([...(await loadSamples(join(folder, 'x.npy'))).arrays.keys()]).toEqual(['x']);
    expect([...(await loadSamples(join(folder, 'misnamed.npz'))).arrays.keys()]).toEqual(['misnamed']);
  });

  it('merges the files of a directory', async () => {
    const { arrays, source } = await loadSamples(join(folder, 'mixed'));
    expect([...arrays.keys()].sort()).toEqual(['labels', 'mask', 'x']);
    expect(source).toBe(join(folder, 'mixed'));
  });

  it.each([
    ['twice', 'bad-data', "hold an array 'x': more.npz and x.npy"],
    ['empty', 'bad-data', 'holds no .npy or .npz file'],
    ['other.txt', 'bad-data', 'neither a .npz nor a .npy file'],
    ['missing.npz', 'bad-file', 'missing.npz does not exist; give a .npz file'],
  ])('refuses %s', async (name, code, text) => {
    const failed = expect(loadSamples(join(folder, name))).rejects;
    await failed.toMatchObject({ code, message: expect.stringContaining(text) });
  });
});

describe('matchSamples', () => {
  it('matches the fixture', async () => {
    const matched = matchSamples(await loadSamples(join(FIXTURES, 'mnist-test.npz')), [IMAGE]);
    expect(matched.count).toBe(1000);
    expect([...matched.feeds.keys()]).toEqual(['image']);
    expect(matched.labels?.shape).toEqual([1000]);
  });

  it('gives a single array to a single input whatever its name', () => {
    const { feeds, labels } = matchSamples(samples({ arr_0: f4([3, 2]) }), [X]);
    expect([...feeds.keys()]).toEqual(['x']);
    expect(labels).toBeUndefined();
  });

  it('takes labels that are fractions, which an output may have to come to', () => {
    const { labels } = matchSamples(samples({ x: f4([3, 2]), labels: f4([3, 4]) }), [X]);
    expect([labels?.dtype, labels?.shape]).toEqual(['float32', [3, 4]]);
  });

  it('takes labels for an input where the model has one of that name', () => {
    const input: SampleInput = { name: 'labels', dtype: 'int64', dims: ['N'] };
    const { feeds, labels } = matchSamples(samples({ x: f4([3, 2]), labels: i8([3]) }), [X, input]);
    expect([...feeds.keys()]).toEqual(['x', 'labels']);
    expect(labels).toBeUndefined();
  });

  it('shares memory where nothing is converted', () => {
    const x = f4([3, 2]);
    expect(matchSamples(samples({ x }), [X]).feeds.get('x')).toBe(x);
  });

  const conversions: readonly (readonly [NumpyArray, NumpyType, readonly number[]])[] = [
    [{ dtype: 'float64', shape: [2], data: Float64Array.of(0.1, Infinity) }, 'float32', [Math.fround(0.1), Infinity]],
    [{ dtype: 'float16', shape: [1], data: Uint16Array.of(0x3c00) }, 'float32', [1]],
    [{ dtype: 'float32', shape: [1], data: Float32Array.of(1) }, 'float16', [0x3c00]],
    [{ dtype: 'int32', shape: [2], data: Int32Array.of(-1, 5) }, 'int64', [-1, 5]],
    [{ dtype: 'int64', shape: [2], data: BigInt64Array.of(-1n, 5n) }, 'int32', [-1, 5]],
    [{ dtype: 'uint8', shape: [1], data: Uint8Array.of(255) }, 'int16', [255]],
  ];
  it.each(conversions)('converts $0.dtype to $1', (array, dtype, expected) => {
    const { feeds } = matchSamples(samples({ x: array }), [{ name: 'x', dtype, dims: ['N'] }]);
    expect(feeds.get('x')?.dtype).toBe(dtype);
    expect(Array.from(feeds.get('x')?.data ?? [], Number)).toEqual(expected);
  });

  const ids: SampleInput = { name: 'ids', dtype: 'int64', dims: ['N', 'length'] };
  const mask: SampleInput = { name: 'mask', dtype: 'int64', dims: ['N', 'length'] };
  const bytes: NumpyArray = { dtype: 'uint8', shape: [3, 2], data: new Uint8Array(6) };
  const big: NumpyArray = { dtype: 'int64', shape: [1], data: BigInt64Array.of(2n ** 31n) };
  const huge: NumpyArray = { dtype: 'float64', shape: [1, 2], data: Float64Array.of(1, 1e39) };
  const refusals: readonly (readonly [string, Record<string, NumpyArray>, readonly SampleInput[], string])[] = [
    [
      'a missing input',
      { y: f4([3, 2]) },
      [X, ids],
      "the model expects 'x', 'ids' (and optionally 'labels'), the data holds 'y'",
    ],
    ['no arrays', {}, [X], 'the data holds no arrays'],
    ['only labels', { labels: i8([3]) }, [X], "no array for the model's input 'x'"],
    ['an array too many', { x: f4([3, 2]), label: i8([3]) }, [X], "an array 'label' that no model input takes"],
    [
      'integers for floats',
      { x: bytes },
      [X],
      'is uint8, but the model expects float32; convert it first, scaled as in training,',
    ],
    ['floats for integers', { ids: f4([3, 2]) }, [ids], "array.astype('int64')"],
    [
      'an integer too big',
      { x: big },
      [{ name: 'x', dtype: 'int32', dims: ['N'] }],
      'holds 2147483648, which the int32',
    ],
    ['a float too big', { x: huge }, [X], 'holds 1e+39, which the float32'],
    ['text inputs', { x: f4([3]) }, [{ name: 'x', dtype: 'string', dims: ['N'] }], 'expects string'],
    ['another size', { x: f4([3, 5]) }, [X], 'has shape [3, 5], but the model expects [samples, 2]'],
    ['channels last', { image: f4([2, 28, 28, 1]) }, [IMAGE], 'expects [samples, 1, 28, 28]; reshape, transpose'],
    ['one sample without its axis', { image: f4([1, 28, 28]) }, [IMAGE], 'add the samples axis in front'],
    ['a scalar input', { x: f4([3]) }, [{ name: 'x', dtype: 'float32', dims: [] }], 'is a scalar'],
    [
      'dims that disagree',
      { ids: i8([3, 4]), mask: i8([3, 5]) },
      [ids, mask],
      "is 4 along axis 1 of 'ids' and 5 along axis 1 of 'mask'",
    ],
    ['counts that differ', { ids: i8([3, 4]), mask: i8([2, 4]) }, [ids, mask], "'ids' has 3 samples but 'mask' has 2"],
    ['labels that differ in count', { x: f4([3, 2]), labels: i8([2]) }, [X], "'x' has 3 samples but 'labels' has 2"],
    ['labels that are one number', { x: f4([3, 2]), labels: i8([]) }, [X], 'one label per sample'],
    ['no samples', { x: f4([0, 2]) }, [X], 'holds no samples'],
    ['too few for the batch', { x: f4([3, 2]) }, [{ ...X, dims: [8, 2] }], 'in batches of 8, but there are only 3'],
    ['a model without inputs', {}, [], 'the model has no inputs'],
  ];
  it.each(refusals)('refuses %s', (_, arrays, inputs, expected) => {
    const message = failureOf(() => matchSamples(samples(arrays), inputs));
    expect(message).toContain(expected);
    expect(message).toMatch(/^(bad-data|unsupported): .*\.$/);
  });

  it('lets named and unknown dims be any size', () => {
    const inputs: SampleInput[] = [{ name: 'x', dtype: 'float32', dims: ['N', undefined, 'w', ''] }];
    expect(matchSamples(samples({ x: f4([2, 3, 4, 5]) }), inputs).count).toBe(2);
  });
});
