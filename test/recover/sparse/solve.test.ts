import { describe, expect, test } from 'vitest';
import { relativeError } from '../../../src/recover/sparse/error.ts';
import type { Mask, Share } from '../../../src/recover/sparse/problem.ts';
import { refit } from '../../../src/recover/sparse/refit.ts';
import { type SparseMethod, type SparseOptions, solveSparse } from '../../../src/recover/sparse/solve.ts';
import { countZeros, outputError, reluLayer, type TestLayer } from './layers.ts';

const METHODS: readonly SparseMethod[] = ['magnitude', 'wanda', 'sparsegpt', 'alps'];
const DATA: readonly SparseMethod[] = ['wanda', 'sparsegpt', 'alps'];

const amount = (layer: TestLayer, part: number): Share => {
  return { kind: 'amount', zeros: Math.round(part * layer.weights.length), per: 'layer' };
};

/** The lowest error of all masks with so many zeros, each with the weights that are best for it. */
function best(layer: TestLayer, zeros: number): number {
  const { length } = layer.weights;
  let lowest = Number.POSITIVE_INFINITY;
  for (let bits = 0; bits < 2 ** length; bits++) {
    const mask: Mask = Uint8Array.from({ length }, (_, i) => (bits >> i) & 1);
    if (length - mask.reduce((sum, stays) => sum + stays, 0) !== zeros) continue;
    const weights = refit(layer, layer.weights, mask, { damping: 1e-9, tolerance: 0, steps: 100 });
    lowest = Math.min(lowest, relativeError(layer, weights));
  }
  return lowest;
}

describe('of tiny layers', () => {
  test('errors are near that of the best of all masks, each with weights of its own', () => {
    const seeds = Array.from({ length: 12 }, (_, seed) => seed);
    const sums = new Map<SparseMethod, number>();
    for (const seed of seeds) {
      const layer = reluLayer({ rows: 1, columns: 8, seed });
      const lowest = best(layer, 4);
      for (const method of METHODS) {
        const { error } = solveSparse(method, { ...layer, share: amount(layer, 0.5) }, { refit: { damping: 1e-9 } });
        expect(error).toBeGreaterThanOrEqual(lowest * (1 - 1e-6));
        sums.set(method, (sums.get(method) ?? 0) + Math.log(error / lowest) / seeds.length);
      }
    }
    const [magnitude = 0, wanda = 0, sparsegpt = 0, alps = 0] = METHODS.map((method) =>
      Math.exp(sums.get(method) ?? 0),
    );
    // On average, so many times the lowest error.
    expect(alps).toBeLessThan(1.5);
    expect(sparsegpt).toBeLessThan(2);
    expect(wanda).toBeLessThan(3);
    expect(Math.max(alps, sparsegpt, wanda)).toBeLessThan(magnitude);
  });

  test('with independent inputs, all but magnitudes find the best, and change nothing else', () => {
    const weights = Float64Array.of(1, -2, 3, 0.5, 4, -1);
    const squares = [9, 1, 0.01, 4, 0.04, 25];
    const moment = new Float64Array(36);
    squares.forEach((square, j) => {
      moment[j * 7] = square;
    });
    // w²·H: 9, 4, 0.09, 1, 0.64, 25.
    const wanted = [1, -2, 0, 0, 0, -1];
    for (const method of DATA) {
      const share: Share = { kind: 'amount', zeros: 3, per: 'layer' };
      const { weights: found, error } = solveSparse(method, { weights, rows: 1, columns: 6, moment, share });
      found.forEach((weight, j) => {
        expect(weight, method).toBeCloseTo(wanted[j] ?? Number.NaN, 9);
      });
      expect(error).toBeCloseTo(1.73 / 39.73, 9);
    }
  });
});

