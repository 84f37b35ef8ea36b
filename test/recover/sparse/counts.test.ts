import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Share } from '../../../src/recover/sparse/problem.ts';
import { dropLowest, selectMask } from '../../../src/recover/sparse/select-mask.ts';
import { type SparseMethod, solveSparse } from '../../../src/recover/sparse/solve.ts';
import { countZeros, reluLayer } from './layers.ts';

const METHODS: readonly SparseMethod[] = ['magnitude', 'wanda', 'sparsegpt', 'alps'];

const methods = fc.constantFrom<SparseMethod>(...METHODS);

/** Wide enough for more than one block of a sweep, now and then; with inputs that are always zero. */
const shapes = fc.record({
  rows: fc.integer({ min: 1, max: 5 }),
  columns: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 127, max: 140 })),
  seed: fc.integer({ min: 0, max: 2 ** 31 }),
  samples: fc.integer({ min: 1, max: 40 }),
  dead: fc.uniqueArray(fc.integer({ min: 0, max: 11 }), { maxLength: 4 }),
});

const FEW = { numRuns: 60 };

describe('amounts', () => {
  test('are exact, by any method', () => {
    fc.assert(
      fc.property(methods, shapes, fc.double({ min: 0, max: 1, noNaN: true }), (method, shape, part) => {
        const layer = reluLayer(shape);
        const zeros = Math.round(part * shape.rows * shape.columns);
        const { weights, error } = solveSparse(method, { ...layer, share: { kind: 'amount', zeros, per: 'layer' } });
        expect(countZeros(weights)).toBe(zeros);
        expect(weights.every(Number.isFinite)).toBe(true);
        expect(error).toBeGreaterThanOrEqual(0);
      }),
      FEW,
    );
  });

  test('of rows differ by one at most', () => {
    fc.assert(
      fc.property(methods, shapes, fc.double({ min: 0, max: 1, noNaN: true }), (method, shape, part) => {
        const { rows, columns } = shape;
        const zeros = Math.round(part * rows * columns);
        const problem = { ...reluLayer(shape), share: { kind: 'amount', zeros, per: 'row' } } as const;
        const { weights } = solveSparse(method, problem);
        const counts = Array.from({ length: rows }, (_, row) => {
          return countZeros(weights.subarray(row * columns, (row + 1) * columns));
        });
        expect(countZeros(weights)).toBe(zeros);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
      FEW,
    );
  });

  test.each(METHODS)('take inputs that are always zero first, by %s', (method) => {
    const dead = [3, 5, 131, 139];
    // Magnitudes know nothing of inputs: their weights there are the smallest.
    const layer = reluLayer({ rows: 6, columns: 140, seed: 4, dead });
    if (method === 'magnitude')
      for (let row = 0; row < 6; row++) for (const j of dead) layer.weights[row * 140 + j] = 1e-6;
    const of = (zeros: number): Float64Array => {
      return solveSparse(method, { ...layer, share: { kind: 'amount', zeros, per: 'layer' } }).weights;
    };
    const isDead = (i: number): boolean => dead.includes(i % 140);
    expect(of(24).every((weight, i) => (weight === 0) === isDead(i))).toBe(true);
    expect(of(300).every((weight, i) => weight === 0 || !isDead(i))).toBe(true);
    // Fewer than there are: the others stay as they were.
    const some = of(10);
    expect(countZeros(some)).toBe(10);
    expect(
      some.every((weight, i) => Math.abs(weight - (layer.weights[i] ?? 0)) < 1e-9 || (weight === 0 && isDead(i))),
    ).toBe(true);
  });
});

/** Most weights of a group that are not zero, where groups are `of` channels at one kernel position. */
function fullest(weights: Float64Array, rows: number, columns: number, of: number, inner: number): number {
  let most = 0;
  for (let row = 0; row < rows; row++) {
    for (let channel = 0; channel < columns / inner; channel += of) {
      for (let position = 0; position < inner; position++) {
        let count = 0;
        for (let k = 0; k < of; k++) {
          count += Number(weights[row * columns + (channel + k) * inner + position] !== 0);
        }
        most = Math.max(most, count);
      }
    }
  }
  return most;
}

const patterns = fc
  .record({
    of: fc.integer({ min: 1, max: 6 }),
    groups: fc.integer({ min: 1, max: 5 }),
    inner: fc.integer({ min: 1, max: 5 }),
  })
  .chain(({ of, groups, inner }) =>
    fc.record({
      of: fc.constant(of),
      groups: fc.constant(groups),
      inner: fc.constant(inner),
      keep: fc.integer({ min: 0, max: of }),
    }),
  );

describe('patterns', () => {
  test('hold along the channels at every kernel position, by any method', () => {
    fc.assert(
      fc.property(methods, patterns, fc.integer(), (method, { of, groups, inner, keep }, seed) => {
        const [rows, columns] = [3, of * groups * inner];
        const share: Share = { kind: 'pattern', keep, of, inner };
        const { weights } = solveSparse(method, { ...reluLayer({ rows, columns, seed }), share });
        expect(fullest(weights, rows, columns, of, inner)).toBeLessThanOrEqual(keep);
        expect(countZeros(weights)).toBe((rows * columns * (of - keep)) / of);
      }),
      FEW,
    );
  });

  test.each(METHODS)('at kernel positions are those of columns laid out so, by %s', (method) => {
    const [rows, channels, inner] = [4, 16, 9];
    const columns = channels * inner;
    const layer = reluLayer({ rows, columns, seed: 8 });
    const norms = Float64Array.from({ length: columns }, (_, j) => 1 + (layer.moment[j * columns + j] ?? 0));
    // Position outer, channel inner.
    const order = Array.from({ length: columns }, (_, i) => (i % channels) * inner + Math.floor(i / channels));
    const pick = (values: Float64Array, from: number): number[] => order.map((j) => values[from + j] ?? Number.NaN);
    const inOrder = (weights: Float64Array): Float64Array => {
      return Float64Array.from([0, 1, 2, 3].flatMap((row) => pick(weights, row * columns)));
    };
    const moved = {
      rows,
      columns,
      weights: inOrder(layer.weights),
      moment: Float64Array.from(order.flatMap((j) => pick(layer.moment, j * columns))),
      norms: Float64Array.from(pick(norms, 0)),
    };
    const pattern = { kind: 'pattern', keep: 2, of: 4 } as const;
    const conv = solveSparse(method, { ...layer, norms, share: { ...pattern, inner } });
    const flat = solveSparse(method, { ...moved, share: { ...pattern, inner: 1 } });
    expect(inOrder(conv.weights)).toEqual(flat.weights);
    expect(conv.error).toBeCloseTo(flat.error, 12);
  });
});

describe('selection', () => {
  test('is that of sorting, of equal scores the last leave first', () => {
    const scores = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(scores, fc.nat(), (values, some) => {
        const count = some % (values.length + 1);
        const order = values.map((_, i) => i).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0) || b - a);
        const wanted = values.map(() => 1);
        for (const i of order.slice(0, count)) wanted[i] = 0;
        const mask = new Uint8Array(values.length).fill(1);
        dropLowest(Float64Array.from(values), count, mask);
        expect([...mask]).toEqual(wanted);
        // One group is the same thing.
        const share = { kind: 'pattern', keep: values.length - count, of: values.length, inner: 1 } as const;
        expect([...selectMask(Float64Array.from(values), 1, values.length, share)]).toEqual(wanted);
      }),
    );
  });

  test('refuses what cannot be had, and arrays of other sizes', () => {
    const layer = reluLayer({ rows: 2, columns: 6, seed: 1 });
    const solve =
      (share: Share, other: object = {}) =>
      () =>
        solveSparse('wanda', { ...layer, share, ...other });
    expect(solve({ kind: 'amount', zeros: 13, per: 'layer' })).toThrow('zeros: expected a whole number from 0 to 12');
    expect(solve({ kind: 'amount', zeros: 1.5, per: 'layer' })).toThrow('found 1.5');
    expect(solve({ kind: 'pattern', keep: 2, of: 4, inner: 1 })).toThrow('6 columns are not whole groups of 4');
    expect(solve({ kind: 'pattern', keep: 3, of: 2, inner: 1 })).toThrow('expected 0 ≤ keep ≤ of');
    const one: Share = { kind: 'amount', zeros: 1, per: 'layer' };
    expect(solve(one, { rows: 3 })).toThrow('weights: expected 18 numbers, found 12.');
    expect(solve(one, { moment: new Float64Array(6) })).toThrow('moment: expected 36 numbers, found 6.');
    expect(() => solveSparse('wanda', { ...layer, share: one }, { check: new Float64Array(1) })).toThrow(
      'check: expected 36',
    );
    expect(solve(one, { norms: new Float64Array(5) })).toThrow('norms: expected 6 numbers, found 5.');
  });
});
