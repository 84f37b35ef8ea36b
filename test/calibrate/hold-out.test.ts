import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holdOut, holdOutBatches } from '../../src/calibrate/hold-out.ts';
import { type SampleSource, sampleSourceOf } from '../../src/judge/sample-source.ts';

/** Samples that hold their own numbers, and those as labels. */
function numbered(count: number): SampleSource {
  const data = Float32Array.from({ length: count }, (_, i) => i);
  const labels = { type: 'int64', dims: [count], data: BigInt64Array.from({ length: count }, (_, i) => BigInt(i)) };
  return sampleSourceOf({ count, feeds: new Map([['x', { type: 'float32', dims: [count, 1], data }]]), labels });
}

async function numbersIn(source: SampleSource): Promise<number[]> {
  if (source.count === 0) return [];
  const { feeds, labels } = await source.batch(Array.from({ length: source.count }, (_, i) => i));
  const numbers = Array.from(feeds['x']?.data ?? [], Number);
  expect(Array.from(labels?.data ?? [], Number)).toEqual(numbers);
  return numbers;
}

const SPECS = [{ name: 'x', type: 'float32', dims: ['N', 1] }];

describe('samples that are held out', () => {
  it('are the fourth of every four, and no others', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 70 }), async (count) => {
        const parts = holdOut(numbered(count));
        const all = Array.from({ length: count }, (_, i) => i);
        expect(await numbersIn(parts.held)).toEqual(all.filter((i) => i % 4 === 3));
        expect(await numbersIn(parts.batches)).toEqual(all.filter((i) => i % 4 !== 3));
      }),
    );
  });

  it.each([
    [100, undefined, 75, 25],
    [100, 40, 30, 10],
    [100, 1000, 75, 25],
    [4, undefined, 3, 1],
    [8000, undefined, 6000, 1024],
  ])('of %i with --samples %s leave %i and are %i', (count, samples, kept, held) => {
    const parts = holdOutBatches(numbered(count), SPECS, { samples });
    expect([parts.batches.samples, parts.held.samples]).toEqual([kept, held]);
    expect(parts.held.labelled).toBe(true);
  });

  it('fill a batch of the model at least', () => {
    const fixed = [{ name: 'x', type: 'float32', dims: [8, 1] }];
    expect(holdOutBatches(numbered(32), fixed, {}).held.samples).toBe(8);
    expect(() => holdOutBatches(numbered(31), fixed, {})).toThrow(
      '--max-drop without --test holds out a quarter of the calibration samples to measure on, which of 31 is less than a batch of 8; give at least 32, or data with --test.',
    );
  });
});