describe('of correlated inputs behind a ReLU', () => {
  const layers = [0, 1, 2, 3].map((seed) => reluLayer({ rows: 16, columns: 128, seed }));
  const layer = reluLayer({ rows: 16, columns: 160, seed: 11 });
  const shares: readonly (readonly [string, Share])[] = [
    ['50%', { kind: 'amount', zeros: 1024, per: 'layer' }],
    ['70%', { kind: 'amount', zeros: 1434, per: 'layer' }],
    ['90%', { kind: 'amount', zeros: 1843, per: 'layer' }],
    ['2:4', { kind: 'pattern', keep: 2, of: 4, inner: 1 }],
  ];
  const steps: readonly (readonly [SparseMethod, SparseOptions])[] = [
    ['alps', { refit: { damping: 0.01 } }],
    ['sparsegpt', { refit: { damping: 0.01 } }],
    ['wanda', { refit: { damping: 0.01 } }],
    ['wanda', { refit: false }],
    ['magnitude', { refit: false }],
  ];

  test.each(shares)('errors at %s are in the order that is known, by samples seen and held out', (_, share) => {
    const [seen, heldOut] = [steps.map(() => 0), steps.map(() => 0)];
    for (const each of layers) {
      steps.forEach(([method, options], i) => {
        const { error, checkError } = solveSparse(method, { ...each, share }, { ...options, check: each.check });
        seen[i] = (seen[i] ?? 0) + error;
        heldOut[i] = (heldOut[i] ?? 0) + checkError;
      });
    }
    for (const errors of [seen, heldOut]) {
      expect(errors).toEqual([...errors].sort((a, b) => a - b));
      // The choice of weights is worth a good part, the refit a multiple.
      expect(errors[0]).toBeLessThan(0.95 * (errors[2] ?? 0));
      expect(errors[2]).toBeLessThan(0.75 * (errors[3] ?? 0));
    }
  });

  test('refitting helps every method, and errors are those of the weights', () => {
    for (const method of METHODS) {
      const problem = { ...layer, share: amount(layer, 0.6) };
      const [plain, fitted] = [solveSparse(method, problem, { refit: false }), solveSparse(method, problem)];
      expect(fitted.error).toBeLessThanOrEqual(plain.error);
      const whole = outputError(layer, new Float64Array(layer.weights.length));
      for (const { weights, error } of [plain, fitted])
        expect(error).toBeCloseTo(outputError(layer, weights) / whole, 10);
    }
  });

  test('are the same bits again, and nothing given is written to', () => {
    const copies = [layer.weights.slice(), layer.moment.slice()];
    for (const method of METHODS) {
      const problem = { ...layer, share: amount(layer, 0.6) };
      expect(solveSparse(method, problem).weights).toEqual(solveSparse(method, problem).weights);
    }
    expect([layer.weights, layer.moment]).toEqual(copies);
  });

  test.each(METHODS)('weights that are zero often enough stay as they are, by %s', (method) => {
    const weights = layer.weights.map((weight, i) => (i % 5 < 3 ? 0 : weight));
    const { error, weights: found } = solveSparse(method, { ...layer, weights, share: amount(layer, 0.5) });
    expect(error).toBeLessThan(1e-20);
    expect(Math.max(...found.map((weight, i) => Math.abs(weight - (weights[i] ?? Number.NaN))))).toBeLessThan(1e-9);
  });

  test('the squares given are what the criterion of Wanda goes by', () => {
    const norms = Float64Array.from({ length: 160 }, (_, j) => (j < 80 ? 0 : 1));
    const { weights } = solveSparse('wanda', { ...layer, norms, share: amount(layer, 0.5) });
    expect(weights.every((weight, i) => (weight === 0) === i % 160 < 80)).toBe(true);
  });
});

describe('the best', () => {
  test('is that of the method with the lowest error', () => {
    const layer = reluLayer({ rows: 8, columns: 64, seed: 2 });
    const problem = { ...layer, share: amount(layer, 0.7) };
    const found = solveSparse('best', problem);
    const errors = DATA.map((method) => solveSparse(method, problem).error);
    expect(found.error).toBe(Math.min(...errors));
    expect(found.checkError).toBe(found.error);
    expect(DATA[errors.indexOf(found.error)]).toBe(found.method);
    expect(solveSparse('best', problem, { alpsLimit: 63 }).method).not.toBe('alps');
  });

  test('is chosen by samples held out where there are some', () => {
    // Fewer samples than inputs: what fits them best is not what fits others best.
    const layer = reluLayer({ rows: 8, columns: 96, seed: 2, samples: 48 });
    const problem = { ...layer, share: amount(layer, 0.5) };
    const [seen, unseen] = [solveSparse('best', problem), solveSparse('best', problem, { check: layer.check })];
    expect(unseen.checkError).toBeCloseTo(relativeError(layer, unseen.weights, layer.check), 12);
    expect(unseen.checkError).toBeLessThan(relativeError(layer, seen.weights, layer.check));
    expect(unseen.error).toBeGreaterThan(seen.error);
  });

  test('of a convolution is chosen by samples in the order of its columns', () => {
    const layer = reluLayer({ rows: 4, columns: 72, seed: 9 });
    const share: Share = { kind: 'pattern', keep: 2, of: 4, inner: 9 };
    const { weights, checkError } = solveSparse('best', { ...layer, share }, { check: layer.check });
    expect(checkError).toBeCloseTo(relativeError(layer, weights, layer.check), 12);
  });
});

describe('H that is not definite', () => {
  test.each(METHODS)('of one sample, of constants and of nothing is no obstacle to %s', (method) => {
    for (const moment of [
      new Float64Array(64),
      new Float64Array(64).fill(2),
      reluLayer({ rows: 1, columns: 8, seed: 1, samples: 1 }).moment,
    ]) {
      const { weights } = reluLayer({ rows: 3, columns: 8, seed: 5 });
      const share: Share = { kind: 'amount', zeros: 11, per: 'layer' };
      const found = solveSparse(method, { weights, rows: 3, columns: 8, moment, share });
      expect(countZeros(found.weights)).toBe(11);
      expect(found.weights.every(Number.isFinite)).toBe(true);
      // One dimension is all that there is to get right, and one weight of a row can.
      expect(found.error).toBeLessThan(0.01);
    }
  });
});
