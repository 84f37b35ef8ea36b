import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inputVariables, weightVariables } from '../../src/criteria/formula/layer-variables.ts';
import { FORMULA_VARIABLES, valueAt } from '../../src/criteria/formula/variables.ts';
import { normals } from '../support/random.ts';

const names = Object.keys(FORMULA_VARIABLES);
const measuredNames = names.filter((name) => FORMULA_VARIABLES[name]?.needsCalibration);

/** `ONNX_PRUNE_SEED` looks elsewhere. */
const seed = Number(process.env['ONNX_PRUNE_SEED'] ?? 1);

const layers = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 4 }).chain((dims) =>
  fc.record({
    dims: fc.constant(dims),
    rows: fc.option(fc.nat({ max: dims.length - 1 }), { nil: undefined }),
    columns: fc.option(fc.nat({ max: dims.length - 1 }), { nil: undefined }),
    salt: fc.nat({ max: 99 }),
  }),
);

/** Position of an element along an axis, from its index written out. */
function positionOf(element: number, dims: readonly number[], axis: number): number {
  let rest = element;
  const index = [...dims].reverse().map((length) => {
    const here = rest % length;
    rest = (rest - here) / length;
    return here;
  });
  return index.reverse()[axis] ?? 0;
}

describe('the variables of a weight', () => {
  test('are what loops over all its elements give', () => {
    const property = fc.property(layers, ({ dims, rows, columns, salt }) => {
      const size = dims.reduce((product, length) => product * length, 1);
      const w = [...normals(size, salt)];
      const found = weightVariables(Float32Array.from(w), dims, { rows, columns }, names);
      const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
      const abs = (values: readonly number[]): number => sum(values.map(Math.abs)) / values.length;
      const norm = (values: readonly number[]): number => Math.hypot(...values);
      const mean = sum(w) / size;
      for (let i = 0; i < size; i++) {
        const beside = (axis: number | undefined): number[] =>
          axis === undefined ? w : w.filter((_, k) => positionOf(k, dims, axis) === positionOf(i, dims, axis));
        const expected = {
          w: w[i] ?? Number.NaN,
          n: size,
          fan_in: rows === undefined ? 1 : beside(rows).length,
          fan_out: columns === undefined ? 1 : beside(columns).length,
          mean,
          std: Math.sqrt(sum(w.map((value) => (value - mean) ** 2)) / size),
          mean_abs: abs(w),
          max_abs: Math.max(...w.map(Math.abs)),
          norm: norm(w),
          row_norm: norm(beside(rows)),
          column_norm: norm(beside(columns)),
          row_mean_abs: abs(beside(rows)),
          column_mean_abs: abs(beside(columns)),
        };
        expect([...found.keys()].sort()).toEqual(Object.keys(expected).sort());
        for (const [name, value] of Object.entries(expected)) {
          const variable = found.get(name);
          expect(variable && valueAt(variable, i), name).toBeCloseTo(value, 9);
        }
      }
    });
    fc.assert(property, { numRuns: 60, seed, includeErrorInReport: true });
  });

  test('are computed only where wanted', () => {
    const found = weightVariables(Float32Array.of(1, 2), [1, 2], { rows: 0, columns: 1 }, ['norm', 'w']);
    expect([...found.keys()]).toEqual(['norm', 'w']);
  });

  test('refuse a name that none has', () => {
    expect(() => weightVariables(Float32Array.of(1), [1], { rows: 0, columns: undefined }, ['toString'])).toThrow(
      expect.objectContaining({ code: 'internal', subject: 'the variable "toString"' }),
    );
  });

  test('keep a spread around a far mean', () => {
    const found = weightVariables(Float64Array.of(1e9 - 1, 1e9 + 1), [2], { rows: 0, columns: undefined }, ['std']);
    expect(found.get('std')).toEqual({ kind: 'number', value: 1 });
  });
});

describe('what was measured of the inputs', () => {
  const at = (
    dims: readonly number[],
    rows: number,
    columns: number | undefined,
    channels: readonly number[],
  ): number[] => {
    const size = dims.reduce((product, length) => product * length, 1);
    const measured = new Map(measuredNames.map((name) => [name, Float64Array.from(channels)]));
    const found = weightVariables(new Float32Array(size), dims, { rows, columns }, measuredNames, measured);
    const [first, ...others] = measuredNames.map((name) => {
      const variable = found.get(name);
      return Array.from({ length: size }, (_, i) => (variable === undefined ? Number.NaN : valueAt(variable, i)));
    });
    for (const other of others) expect(other).toEqual(first);
    return first ?? [];
  };

  test('reaches the weights that read it', () => {
    expect(at([2, 3], 0, 1, [7, 8, 9])).toEqual([7, 8, 9, 7, 8, 9]);
    expect(at([3, 2], 1, 0, [7, 8, 9])).toEqual([7, 7, 8, 8, 9, 9]);
    expect(at([1, 2, 2, 1], 0, 1, [7, 8])).toEqual([7, 7, 8, 8]);
  });

  test('in a convolution in groups is that of the group', () => {
    // Two groups of two rows, each of which reads two of the four channels.
    expect(at([4, 2, 1], 0, 1, [5, 6, 7, 8])).toEqual([5, 6, 5, 6, 7, 8, 7, 8]);
    // Depthwise, two outputs per channel.
    expect(at([4, 1, 2], 0, 1, [5, 6])).toEqual([5, 5, 5, 5, 6, 6, 6, 6]);
  });

  test('is left out where it is not given', () => {
    const axes = { rows: 0, columns: 1 };
    expect(weightVariables(Float32Array.of(1), [1, 1], axes, ['mean_in', 'w']).has('mean_in')).toBe(false);
  });

  test('that fits no axis is a mistake of ours', () => {
    expect(() => at([4, 2], 0, 1, [1, 2, 3])).toThrow(/3 values of mean_in do not fit a weight \[4, 2\]/);
    expect(() => at([3, 2], 0, 1, [1, 2, 3, 4])).toThrow(/do not fit/);
    expect(() => at([3], 0, undefined, [1, 2, 3])).toThrow(/do not fit/);
  });
});

test('the variance of an input is what its mean leaves of its mean square, and never negative', () => {
  const measured = inputVariables({ mean: Float64Array.of(1, -2, 0.1), meanSquare: Float64Array.of(5, 4, 0.01) });
  expect([...measured.keys()].sort()).toEqual([...measuredNames].sort());
  expect(measured.get('mean_in')).toEqual(Float64Array.of(1, -2, 0.1));
  expect(measured.get('mean_square_in')).toEqual(Float64Array.of(5, 4, 0.01));
  expect(measured.get('var_in')).toEqual(Float64Array.of(4, 0, 0));
});
