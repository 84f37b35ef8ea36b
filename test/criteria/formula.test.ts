import fc from 'fast-check';
import { all, create } from 'mathjs/number';
import { describe, expect, test } from 'vitest';
import { looksLikeFormula, parseFormula } from '../../src/criteria/formula/formula.ts';
import { FORMULA_FUNCTIONS } from '../../src/criteria/formula/translate.ts';
import type { Variable } from '../../src/criteria/formula/variables.ts';
import { stridesOf } from '../../src/numeric/slices.ts';
import { normals } from '../support/random.ts';

/** `ONNX_PRUNE_SEED` looks elsewhere. */
const seed = Number(process.env['ONNX_PRUNE_SEED'] ?? 1);

/** mathjs's own evaluation, whose comparisons are made exact. */
const oracle = create(all ?? {}, { relTol: Number.MIN_VALUE, absTol: 0 });

/** Scores of a formula over weights alone. */
async function scoresOf(text: string, weights: readonly number[]): Promise<number[]> {
  const formula = await parseFormula(text);
  const w: Variable = { kind: 'elements', values: Float64Array.from(weights) };
  return [...formula.evaluate(new Map([['w', w]]), weights.length)];
}

describe('a formula', () => {
  test.each<[string, readonly number[]]>([
    ['w', [-2, 0, 3]],
    ['+w', [-2, 0, 3]],
    ['-abs(w)', [-2, 0, -3]],
    ['-w^2', [-4, 0, -9]],
    ['w^3 + 2 w', [-12, 0, 33]],
    ['2^3^2', [512, 512, 512]],
    ['(w + 1) * 2 / 4 - 1', [-1.5, -0.5, 1]],
    ['max(w, 1)', [1, 1, 3]],
    ['min(w, 1, -w)', [-2, 0, -3]],
    ['max(w)', [-2, 0, 3]],
    ['w > 0', [0, 0, 1]],
    ['-2 < w <= 3', [0, 1, 1]],
    ['not w', [0, 1, 0]],
    ['w and w > 0 or w == 0', [0, 1, 1]],
    ['w != 0 ? 1 / w : 7', [-0.5, 7, Math.fround(1 / 3)]],
    ['round(w + 0.5)', [-2, 1, 4]],
    ['cos(pi) + log(e) + w', [-2, 0, 3]],
  ])('%s', async (text, expected) => {
    expect((await scoresOf(text, [-2, 0, 3])).map((score) => score + 0)).toEqual(expected);
  });

  test('gives NaN and Infinity as they come', async () => {
    expect(await scoresOf('log(w)', [-1, 0, 1])).toEqual([Number.NaN, Number.NEGATIVE_INFINITY, 0]);
    expect(await scoresOf('1e30 * w', [1e10])).toEqual([Number.POSITIVE_INFINITY]);
    expect(await scoresOf('w ? 1 : 2', [Number.NaN])).toEqual([2]);
  });

  test('compares exactly, even numbers that mathjs takes for equal', async () => {
    expect(await scoresOf('abs(w) > 0', [1e-20, 0])).toEqual([1, 0]);
  });

  test('names the variables that it reads, in order of appearance', async () => {
    expect((await parseFormula('fan_in > 3 ? w * mean_in : w + pi')).variables).toEqual(['fan_in', 'w', 'mean_in']);
    expect((await parseFormula('1')).variables).toEqual([]);
  });

  test('of an empty tensor has no scores', async () => {
    expect(await scoresOf('abs(w)', [])).toEqual([]);
  });

  test('refuses variables of another length', async () => {
    const formula = await parseFormula('w');
    const w: Variable = { kind: 'elements', values: new Float32Array(3) };
    expect(() => formula.evaluate(new Map([['w', w]]), 4)).toThrow(/variable "w" of a formula has 3 values for 4/);
    expect(() => formula.evaluate(new Map(), 4)).toThrow(/variable "w" of a formula has no values for 4/);
  });
});

test.each([
  ['l2', false],
  ['fan-out', false],
  ['abs(w)', true],
  ['w * 2', true],
  ['mean_abs', false],
  ['', true],
])('%j looks like a formula: %j', (text, expected) => {
  expect(looksLikeFormula(text)).toBe(expected);
});

