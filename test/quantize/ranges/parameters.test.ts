import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Levels, type Quantizer, uint8Quantizer, within } from '../../../src/quantize/ranges/parameters.ts';
import type { Range } from '../../../src/quantize/ranges/range.ts';

const LEAST_NORMAL = 2 ** -126;

/** Ends of any magnitude, subnormal float32 ones included. */
const ends = fc.oneof(
  fc.constant(0),
  fc.double({ min: 0, max: 100, noNaN: true }),
  fc.integer({ min: -150, max: 125 }).map((power) => 1.7 * 2 ** power),
);
const ranges: fc.Arbitrary<Range> = fc.tuple(ends, ends).map(([low, most]) => ({ least: 0 - low, most }));
const levelCounts = fc.constantFrom<Levels>(256, 128);

function isSound(quantizer: Quantizer, levels: Levels): void {
  const { scale, zeroPoint, least, most, lowest, highest } = quantizer;
  expect(scale).toBe(Math.fround(scale));
  expect(scale).toBeGreaterThanOrEqual(LEAST_NORMAL);
  expect([lowest, highest]).toEqual([0, levels - 1]);
  expect(Number.isInteger(zeroPoint) && zeroPoint >= lowest && zeroPoint <= highest).toBe(true);
  expect(least).toBe(Math.fround((lowest - zeroPoint) * scale) + 0);
  expect(most).toBe(Math.fround((highest - zeroPoint) * scale));
}

describe('quantizers to uint8', () => {
  test('of ranges known by heart', () => {
    expect(uint8Quantizer({ least: 0, most: 255 })).toEqual({
      scale: 1,
      zeroPoint: 0,
      least: 0,
      most: 255,
      lowest: 0,
      highest: 255,
    });
    expect(uint8Quantizer({ least: -1, most: 2 })).toMatchObject({ scale: Math.fround(3 / 255), zeroPoint: 85 });
    expect(uint8Quantizer({ least: -127, most: 0 }, 128)).toMatchObject({ scale: 1, zeroPoint: 127, least: -127 });
    // Zero is forced inside.
    expect(uint8Quantizer({ least: 2, most: 51 })).toMatchObject({ scale: Math.fround(0.2), zeroPoint: 0 });
    expect(uint8Quantizer({ least: -51, most: -2 })).toMatchObject({ scale: Math.fround(0.2), zeroPoint: 255 });
  });

  test.each([0, 2 ** -149, 2 ** -120])('of [0, %d], too short for a normal scale, have scale 1', (most) => {
    expect(uint8Quantizer({ least: 0, most })).toMatchObject({ scale: 1, zeroPoint: 0, least: 0, most: 255 });
    expect(uint8Quantizer({ least: -most, most: 0 })).toMatchObject({ scale: 1, zeroPoint: 0 });
  });

  test('lie within half a step of the range, with zero exact and at the end of one-sided ranges', () => {
    fc.assert(
      fc.property(ranges, levelCounts, (range, levels) => {
        const quantizer = uint8Quantizer(range, levels);
        isSound(quantizer, levels);
        if ((range.most - range.least) / (levels - 1) < LEAST_NORMAL * 1.001) return;
        const { scale, zeroPoint, least, most } = quantizer;
        if (range.least === 0) expect([zeroPoint, least]).toEqual([0, 0]);
        if (range.most === 0) expect([zeroPoint, most]).toEqual([levels - 1, 0]);
        expect(Math.abs(least - range.least)).toBeLessThanOrEqual(0.5001 * scale);
        expect(Math.abs(most - range.most)).toBeLessThanOrEqual(0.5001 * scale);
      }),
    );
  });
});

describe('quantizers within the bounds of a Clip', () => {
  const RELU6 = { least: 0, most: 6 };

  test('of Relu6 end at 6, rounded down', () => {
    const quantizer = within({ least: 0, most: 6 }, RELU6);
    expect(quantizer?.most).toBeLessThanOrEqual(6);
    expect(quantizer?.most).toBeCloseTo(6, 5);
    // The numbers before the Clip may be known instead of those behind it.
    expect(within({ least: -3, most: 9 }, RELU6)).toEqual(quantizer);
  });

  test('of a range that lies inside are the ordinary ones but for rounding', () => {
    const [ordinary, inside] = [uint8Quantizer({ least: 0, most: 4 }), within({ least: 0, most: 4 }, RELU6)];
    expect(inside?.zeroPoint).toBe(ordinary.zeroPoint);
    expect(inside?.scale).toBeCloseTo(ordinary.scale, 8);
  });

  test('of a bound just below zero give up the numbers there rather than half of those above', () => {
    const bounds = { least: -0.6 / 255, most: 1 };
    expect(within(bounds, bounds)).toMatchObject({ zeroPoint: 0, least: 0 });
  });

  test('do not exist where the bounds leave no room', () => {
    expect(within({ least: 0, most: 4 }, { least: 1, most: 6 })).toBeUndefined();
    expect(within({ least: -4, most: 0 }, RELU6)).toBeUndefined();
    expect(within({ least: 0, most: 0 }, RELU6)).toBeUndefined();
  });

  test('never leave the bounds in float32, and keep almost all of the range', () => {
    const bounds = fc.oneof(ranges, fc.constant({ least: 0, most: Number.POSITIVE_INFINITY }));
    fc.assert(
      fc.property(ranges, bounds, levelCounts, (range, limits, levels) => {
        const quantizer = within(range, limits, levels);
        if (quantizer === undefined) return;
        isSound(quantizer, levels);
        expect(quantizer.least).toBeGreaterThanOrEqual(limits.least);
        expect(quantizer.most).toBeLessThanOrEqual(limits.most);
        const least = Math.max(range.least, limits.least);
        const most = Math.min(range.most, limits.most);
        // The zero point may be off by a step, of which the ends lose no more than one each.
        expect(quantizer.least).toBeLessThanOrEqual(least + 1.02 * quantizer.scale);
        expect(quantizer.most).toBeGreaterThanOrEqual(most - 1.02 * quantizer.scale);
      }),
      { numRuns: 1000 },
    );
  });
});
