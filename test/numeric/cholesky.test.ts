import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OnnxPruneError } from '../../src/errors.ts';
import { type Factor, factorize, inverse, solve, solveRows, upperOfInverse } from '../../src/numeric/cholesky.ts';
import { differenceOf, identity, multiply, randomMoments, randomRows } from '../support/dense.ts';

/** Around the sizes of tiles (2, 4), blocks (32), strips (64) and packets of the depth (256). */
const SIZES = [1, 2, 3, 4, 5, 31, 32, 33, 63, 64, 65, 97, 130, 290];

const sizes = fc.integer({ min: 1, max: 70 });
const seeds = fc.integer({ min: 0, max: 2 ** 31 });

function transposed(matrix: Float64Array, rows: number, columns: number): Float64Array {
  return Float64Array.from(
    { length: rows * columns },
    (_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)] ?? 0,
  );
}

function damped(matrix: Float64Array, n: number, damping: number): Float64Array {
  return matrix.map((each, i) => (i % (n + 1) === 0 ? each + damping : each));
}

/** L·Lᵀ. */
function restored({ lower, n }: Factor): Float64Array {
  return multiply(lower, transposed(lower, n, n), n, n, n);
}

function hilbert(n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, i) => 1 / (Math.floor(i / n) + (i % n) + 1));
}

describe('factorize', () => {
  test('gives the factor that a textbook has', () => {
    const { lower, damping, attempts } = factorize(Float64Array.of(4, 12, -16, 12, 37, -43, -16, -43, 98), 3, 0);
    expect([...lower]).toEqual([2, 0, 0, 6, 1, 0, -8, 5, 3]);
    expect({ damping, attempts }).toEqual({ damping: 0, attempts: 1 });
  });

  test.each(SIZES)('reproduces a matrix of size %i', (n) => {
    const matrix = randomMoments(n, n + 10, n);
    const factor = factorize(matrix, n, 0.25);
    expect(factor).toMatchObject({ n, damping: 0.25, attempts: 1 });
    expect(differenceOf(restored(factor), damped(matrix, n, 0.25))).toBeLessThan(1e-13);
    for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) expect(factor.lower[i * n + j]).toBe(0);
  });

  test('reproduces any matrix of moments plus what it says it added', () => {
    fc.assert(
      fc.property(sizes, sizes, seeds, fc.double({ min: 0, max: 2, noNaN: true }), (n, samples, seed, damping) => {
        // Fewer samples than features make it singular.
        const matrix = randomMoments(n, samples, seed);
        const factor = factorize(matrix, n, damping);
        expect(factor.damping).toBeGreaterThanOrEqual(damping);
        expect(differenceOf(restored(factor), damped(matrix, n, factor.damping))).toBeLessThan(1e-12);
      }),
      { numRuns: 50 },
    );
  });

  test('reads the lower triangle only and leaves the matrix alone', () => {
    const matrix = Float64Array.of(4, Number.NaN, 2, 5);
    expect([...factorize(matrix, 2, 0).lower]).toEqual([2, 0, 1, 2]);
    expect([...matrix]).toEqual([4, Number.NaN, 2, 5]);
  });

  test('takes an array that is longer than the matrix, and none at all', () => {
    expect([...factorize(Float64Array.of(9, 7, 7), 1, 0).lower]).toEqual([3]);
    expect(factorize(new Float64Array(0), 0, 0)).toMatchObject({ damping: 0, attempts: 1 });
  });

  test('takes the Hilbert matrix of 12 rows as it is, since its pivots are more than rounding', () => {
    const factor = factorize(hilbert(12), 12, 0);
    expect(factor).toMatchObject({ damping: 0, attempts: 1 });
    expect(differenceOf(restored(factor), hilbert(12))).toBeLessThan(1e-15);
  });

  test('damps the Hilbert matrix of 20 rows, whose pivots vanish in rounding, and says by how much', () => {
    const matrix = hilbert(20);
    const factor = factorize(matrix, 20, 0);
    expect(factor.attempts).toBe(2);
    const mean = matrix.reduce((sum, each, i) => (i % 21 === 0 ? sum + each : sum), 0) / 20;
    expect(factor.damping).toBeCloseTo(1e-12 * mean, 20);
    expect(differenceOf(restored(factor), damped(matrix, 20, factor.damping))).toBeLessThan(1e-15);
  });

  test('does not mind features of very different scales', () => {
    const matrix = Float64Array.of(1e12, 0, 0, 0, 1e-12, 0, 0, 0, 1);
    expect(factorize(matrix, 3, 0)).toMatchObject({ damping: 0, attempts: 1 });
  });

  test('damps equal channels', () => {
    const rows = randomRows(8, 40, 3);
    rows.copyWithin(7 * 40, 2 * 40, 3 * 40);
    const matrix = multiply(rows, transposed(rows, 8, 40), 8, 40, 8);
    const factor = factorize(matrix, 8, 0);
    expect(factor.attempts).toBeGreaterThan(1);
    expect(factor.damping).toBeLessThan(1e-9);
    expect(factor.damping).toBeGreaterThan(0);
    expect(differenceOf(restored(factor), damped(matrix, 8, factor.damping))).toBeLessThan(1e-12);
  });

  test('raises a damping that is not enough tenfold', () => {
    // The eigenvalues are 3 and -1.
    const factor = factorize(Float64Array.of(1, 2, 2, 1), 2, 0.5);
    expect(factor).toMatchObject({ damping: 5, attempts: 2 });
    // From 1e-12 on; 1 would leave a pivot of zero.
    const grown = factorize(Float64Array.of(1, 2, 2, 1), 2, 0);
    expect(grown.damping).toBeCloseTo(10, 10);
    expect(grown.attempts).toBe(15);
  });

  test('damps the zero matrix, whose solutions are finite then', () => {
    const factor = factorize(new Float64Array(9), 3, 0);
    expect(factor).toMatchObject({ damping: 1e-12, attempts: 2 });
    expect([...solve(factor, new Float64Array(3), 1)]).toEqual([0, 0, 0]);
    expect(inverse(factor).every(Number.isFinite)).toBe(true);
    expect(factorize(new Float64Array(9), 3, 4)).toMatchObject({ damping: 4, attempts: 1 });
  });

  test.each([
    ['a diagonal of zeros', [0, 1, 1, 0]],
    ['negative numbers', [-3, 0, 0, -3]],
    ['denormal numbers', [0, 0, 0, 5e-324]],
    ['huge numbers', [1e300, 1e300, 1e300, 1e300]],
  ])('ends with %s', (_, elements) => {
    const { lower, damping } = factorize(Float64Array.from(elements), 2, 0);
    expect(damping).toBeGreaterThan(0);
    expect(lower.every(Number.isFinite)).toBe(true);
  });

  test.each([Number.NaN, Infinity])('refuses %d and says where it is', (bad) => {
    const matrix = Float64Array.of(1, 0, 0, bad);
    expect(() => factorize(matrix, 2, 0)).toThrow(OnnxPruneError);
    expect(() => factorize(matrix, 2, 0)).toThrow(`has ${bad} in row 1, column 1`);
  });

  test('refuses what no damping helps', () => {
    expect(() => factorize(Float64Array.of(1, 1.7e308, 1.7e308, 1), 2, 0)).toThrow('which overflow');
  });

  test.each([-1, Number.NaN, Infinity])('refuses a damping of %d', (damping) => {
    expect(() => factorize(Float64Array.of(1), 1, damping)).toThrow('has to be a finite number from 0 on');
  });
});

