import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BatchChoice, type CalibrationBatches, calibrationBatches } from '../../src/calibrate/batches.ts';
import { type SampleSource, sampleSourceOf } from '../../src/judge/sample-source.ts';
import type { InputSpec } from '../../src/runtime/index.ts';

/** As many samples, each of which is its own number, and its own label. */
function sourceOf(count: number): SampleSource {
  const numbers = Array.from({ length: count }, (_, i) => i);
  return sampleSourceOf({
    count,
    feeds: new Map([['x', { type: 'float32', dims: [count], data: Float32Array.from(numbers) }]]),
    labels: { type: 'int32', dims: [count], data: Int32Array.from(numbers) },
  });
}

const specs = (batch: number | undefined): InputSpec[] => [{ name: 'x', type: 'float32', dims: [batch ?? 'N'] }];

function batchesOf(count: number, fixed: number | undefined, choice: BatchChoice = {}): CalibrationBatches {
  return calibrationBatches(sourceOf(count), specs(fixed), choice);
}

/** The numbers of the samples in each batch. */
async function numbersIn(batches: CalibrationBatches): Promise<number[][]> {
  const found: number[][] = [];
  for await (const { feeds, labels, size } of batches.read()) {
    const numbers = Array.from(feeds['x']?.data ?? [], Number);
    expect(Array.from(labels?.data ?? [], Number)).toEqual(numbers);
    expect(numbers.length).toBe(size);
    found.push(numbers);
  }
  return found;
}

describe('batches of calibration data', () => {
  it.each<[number, number | undefined, BatchChoice, number[]]>([
    [70, undefined, {}, [32, 32, 6]],
    [7, undefined, {}, [7]],
    [64, undefined, {}, [32, 32]],
    [7, undefined, { batch: 3 }, [3, 3, 1]],
    [7, undefined, { batch: 100 }, [7]],
    [7, 3, {}, [3, 3]],
    [7, 3, { batch: 3 }, [3, 3]],
    [7, 7, {}, [7]],
    [70, undefined, { samples: 40 }, [32, 8]],
    [70, undefined, { samples: 1 }, [1]],
    [7, undefined, { samples: 1000 }, [7]],
    [70, 4, { samples: 11 }, [4, 4]],
    [7, 3, { samples: 1000 }, [3, 3]],
  ])('of %i samples, where the model takes %s, are %j: %j', async (count, fixed, choice, sizes) => {
    const batches = batchesOf(count, fixed, choice);
    const found = await numbersIn(batches);
    expect(found.map((each) => each.length)).toEqual(sizes);
    expect(batches).toMatchObject({ count: sizes.length, samples: found.flat().length, labelled: true });
  });

  it('leave the last samples out where all are used and do not fill a batch', async () => {
    expect(await numbersIn(batchesOf(5, 2))).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it('can be read again and again', async () => {
    const batches = batchesOf(9, undefined, { samples: 5, batch: 2 });
    expect(await numbersIn(batches)).toEqual(await numbersIn(batches));
  });

  /** A source that gives its batches one turn later, and tells what it is doing. */
  function slowSource(count: number, broken = -1): { source: SampleSource; reading: () => number; asked: number[] } {
    const asked: number[] = [];
    let reading = 0;
    const source: SampleSource = {
      ...sourceOf(count),
      batch: async (samples) => {
        asked.push(samples[0] ?? -1);
        reading += 1;
        await new Promise((resolve) => setImmediate(resolve));
        reading -= 1;
        if (samples[0] === broken) throw new Error(`no ${broken}`);
        return await sourceOf(count).batch(samples);
      },
    };
    return { source, reading: () => reading, asked };
  }

  it('are read one ahead, and none is being read once somebody has left', async () => {
    const { source, reading, asked } = slowSource(10);
    for await (const { feeds } of calibrationBatches(source, specs(undefined), { batch: 2 }).read()) {
      expect(feeds['x']?.data).toEqual(Float32Array.of(0, 1));
      expect(asked).toEqual([0, 2]);
      expect(reading()).toBe(1);
      break;
    }
    expect(reading()).toBe(0);
  });

  it('come as far as they can be read', async () => {
    const { source } = slowSource(10, 4);
    const seen: number[] = [];
    const pass = async (): Promise<void> => {
      for await (const { size } of calibrationBatches(source, specs(undefined), { batch: 2 }).read()) {
        seen.push(size);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await expect(pass()).rejects.toThrow('no 4');
    expect(seen).toEqual([2, 2]);
  });

  it('take one sample from each equal stretch of the data, the same for the same seed', async () => {
    const sizes = fc
      .integer({ min: 2, max: 300 })
      .chain((count) =>
        fc.record({ count: fc.constant(count), samples: fc.integer({ min: 1, max: count - 1 }), seed: fc.nat() }),
      );
    await fc.assert(
      fc.asyncProperty(sizes, async ({ count, samples, seed }) => {
        const found = (await numbersIn(batchesOf(count, undefined, { samples, seed }))).flat();
        expect(found.length).toBe(samples);
        for (const [i, number] of found.entries()) {
          expect(number).toBeGreaterThanOrEqual(Math.floor((i * count) / samples));
          expect(number).toBeLessThan(Math.floor(((i + 1) * count) / samples));
        }
        expect((await numbersIn(batchesOf(count, undefined, { samples, seed }))).flat()).toEqual(found);
      }),
    );
  });

  it('do not fall into step with data that go through the classes in turn', async () => {
    const found = (await numbersIn(batchesOf(1000, undefined, { samples: 100 }))).flat();
    expect(new Set(found.map((number) => number % 10)).size).toBeGreaterThan(7);
    const other = (await numbersIn(batchesOf(1000, undefined, { samples: 100, seed: 1 }))).flat();
    expect(other).not.toEqual(found);
  });

  it.each<[number, number | undefined, BatchChoice, string, string]>([
    [
      9,
      4,
      { batch: 8 },
      'bad-option',
      '--batch is 8, but the model takes batches of 4 and no others; leave --batch out.',
    ],
    [9, 4, { samples: 3 }, 'bad-option', '--samples is 3, but the model takes batches of 4; give at least 4.'],
    [3, 4, {}, 'bad-data', 'The model takes batches of 4, but the calibration data have 3 samples; give at least 4.'],
    [
      3,
      4,
      { samples: 2 },
      'bad-data',
      'The model takes batches of 4, but the calibration data have 3 samples; give at least 4.',
    ],
    [
      0,
      undefined,
      {},
      'bad-data',
      'The model takes batches of 1, but the calibration data have 0 samples; give at least 1.',
    ],
  ])('of %i samples are refused where the model takes %s, for %j', (count, fixed, choice, code, message) => {
    expect(() => batchesOf(count, fixed, choice)).toThrow(expect.objectContaining({ code, message }));
  });
});