/** Any formula over five variables, written with all the brackets it needs. */
const formulas = fc.letrec<{ formula: string; leaf: string; call: string }>((tie) => {
  const inner = tie('formula');
  return {
    leaf: fc.constantFrom(
      'w',
      'n',
      'row_norm',
      'column_norm',
      'mean_square_in',
      'pi',
      'e',
      '0',
      '1',
      '2',
      '0.5',
      '3e-2',
    ),
    call: fc
      .tuple(fc.constantFrom(...FORMULA_FUNCTIONS), inner, inner, inner)
      .map(([name, a, b, c]) =>
        name === 'min' || name === 'max'
          ? `${name}(${a}, ${b}, ${c})`
          : `${name}(${name === 'pow' ? `${a}, ${b}` : a})`,
      ),
    formula: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      tie('leaf'),
      tie('call'),
      fc.tuple(fc.constantFrom('-', '+', 'not '), inner).map(([sign, a]) => `(${sign}${a})`),
      fc
        .tuple(fc.constantFrom('+', '-', '*', '/', '^', '<', '<=', '>', '>=', '==', '!=', 'and', 'or'), inner, inner)
        .map(([sign, a, b]) => `(${a} ${sign} ${b})`),
      fc.tuple(inner, inner, inner).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
      fc
        .tuple(fc.constantFrom('<', '<=', '>', '=='), fc.constantFrom('<', '>=', '!='), inner, inner, inner)
        .map(([first, second, a, b, c]) => `(${a} ${first} ${b} ${second} ${c})`),
    ),
  };
}).formula;

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });

test('any formula gives what mathjs gives for each element by itself', async () => {
  let finite = 0;
  const property = fc.asyncProperty(formulas, shapes, fc.nat({ max: 9 }), async (text, dims, salt) => {
    fc.pre(text.length <= 1000);
    const formula = await parseFormula(text);
    const rows = stridesOf(dims, 0);
    const columns = stridesOf(dims, dims.length - 1);
    const size = dims.reduce((product, length) => product * length, 1);
    const weights = normals(size, salt);
    const [rowNorm, columnNorm, squares] = [rows.size, columns.size, columns.size].map((length, i) =>
      Float64Array.from(normals(length, salt + 10 * (i + 1)), Math.abs),
    );
    if (rowNorm === undefined || columnNorm === undefined || squares === undefined) throw new Error('no numbers');
    const scores = formula.evaluate(
      new Map<string, Variable>([
        ['w', { kind: 'elements', values: weights }],
        ['n', { kind: 'number', value: size }],
        ['row_norm', { kind: 'axis', values: rowNorm, strides: rows }],
        ['column_norm', { kind: 'axis', values: columnNorm, strides: columns }],
        ['mean_square_in', { kind: 'axis', values: squares, strides: columns }],
      ]),
      size,
    );
    const compiled = oracle.compile(text);
    weights.forEach((w, i) => {
      const column = i % columns.size;
      const expected = Number(
        compiled.evaluate({
          w,
          n: size,
          row_norm: rowNorm[Math.floor(i / rows.inner)],
          column_norm: columnNorm[column],
          mean_square_in: squares[column],
        }),
      );
      const rounded = Math.fround(expected);
      if (Number.isFinite(rounded)) {
        finite++;
        expect(Math.abs((scores[i] ?? Number.NaN) - rounded)).toBeLessThanOrEqual(1e-6 * Math.abs(rounded));
      } else expect(scores[i]).toBe(rounded);
    });
  });
  await fc.assert(property, { numRuns: 500, seed, includeErrorInReport: true });
  // Formulas that are never finite would prove little.
  expect(finite).toBeGreaterThan(1000);
});

test('variables along any axis meet their elements across blocks', async () => {
  const formula = await parseFormula('w + row_norm * 10 + column_norm * 1000 + mean_in * 100000');
  const dims = [7, 700, 3];
  const size = 7 * 700 * 3;
  const along = (axis: number): Variable => {
    const strides = stridesOf(dims, axis);
    return { kind: 'axis', values: Float64Array.from({ length: strides.size }, (_, i) => i), strides };
  };
  const w: Variable = { kind: 'elements', values: Float32Array.from({ length: size }, (_, i) => (i % 10) / 8) };
  const variables = new Map([
    ['w', w],
    ['row_norm', along(0)],
    ['column_norm', along(2)],
    ['mean_in', along(1)],
  ]);
  const scores = formula.evaluate(variables, size);
  const naive = Float32Array.from({ length: size }, (_, i) => {
    const [row, middle, column] = [Math.floor(i / 2100), Math.floor(i / 3) % 700, i % 3];
    return (i % 10) / 8 + row * 10 + column * 1000 + middle * 100000;
  });
  expect(scores).toEqual(naive);
});