describe('solve', () => {
  test('gives a solution known beforehand', () => {
    const factor = factorize(Float64Array.of(4, 2, 2, 3), 2, 0);
    const solution = solve(factor, Float64Array.of(8, 2, 8, 3), 2);
    // Columns (1, 2) and (0, 1).
    expect(differenceOf(solution, Float64Array.of(1, 0, 2, 1))).toBeLessThan(1e-15);
  });

  test.each(SIZES)('leaves no residual at size %i', (n) => {
    const matrix = randomMoments(n, 2 * n, n);
    const right = randomRows(n, 5, n + 1);
    const before = right.slice();
    const solution = solve(factorize(matrix, n, 0.1), right, 5);
    expect(differenceOf(multiply(damped(matrix, n, 0.1), solution, n, n, 5), right)).toBeLessThan(1e-12);
    expect(right).toEqual(before);
  });

  test('gives what solving for rows gives', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 9 }), seeds, (n, columns, seed) => {
        const factor = factorize(randomMoments(n, n, seed), n, 0.5);
        const right = randomRows(n, columns, seed + 1);
        const rows = transposed(right, n, columns);
        solveRows(factor, rows, columns);
        expect(transposed(rows, columns, n)).toEqual(solve(factor, right, columns));
        expect(
          differenceOf(multiply(restored(factor), transposed(rows, columns, n), n, n, columns), right),
        ).toBeLessThan(1e-11);
      }),
      { numRuns: 30 },
    );
  });
});

describe('inverse', () => {
  test.each(SIZES)('times the matrix is the identity at size %i', (n) => {
    const matrix = randomMoments(n, 2 * n, n);
    const inverted = inverse(factorize(matrix, n, 0.1));
    expect(differenceOf(multiply(inverted, damped(matrix, n, 0.1), n, n, n), identity(n))).toBeLessThan(1e-11);
    expect(inverted).toEqual(transposed(inverted, n, n));
  });
});

describe('upperOfInverse', () => {
  test('gives a factor known beforehand', () => {
    // The inverse of diag(4, 1/9) with a corner: R = [[2, 1], [0, 1/3]], so that U = [[1/2, -3/2], [0, 3]].
    const factor = factorize(Float64Array.of(5, 1 / 3, 1 / 3, 1 / 9), 2, 0);
    expect(differenceOf(upperOfInverse(factor), Float64Array.of(0.5, -1.5, 0, 3))).toBeLessThan(1e-14);
  });

  test.each(SIZES)('is upper triangular, and its square the inverse, at size %i', (n) => {
    const factor = factorize(randomMoments(n, 2 * n, n), n, 0.1);
    const upper = upperOfInverse(factor);
    for (let i = 0; i < n; i++) {
      expect(upper[i * n + i]).toBeGreaterThan(0);
      for (let j = 0; j < i; j++) expect(upper[i * n + j]).toBe(0);
    }
    expect(differenceOf(multiply(transposed(upper, n, n), upper, n, n, n), inverse(factor))).toBeLessThan(1e-10);
  });

  test('ends where the matrix is barely definite', () => {
    for (const n of [12, 40]) expect(upperOfInverse(factorize(hilbert(n), n, 0)).every(Number.isFinite)).toBe(true);
  });
});
