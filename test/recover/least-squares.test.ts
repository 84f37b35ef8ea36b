import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Correction, fitCorrection, type Shape } from '../../src/recover/least-squares.ts';
import type { Moments } from '../../src/recover/moments.ts';
import { createRandom } from '../support/random.ts';

/** What a layer reads and what its output lacks, position by position. */
interface Positions {
  /** [groups · features] of each. */
  readonly x: readonly Float64Array[];
  /** [rows] of each. */
  readonly e: readonly Float64Array[];
}

const BOTH = { affine: true, matrix: true } as const;

function momentsOf({ x, e }: Positions, { rows, features, groups }: Shape): Moments {
  const own = rows / groups;
  const sums = (length: number, term: (place: number, at: number) => number): Float64Array =>
    Float64Array.from({ length }, (_, at) => x.reduce((sum, _, place) => sum + term(place, at), 0));
  const read = (place: number, group: number, feature: number): number =>
    x[place]?.[group * features + feature] ?? Number.NaN;
  const lacks = (place: number, row: number): number => e[place]?.[row] ?? Number.NaN;
  return {
    count: Float64Array.of(x.length),
    sum: sums(groups * features, (place, at) => read(place, 0, at)),
    gram: sums(groups * features * features, (place, at) => {
      const group = Math.floor(at / features ** 2);
      return read(place, group, Math.floor(at / features) % features) * read(place, group, at % features);
    }),
    cross: sums(groups * features * own, (place, at) => {
      const group = Math.floor(at / (features * own));
      return read(place, group, Math.floor(at / own) % features) * lacks(place, group * own + (at % own));
    }),
    errorSum: sums(rows, lacks),
    errorSquares: sums(rows, (place, row) => lacks(place, row) ** 2),
    targetSum: new Float64Array(rows),
    targetSquares: new Float64Array(rows),
  };
}

/** Σ |e − Δ·x − δ|² per position, from the numbers themselves. */
function errorOf({ x, e }: Positions, { rows, features, groups }: Shape, { matrix, bias }: Correction): number {
  const own = rows / groups;
  let total = 0;
  x.forEach((reads, place) => {
    for (let row = 0; row < rows; row++) {
      let lacks = (e[place]?.[row] ?? Number.NaN) - (bias[row] as number);
      const from = Math.floor(row / own) * features;
      for (let i = 0; i < features; i++) lacks -= (matrix[row * features + i] as number) * (reads[from + i] as number);
      total += lacks ** 2;
    }
  });
  return total / x.length;
}

/** Positions whose errors are a linear function of what is read, plus noise. */
function positionsOf(
  count: number,
  { rows, features, groups }: Shape,
  { seed, noise = 0, shift = 0, linear = 1 }: { seed: number; noise?: number; shift?: number; linear?: number },
): Positions & { readonly matrix: Float64Array; readonly bias: Float64Array } {
  // The function depends on the shape alone, so that two draws obey the same.
  const law = createRandom(rows * 100 + features * 10 + groups);
  const matrix = Float64Array.from({ length: rows * features }, () => linear * law.normal());
  const bias = Float64Array.from({ length: rows }, () => shift * law.normal());
  const random = createRandom(seed);
  const x = Array.from({ length: count }, () =>
    Float64Array.from({ length: groups * features }, () => 0.7 + random.normal()),
  );
  const e = x.map((reads) =>
    Float64Array.from({ length: rows }, (_, row) => {
      const from = Math.floor(row / (rows / groups)) * features;
      let sum = (bias[row] as number) + noise * random.normal();
      for (let i = 0; i < features; i++) sum += (matrix[row * features + i] as number) * (reads[from + i] as number);
      return sum;
    }),
  );
  return { x, e, matrix, bias };
}

/** Solves A·z = b by Gauss-Jordan with row pivots: slow, and another way than the project's. */
function solveDirectly(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i] ?? 0]);
  const n = rows.length;
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.NaN;
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let i = column; i < n; i++) if (Math.abs(at(i, column)) > Math.abs(at(pivot, column))) pivot = i;
    const [top, other] = [rows[pivot] ?? [], rows[column] ?? []];
    [rows[column], rows[pivot]] = [top, other];
    for (let i = 0; i < n; i++) {
      if (i === column) continue;
      const factor = at(i, column) / at(column, column);
      rows[i] = (rows[i] ?? []).map((each, j) => each - factor * at(column, j));
    }
  }
  return rows.map((row, i) => (row[n] ?? Number.NaN) / (row[i] ?? Number.NaN));
}

function worst(a: Float64Array, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, each, i) => Math.max(most, Math.abs(each - (b[i] as number))), 0);
}

const shapes = fc
  .record({
    groups: fc.constantFrom(1, 2, 3),
    own: fc.integer({ min: 1, max: 3 }),
    features: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ groups, own, features }): Shape => ({ rows: groups * own, groups, features }));
const seeds = fc.nat({ max: 99999 });

