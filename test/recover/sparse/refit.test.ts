import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { factorize, solve } from '../../../src/numeric/cholesky.ts';
import type { Layer, Mask } from '../../../src/recover/sparse/problem.ts';
import { refit } from '../../../src/recover/sparse/refit.ts';
import { applyMask } from '../../../src/recover/sparse/select-mask.ts';
import { createRandom } from '../../support/random.ts';
import { outputError, reluLayer } from './layers.ts';

const EXACT = { tolerance: 0, steps: 1000 };

function randomMask(length: number, seed: number): Mask {
  const random = createRandom(seed);
  return Uint8Array.from({ length }, () => random.below(2));
}

/** (H + λI)_SS ŵ_S = ((H + λI) w)_S for each row, by a factor of each row's own. */
function normalEquations({ weights, rows, columns, moment }: Layer, mask: Mask, damping: number): Float64Array {
  const h = (i: number, j: number): number => (moment[i * columns + j] ?? Number.NaN) + (i === j ? damping : 0);
  const out = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const base = row * columns;
    const support = Array.from({ length: columns }, (_, j) => j).filter((j) => mask[base + j] === 1);
    const matrix = Float64Array.from(support.flatMap((i) => support.map((j) => h(i, j))));
    const right = Float64Array.from(support, (i) => {
      let sum = 0;
      for (let j = 0; j < columns; j++) sum += h(i, j) * (weights[base + j] ?? Number.NaN);
      return sum;
    });
    const solution = solve(factorize(matrix, support.length, 0), right, 1);
    support.forEach((j, k) => {
      out[base + j] = solution[k] ?? Number.NaN;
    });
  }
  return out;
}

describe('a refit', () => {
  test('solves the normal equations of the weights that stay', () => {
    const shapes = fc.record({
      rows: fc.integer({ min: 1, max: 4 }),
      columns: fc.integer({ min: 1, max: 24 }),
      seed: fc.integer(),
      samples: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(shapes, (shape) => {
        const layer = reluLayer(shape);
        const mask = randomMask(layer.weights.length, shape.seed);
        let trace = 0;
        for (let j = 0; j < shape.columns; j++) trace += layer.moment[j * (shape.columns + 1)] ?? Number.NaN;
        fc.pre(trace > 1e-3);
        const damping = (0.05 * trace) / shape.columns;
        const wanted = normalEquations(layer, mask, damping);
        const found = refit(layer, layer.weights, mask, { ...EXACT, damping: 0.05 });
        // A row that gets worse without the damping is left alone.
        for (let row = 0; row < shape.rows; row++) {
          const [from, to] = [row * shape.columns, (row + 1) * shape.columns];
          const isStart = found
            .subarray(from, to)
            .every((weight, j) => weight === (mask[from + j] ? layer.weights[from + j] : 0));
          if (isStart) continue;
          const worst = Math.max(
            ...found.subarray(from, to).map((weight, j) => Math.abs(weight - (wanted[from + j] ?? 0))),
          );
          expect(worst).toBeLessThan(1e-5);
        }
      }),
    );
  });

  test('moves every row of a well-posed layer, and leaves what it is given alone', () => {
    const layer = reluLayer({ rows: 5, columns: 40, seed: 3 });
    const mask = randomMask(200, 4);
    const start = applyMask(layer.weights, mask);
    const [givenStart, givenMask, givenWeights] = [start.slice(), mask.slice(), layer.weights.slice()];
    const found = refit(layer, start, mask, EXACT);
    let trace = 0;
    for (let j = 0; j < 40; j++) trace += layer.moment[j * 41] ?? Number.NaN;
    const wanted = normalEquations(layer, mask, (0.01 * trace) / 40);
    expect(Math.max(...found.map((weight, i) => Math.abs(weight - (wanted[i] ?? Number.NaN))))).toBeLessThan(1e-8);
    expect([start, mask, layer.weights]).toEqual([givenStart, givenMask, givenWeights]);
    // Far from the start, so the comparison above says something.
    expect(outputError(layer, found)).toBeLessThan(0.5 * outputError(layer, start));
  });

  test('by default is within two percent of the best', () => {
    const layer = reluLayer({ rows: 8, columns: 90, seed: 5 });
    const mask = randomMask(720, 6);
    const [some, all] = [refit(layer, layer.weights, mask), refit(layer, layer.weights, mask, EXACT)];
    expect(outputError(layer, some)).toBeLessThan(1.02 * outputError(layer, all));
  });

  test('never is worse than what it begins with, whatever the damping', () => {
    const cases = fc.record({
      damping: fc.constantFrom(0, 1e-6, 0.01, 1, 100),
      steps: fc.integer({ min: 0, max: 30 }),
      seed: fc.integer(),
      samples: fc.integer({ min: 1, max: 30 }),
      near: fc.boolean(),
    });
    fc.assert(
      fc.property(cases, ({ damping, steps, seed, samples, near }) => {
        const layer = reluLayer({ rows: 3, columns: 12, seed, samples, dead: [1, 7] });
        const mask = randomMask(36, seed);
        const first = near
          ? refit(layer, layer.weights, mask, { ...EXACT, damping: 0 })
          : applyMask(layer.weights, mask);
        const second = refit(layer, first, mask, { damping, steps });
        const [before, after] = [outputError(layer, first), outputError(layer, second)];
        expect(after).toBeLessThanOrEqual(before + 1e-12 * outputError(layer, new Float64Array(36)));
        expect(second.every((weight, i) => mask[i] === 1 || weight === 0)).toBe(true);
      }),
    );
  });

  test('of a singular H without damping reaches zero where that can be reached', () => {
    // Two inputs that are always equal, and one that is always zero.
    const layer = {
      weights: Float64Array.of(1, 2, 5),
      rows: 1,
      columns: 3,
      moment: Float64Array.of(1, 1, 0, 1, 1, 0, 0, 0, 0),
    };
    const found = refit(layer, layer.weights, Uint8Array.of(1, 0, 1), { damping: 0 });
    expect(found[0]).toBeCloseTo(3, 12);
    expect([found[1], found[2]]).toEqual([0, 5]);
  });

  test('of a layer that reads nothing leaves the weights', () => {
    const layer = { weights: Float64Array.of(1, 2), rows: 1, columns: 2, moment: new Float64Array(4) };
    expect([...refit(layer, layer.weights, Uint8Array.of(0, 1))]).toEqual([0, 2]);
  });
});
