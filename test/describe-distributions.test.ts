import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { describeDistributions } from '../src/describe-distributions.ts';
import type { LayerDistribution } from '../src/report/distribution.ts';
import { RuntimeChild } from '../src/runtime/index.ts';
import { ModelBuilder } from './support/build.ts';
import type { ElementType } from './support/build-tensor.ts';
import { normalised } from './support/model-parts.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** What is said of a Conv of kernel 1 (or a MatMul, whose outputs lie along the last axis) with these weights. */
async function describeRows(
  rows: readonly (readonly number[])[],
  { operator = 'Conv', dtype = 'float32' }: { operator?: 'Conv' | 'MatMul'; dtype?: ElementType } = {},
): Promise<LayerDistribution | undefined> {
  const [outputs, inputs] = [rows.length, rows[0]?.length ?? 0];
  const isConv = operator === 'Conv';
  const b = new ModelBuilder({ dtype });
  const x = b.input('x', dtype, isConv ? ['N', inputs, 2, 2] : ['N', inputs]);
  const values = isConv ? rows.flat() : Array.from({ length: inputs }, (_, i) => rows.map((row) => row[i] ?? 0)).flat();
  const weight = b.initializer({
    name: 'w',
    dtype,
    dims: isConv ? [outputs, inputs, 1, 1] : [inputs, outputs],
    values,
  });
  b.output(b.node(operator, [x, weight], {}, { name: 'layer' }), dtype);
  const found = describeDistributions((await normalised(b.bytes(), child)).graph);
  expect(found.length).toBeLessThanOrEqual(1);
  return found[0];
}

function constantRows(outputs: number, inputs: number, valueAt: (row: number) => number): number[][] {
  return Array.from({ length: outputs }, (_, row) => new Array<number>(inputs).fill(valueAt(row)));
}

describe('the distribution of a weight', { timeout: 60_000 }, () => {
  test.each(['Conv', 'MatMul'] as const)('tells a channel of a %s that holds all top weights', async (operator) => {
    const rows = constantRows(10, 20, (row) => (row === 7 ? -4 : 1));
    const found = await describeRows(rows, { operator });
    expect(found).toMatchObject({ node: 'layer', initializer: 'w', weights: 200, zeros: 0, channels: 10 });
    expect(found?.topShare).toEqual([0, ...new Array<number>(10).fill(1)]);
    expect(found?.topGini).toBe(0.9);
    expect(found?.norms).toEqual([Number((4 * Math.sqrt(20)).toPrecision(6)), ...new Array<number>(9).fill(4.47214)]);
    expect(found?.magnitudes.most).toBe(4);
    expect(found?.magnitudes.counts.map((count, bin) => [bin, count]).filter(([, count]) => count !== 0)).toEqual([
      [10, 180],
      [39, 20],
    ]);
  });

  test('is even where all weights are as large, since ties are no channel’s alone', async () => {
    const found = await describeRows(constantRows(8, 5, (row) => (row % 2 === 0 ? 1 : -1)));
    expect(found?.topGini).toBe(0);
    expect(found?.topShare).toEqual(Array.from({ length: 9 }, (_, k) => k / 8));
  });

  test('says nothing of top weights where all are zero', async () => {
    const found = await describeRows(constantRows(4, 3, () => 0));
    expect(found).toMatchObject({ weights: 12, zeros: 12, norms: [0, 0, 0, 0], topShare: [0, 1], topGini: 0 });
    expect(found?.magnitudes).toEqual({ most: 0, counts: new Array<number>(40).fill(0) });
  });

  test('knows one channel, and half and double precision', async () => {
    expect(await describeRows([[1, -2, 0]])).toMatchObject({ channels: 1, zeros: 1, topShare: [0, 1], topGini: 0 });
    const rows = constantRows(4, 10, (row) => row / 4);
    for (const dtype of ['float16', 'float64'] as const)
      expect(await describeRows(rows, { operator: 'MatMul', dtype })).toEqual(
        await describeRows(rows, { operator: 'MatMul' }),
      );
  });

  test('leaves what is not finite out', async () => {
    expect(await describeRows([[1, Number.POSITIVE_INFINITY]])).toBeUndefined();
    expect(await describeRows([[1, Number.NaN]])).toBeUndefined();
  });

  test('lists some of many channels, the first and the last among them', async () => {
    const found = await describeRows(constantRows(300, 2, (row) => row + 1));
    expect(found?.channels).toBe(300);
    expect(found?.norms).toHaveLength(256);
    expect(found?.norms[0]).toBeCloseTo(300 * Math.SQRT2, 3);
    expect(found?.norms.at(-1)).toBeCloseTo(Math.SQRT2, 5);
    expect(found?.topShare).toHaveLength(65);
    expect([found?.topShare[0], found?.topShare.at(-1)]).toEqual([0, 1]);
  });

  test('agrees with what sorting finds', async () => {
    const rowsOf = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 2, max: 9 })).chain(([outputs, inputs]) =>
      fc.array(fc.array(fc.integer({ min: -5, max: 5 }), { minLength: inputs, maxLength: inputs }), {
        minLength: outputs,
        maxLength: outputs,
      }),
    );
    await fc.assert(
      fc.asyncProperty(rowsOf, async (rows) => {
        const found = await describeRows(rows);
        const sizes = rows.flat().map(Math.abs);
        const ranked = sizes.filter((size) => size > 0).sort((a, b) => b - a);
        const top = ranked.slice(0, Math.max(1, Math.round(sizes.length / 10)));
        const bound = top.at(-1) ?? 0;
        const tied = ranked.filter((size) => size === bound).length;
        const part = top.filter((size) => size === bound).length / tied;
        const held = rows
          .map((row) => row.reduce((sum, value) => sum + weigh(Math.abs(value), bound, part), 0))
          .sort((a, b) => b - a);
        const pairs = held.flatMap((a) => held.map((b) => Math.abs(a - b))).reduce((sum, each) => sum + each, 0);
        if (top.length > 0) {
          expect(found?.topGini).toBeCloseTo(pairs / (2 * rows.length * top.length), 4);
          expect(found?.topShare[1]).toBeCloseTo((held[0] ?? 0) / top.length, 4);
        }
        expect(found?.zeros).toBe(sizes.length - ranked.length);
        expect(found?.magnitudes.counts.reduce((sum, each) => sum + each, 0)).toBe(ranked.length);
        expect(found?.topShare).toEqual(found?.topShare.toSorted((a, b) => a - b));
      }),
      { numRuns: 30 },
    );
  });
});

function weigh(size: number, bound: number, part: number): number {
  if (size === 0) return 0;
  return size > bound ? 1 : Number(size === bound) * part;
}
