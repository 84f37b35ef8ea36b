import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type MeasuredLoss, throughMeasured } from '../../src/budget/through-measured.ts';

/** Ascending from 0. */
const curves = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 40 }).map((steps) => {
  let sum = 0;
  return Float64Array.from([0, ...steps], (step) => {
    sum += step;
    return sum;
  });
});
const measurements = fc.uniqueArray(
  fc.record({ gone: fc.integer({ min: 1, max: 40 }), loss: fc.double({ min: 0, max: 10, noNaN: true }) }),
  { selector: ({ gone }) => gone, maxLength: 4 },
);

function expectNear(found: Float64Array, wanted: readonly number[]): void {
  expect(found.length).toBe(wanted.length);
  wanted.forEach((each, i) => {
    expect(found[i]).toBeCloseTo(each, 12);
  });
}

function measuredOn(losses: Float64Array, list: readonly MeasuredLoss[]): MeasuredLoss[] {
  return list.filter(({ gone }) => gone < losses.length).sort((a, b) => a.gone - b.gone);
}

describe('a curve of losses through measured ones', () => {
  test('is the curve times a factor where one was measured', () => {
    const losses = Float64Array.of(0, 1, 3, 6, 10);
    expectNear(throughMeasured(losses, [{ gone: 2, loss: 0.3 }]), [0, 0.1, 0.3, 0.6, 1]);
  });

  test('grows between measured ones as the curve does, and keeps the last ratio behind them', () => {
    const losses = Float64Array.of(0, 1, 2, 3, 6, 12);
    const measured = [
      { gone: 2, loss: 4 },
      { gone: 4, loss: 6 },
    ];
    expectNear(throughMeasured(losses, measured), [0, 2, 4, 4.5, 6, 12]);
  });

  test('is the curve itself where nothing was measured', () => {
    const losses = Float64Array.of(0, 1, 3);
    expect([...throughMeasured(losses, [])]).toEqual([0, 1, 3]);
  });

  test('grows evenly to what was measured where the curve lies flat, and by the curve behind it', () => {
    const losses = Float64Array.of(0, 0, 0, 5);
    expectNear(throughMeasured(losses, [{ gone: 2, loss: 1 }]), [0, 0.5, 1, 6]);
  });

  test('starts at 0, never falls and goes through what was measured unless that falls', () => {
    fc.assert(
      fc.property(curves, measurements, (losses, list) => {
        const measured = measuredOn(losses, list);
        const curve = throughMeasured(losses, measured);
        expect(curve.length).toBe(losses.length);
        expect(curve[0]).toBe(0);
        for (let k = 1; k < curve.length; k++)
          expect(curve[k]).toBeGreaterThanOrEqual((curve[k - 1] as number) * (1 - 1e-12));
        let most = 0;
        for (const { gone, loss } of measured) {
          most = Math.max(most, loss);
          expect(curve[gone]).toBe(most);
        }
      }),
    );
  });
});