describe('the correction of a layer', () => {
  test('finds a linear error again, up to the ridge', () => {
    fc.assert(
      fc.property(shapes, seeds, (shape, seed) => {
        const first = positionsOf(60, shape, { seed, shift: 1 });
        const second = positionsOf(60, shape, { seed: seed + 1, shift: 1 });
        const found = fitCorrection([momentsOf(first, shape), momentsOf(second, shape)], shape, BOTH);
        expect(found.ridge).toBe(1e-4);
        expect(found.extra).toBe(0);
        expect(worst(found.matrix, first.matrix)).toBeLessThan(5e-3);
        expect(found.after).toBeLessThan(1e-5 * found.before);
      }),
      { numRuns: 50 },
    );
  });

  test.each([true, false])('solves the normal equations with the ridge that it says, affine %s', (affine) => {
    fc.assert(
      fc.property(shapes, seeds, (shape, seed) => {
        const halves = [0, 1].map((half) => positionsOf(30, shape, { seed: seed + half, noise: 0.5, shift: 1 }));
        const moments = halves.map((half) => momentsOf(half, shape));
        const { ridge, matrix, bias } = fitCorrection(moments, shape, { affine, matrix: true });
        const all: Positions = { x: halves.flatMap(({ x }) => x), e: halves.flatMap(({ e }) => e) };
        const n = all.x.length;
        const { features, rows, groups } = shape;
        for (let row = 0; row < rows; row++) {
          const from = Math.floor(row / (rows / groups)) * features;
          const x = all.x.map((each) => [...each.subarray(from, from + features)]);
          const e = all.e.map((each) => each[row] as number);
          const mean = (values: readonly number[]): number =>
            affine ? values.reduce((sum, each) => sum + each, 0) / n : 0;
          const means = Array.from({ length: features }, (_, i) => mean(x.map((each) => each[i] as number)));
          const centred = x.map((each) => each.map((value, i) => value - (means[i] as number)));
          const product = (i: number, of: (place: number) => number): number =>
            centred.reduce((sum, each, place) => sum + (each[i] as number) * of(place), 0) / n;
          const covariance = means.map((_, i) => means.map((_, j) => product(i, (place) => centred[place]?.[j] ?? 0)));
          const diagonal = covariance.reduce((sum, each, i) => sum + (each[i] as number), 0) / features;
          const added = Number.isFinite(ridge) ? ridge * diagonal : Number.POSITIVE_INFINITY;
          const expected = Number.isFinite(added)
            ? solveDirectly(
                covariance.map((each, i) => each.map((value, j) => value + (i === j ? added : 0))),
                means.map((_, i) => product(i, (place) => (e[place] as number) - mean(e))),
              )
            : means.map(() => 0);
          expect(worst(matrix.subarray(row * features, (row + 1) * features), expected)).toBeLessThan(1e-9);
          const shift = affine ? mean(e) - expected.reduce((sum, each, i) => sum + each * (means[i] as number), 0) : 0;
          expect(Math.abs((bias[row] as number) - shift)).toBeLessThan(1e-9);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('never says that held-out errors grew, and what it says before is what they are', () => {
    fc.assert(
      fc.property(
        shapes,
        seeds,
        fc.constantFrom(0, 0.1, 3),
        fc.boolean(),
        fc.integer({ min: 1, max: 12 }),
        (shape, seed, noise, affine, count) => {
          const how = { noise, linear: 0.1, shift: 0.3 };
          const [first, second] = [
            positionsOf(count, shape, { seed, ...how }),
            positionsOf(count, shape, { seed: seed + 1, ...how }),
          ];
          const found = fitCorrection([momentsOf(first, shape), momentsOf(second, shape)], shape, {
            affine,
            matrix: true,
          });
          expect(found.after).toBeLessThanOrEqual(found.before);
          const none = { ...found, matrix: found.matrix.map(() => 0), bias: found.bias.map(() => 0) };
          expect(found.before).toBeCloseTo(errorOf(second, shape, none), 9);
          if (!affine) expect(found.bias.every((each) => each === 0)).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('says of held-out errors what a correction from the first half alone makes of them', () => {
    const shape = { rows: 4, features: 3, groups: 2 };
    const how = { noise: 1e-4, shift: 1 };
    const [first, second] = [positionsOf(25, shape, { seed: 5, ...how }), positionsOf(25, shape, { seed: 6, ...how })];
    const found = fitCorrection([momentsOf(first, shape), momentsOf(second, shape)], shape, BOTH);
    // Given the first half as both, all that the correction is made from is the first half, twice.
    const own = fitCorrection([momentsOf(first, shape), momentsOf(first, shape)], shape, BOTH);
    expect(own.ridge).toBe(found.ridge);
    expect(found.after).toBeCloseTo(errorOf(second, shape, own), 9);
  });

  test('changes nothing where errors are noise', () => {
    const shape = { rows: 3, features: 12, groups: 1 };
    const how = { noise: 1, linear: 0 };
    const halves = [1, 2].map((seed) => momentsOf(positionsOf(14, shape, { seed, ...how }), shape));
    const found = fitCorrection(halves, shape, { affine: false, matrix: true });
    expect(found).toMatchObject({ ridge: Number.POSITIVE_INFINITY, extra: 0 });
    expect(found.matrix.every((each) => each === 0)).toBe(true);
    expect(found.after).toBe(found.before);
  });

  test('changes nothing where nothing lacks, exactly', () => {
    fc.assert(
      fc.property(shapes, seeds, fc.boolean(), (shape, seed, affine) => {
        const none = { linear: 0, shift: 0, noise: 0 };
        const halves = [0, 1].map((half) => momentsOf(positionsOf(20, shape, { seed: seed + half, ...none }), shape));
        const found = fitCorrection(halves, shape, { affine, matrix: true });
        expect(found).toMatchObject({ before: 0, after: 0, extra: 0 });
        expect([...found.matrix, ...found.bias].every((each) => Object.is(Math.abs(each), 0))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('shares an error out over what is read twice', () => {
    const shape = { rows: 2, features: 3, groups: 1 };
    const doubled = ({ x, e }: Positions): Positions => ({
      x: x.map(([a = 0, b = 0]) => Float64Array.of(a, b, a)),
      e,
    });
    const halves = [3, 4].map((seed) =>
      momentsOf(doubled(positionsOf(40, { ...shape, features: 2 }, { seed, shift: 1 })), shape),
    );
    const found = fitCorrection(halves, shape, BOTH);
    expect(found.after).toBeLessThan(1e-5 * found.before);
    for (let row = 0; row < 2; row++) expect(found.matrix[row * 3]).toBeCloseTo(found.matrix[row * 3 + 2] as number, 9);
  });

  test.each([
    ['zero', 0],
    ['a large number', 1000.1],
  ])('shifts the mean where all that is read is %s', (_, value) => {
    const shape = { rows: 2, features: 3, groups: 1 };
    const halves = [1, 2].map((seed) => {
      const { e } = positionsOf(21, shape, { seed, noise: 0.1, linear: 0, shift: 1 });
      const moments = momentsOf({ x: e.map(() => new Float64Array(3).fill(value)), e }, shape);
      // Sums of float32 are off in the last bits, so that variances of constants may come out below zero.
      return { ...moments, gram: moments.gram.map((each) => each * (1 - 2 ** -23)) };
    });
    const found = fitCorrection(halves, shape, BOTH);
    expect(found.after).toBeLessThan(0.2 * found.before);
    const { bias } = positionsOf(1, shape, { seed: 1, linear: 0, shift: 1 });
    for (let row = 0; row < 2; row++) {
      const moved =
        (found.bias[row] as number) + value * found.matrix.subarray(row * 3, row * 3 + 3).reduce((a, b) => a + b);
      expect(Math.abs(moved - (bias[row] as number))).toBeLessThan(0.15);
    }
  });

  test('of the bias alone is the mean, whatever is read, and where what is read was not measured', () => {
    const shape = { rows: 3, features: 2, groups: 1 };
    const halves = [1, 2].map((seed) => positionsOf(50, shape, { seed, shift: 2 }));
    const moments = halves.map((half) => momentsOf(half, shape));
    const mean = [0, 1, 2].map(
      (row) => halves.flatMap(({ e }) => e).reduce((sum, each) => sum + (each[row] as number), 0) / 100,
    );
    const empty = new Float64Array(0);
    for (const given of [moments, moments.map((each) => ({ ...each, sum: empty, gram: empty, cross: empty }))]) {
      const found = fitCorrection(given, shape, { affine: true, matrix: false });
      expect(found).toMatchObject({ ridge: Number.POSITIVE_INFINITY, extra: 0 });
      expect(found.after).toBeLessThan(found.before);
      expect(found.matrix.every((each) => each === 0)).toBe(true);
      expect(worst(found.bias, mean)).toBeLessThan(1e-12);
    }
  });

  test('is judged by what it was made from where there is no second half', () => {
    const shape = { rows: 2, features: 3, groups: 1 };
    const only = momentsOf(positionsOf(40, shape, { seed: 9, shift: 1 }), shape);
    const zeros = (of: Float64Array): Float64Array => new Float64Array(of.length);
    const none: Moments = {
      count: zeros(only.count),
      sum: zeros(only.sum),
      gram: zeros(only.gram),
      cross: zeros(only.cross),
      errorSum: zeros(only.errorSum),
      errorSquares: zeros(only.errorSquares),
      targetSum: zeros(only.targetSum),
      targetSquares: zeros(only.targetSquares),
    };
    const alone = fitCorrection([only], shape, BOTH);
    // Nothing tells which ridge is good, so that it is none of the small ones.
    expect(alone.ridge).toBe(1e-2);
    expect(alone.after).toBeLessThan(1e-2 * alone.before);
    expect(fitCorrection([only, none], shape, BOTH)).toEqual(alone);
  });
});
