import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleSourceOf } from '../../src/judge/sample-source.ts';
import type { TestData } from '../../src/judge/test-data.ts';
import type { HostTensor, TensorData } from '../../src/runtime/index.ts';

const COUNT = 6;
const numbers = Array.from({ length: COUNT * 4 }, (_, i) => i);
const tensors: Readonly<Record<string, HostTensor>> = Object.fromEntries(
  Object.entries({
    float32: Float32Array.from(numbers),
    float64: Float64Array.from(numbers),
    float16: Uint16Array.from(numbers),
    int8: Int8Array.from(numbers),
    int64: BigInt64Array.from(numbers, BigInt),
    // A view in the midst of other numbers.
    uint32: Uint32Array.from([9, ...numbers, 9]).subarray(1, -1),
    string: numbers.map(String),
  }).map(([type, data]: [string, TensorData]) => [type, { type, dims: [COUNT, 2, 2], data }]),
);
const labels: HostTensor = {
  type: 'int64',
  dims: [COUNT],
  data: BigInt64Array.from({ length: COUNT }, (_, i) => BigInt(i)),
};
const data: TestData = { count: COUNT, feeds: new Map(Object.entries(tensors)), labels };

describe('data in memory as a source', () => {
  it('give any samples, of any type, with their labels', async () => {
    await fc.assert(
      fc.asyncProperty(fc.subarray([0, 1, 2, 3, 4, 5], { minLength: 1 }), async (samples) => {
        const { feeds, labels: found } = await sampleSourceOf(data).batch(samples);
        expect(Object.keys(feeds)).toEqual(Object.keys(tensors));
        for (const [type, tensor] of Object.entries(feeds)) {
          expect(tensor).toMatchObject({ type, dims: [samples.length, 2, 2] });
          expect(tensor.data.constructor).toBe(tensors[type]?.data.constructor);
          expect(Array.from(tensor.data, Number)).toEqual(
            samples.flatMap((i) => [4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3]),
          );
        }
        expect(found).toEqual({ type: 'int64', dims: [samples.length], data: BigInt64Array.from(samples, BigInt) });
      }),
    );
  });

  it('share memory where samples are neighbours', async () => {
    const { feeds } = await sampleSourceOf(data).batch([2, 3]);
    const [whole, part] = [tensors['float32']?.data, feeds['float32']?.data];
    if (!(whole instanceof Float32Array && part instanceof Float32Array)) return expect.fail('they are float32');
    expect(part.buffer).toBe(whole.buffer);
  });

  it('may have no labels', async () => {
    const source = sampleSourceOf({ ...data, labels: undefined });
    expect([source.labelled, sampleSourceOf(data).labelled]).toEqual([false, true]);
    for (const samples of [[0], [0, 2]]) expect((await source.batch(samples)).labels).toBeUndefined();
  });

  it('are one already where they are', () => {
    const source = sampleSourceOf(data);
    expect(sampleSourceOf(source)).toBe(source);
  });
});
