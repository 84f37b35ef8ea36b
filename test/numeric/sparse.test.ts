import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countStored, gatherStored, scatterStored } from '../../src/numeric/sparse.ts';

const seed = Number(process.env['ONNX_PRUNE_SEED'] ?? 1);

/** Data of elements of which many are zero, some of those with one bit only, at any place in their buffer. */
const anyData = fc
  .record({ width: fc.constantFrom(1, 2, 4, 8, 16), count: fc.integer({ min: 0, max: 40 }), shift: fc.nat({ max: 3 }) })
  .chain(({ width, count, shift }) =>
    fc.record({
      width: fc.constant(width),
      shift: fc.constant(shift),
      elements: fc.array(
        fc.oneof(
          fc.constant(new Uint8Array(width)),
          fc.uint8Array({ minLength: width, maxLength: width }),
          fc.nat({ max: width - 1 }).map((at) => new Uint8Array(width).fill(128, at, at + 1)),
        ),
        { minLength: count, maxLength: count },
      ),
    }),
  );

function joined(elements: readonly Uint8Array[], shift: number): Uint8Array {
  const bytes = Buffer.concat(elements);
  const placed = new Uint8Array(bytes.length + shift).subarray(shift);
  placed.set(bytes);
  return placed;
}

describe('elements that have any bit set', () => {
  test('are gathered in order with their places, and scattered back to the same bytes', () => {
    const property = fc.property(anyData, ({ width, shift, elements }) => {
      const dense = joined(elements, shift);
      const places = [...elements.keys()].filter((i) => elements[i]?.some((byte) => byte !== 0));
      expect(countStored(dense, width)).toBe(places.length);
      const { indices, values } = gatherStored(dense, width, places.length);
      expect([...new BigInt64Array(indices.slice().buffer)].map(Number)).toEqual(places);
      expect([...values]).toEqual(places.flatMap((i) => [...(elements[i] ?? [])]));
      const back = scatterStored(Float64Array.from(places), joined([values], shift), width, elements.length);
      expect([...back]).toEqual([...dense]);
    });
    fc.assert(property, { seed, numRuns: 300, includeErrorInReport: true });
  });

  test('include -0 and NaN, whose bits come through', () => {
    const words = Uint32Array.of(0, 0x80000000, 0x7fa00001, 0);
    const bytes = new Uint8Array(words.buffer);
    expect(countStored(bytes, 4)).toBe(2);
    const { values } = gatherStored(bytes, 4, 2);
    expect([...scatterStored(Float64Array.of(1, 2), values, 4, 4)]).toEqual([...bytes]);
  });

  test('are scattered in whatever order they come', () => {
    expect([...scatterStored(Float64Array.of(3, 0), Uint8Array.of(7, 9), 1, 5)]).toEqual([9, 0, 0, 7, 0]);
  });
});
