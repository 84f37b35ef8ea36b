import { describe, expect, test } from 'vitest';
import { parseFormula } from '../../src/criteria/formula/formula.ts';
import { explainNonFinite, firstNonFinite } from '../../src/criteria/formula/non-finite.ts';
import type { Variable } from '../../src/criteria/formula/variables.ts';

describe('what does not belong into a formula is named', () => {
  test.each<[string, string, RegExp]>([
    ['', '', /^The formula is empty; give one such as "abs\(w\)"\.$/],
    ['# abs(w)', '# abs(w)', /^The formula is empty/],
    ['undefined', 'undefined', /has undefined, which is no finite number/],
    [
      'abs(w',
      'abs(w',
      /^Formula "abs\(w" cannot be read \(Parenthesis \) expected at character 6\); a formula is made of/,
    ],
    ['abs(x)', 'x', /reads x, which is unknown \(did you mean w\?\); there are w, n, fan_in, .*, pi, e\.$/],
    ['abs(w) * sqrt(mean_sqare_in)', 'mean_sqare_in', /reads mean_sqare_in, .*\(did you mean mean_square_in\?\)/],
    ['weights_of_the_layer', 'weights_of_the_layer', /which is unknown; there are w/],
    ['sqr(w)', 'sqr', /calls sqr, which is unknown \(did you mean sqrt\?\); there are abs, sqrt, .*, max, pow\.$/],
    ['abs', 'abs', /names abs without an argument; write abs\(…\)\.$/],
    ['w(2)', 'w', /calls w, which is no function; to multiply, write w \* \(…\)\.$/],
    ['pi(2)', 'pi', /calls pi, which is no function/],
    ['sqrt(w, 2)', 'sqrt', /gives sqrt 2 arguments; it takes 1\.$/],
    ['pow(w)', 'pow', /gives pow 1 arguments; it takes 2\.$/],
    ['max()', 'max', /gives max 0 arguments; it takes one or more\.$/],
    ['w = 1', 'w = 1', /assigns with = \(to compare, write ==\)/],
    ['f(x) = x', 'f(x) = x', /defines a function/],
    ['w; 2', 'w;\n2', /has more than one expression/],
    ['w.constructor', 'w.constructor', /reads a property or an index/],
    ['w["constructor"]', 'w["constructor"]', /reads a property or an index/],
    ['w[1]', 'w[1]', /reads a property or an index/],
    ['w.call(1)', 'w.call', /calls w.call, which is unknown/],
    ['[1, w]', '[1, w]', /has a matrix/],
    ['{a: w}', '{"a": w}', /has an object/],
    ['1:3', '1:3', /has a range/],
    ['"w"', '"w"', /has "w", which is no finite number/],
    ['true', 'true', /has true, which is no finite number/],
    ['1e999', 'Infinity', /has Infinity, which is no finite number/],
    ['5 cm', 'cm', /reads cm, which is unknown/],
    ['w to w', 'to', /uses the operator to; a formula is made of/],
    ['w mod 2', 'mod', /uses the operator mod/],
    ['w!', '!', /uses the operator !/],
    ["w'", "'", /uses the operator '/],
    ['w .* w', '.*', /uses the operator \.\*/],
    ['w | 1', '|', /uses the operator \|/],
    ['constructor', 'constructor', /reads constructor, which is unknown/],
    ['__proto__', '__proto__', /reads __proto__, which is unknown/],
    ['toString()', 'toString', /calls toString, which is unknown/],
    ['hasOwnProperty(w)', 'hasOwnProperty', /calls hasOwnProperty, which is unknown/],
    ['import(w)', 'import', /calls import, which is unknown/],
    ['evaluate(w)', 'evaluate', /calls evaluate, which is unknown/],
    ['select(w, w, w)', 'select', /calls select, which is unknown/],
    ['unaryMinus(w)', 'unaryMinus', /calls unaryMinus, which is unknown/],
  ])('%s', async (text, subject, message) => {
    await expect(parseFormula(text)).rejects.toMatchObject({
      name: 'OnnxPruneError',
      code: 'bad-option',
      subject,
      message: expect.stringMatching(message),
    });
  });

  test('also one that nobody can have written', async () => {
    await expect(parseFormula('('.repeat(100_000))).rejects.toMatchObject({
      code: 'bad-option',
      message: expect.stringMatching(
        /^Formula "\({40}…" has 100000 characters, but may have at most 1000; shorten it\.$/,
      ),
    });
    await expect(parseFormula(`${'1 + '.repeat(249)}w`)).resolves.toMatchObject({ variables: ['w'] });
  });

  test('but chains of comparisons inside one another are computed once', async () => {
    const nested = Array.from({ length: 120 }).reduce<string>((text) => `0<(${text})<2`, 'w');
    const formula = await parseFormula(nested);
    const w: Variable = { kind: 'elements', values: Float32Array.of(1, 3) };
    expect([...formula.evaluate(new Map([['w', w]]), 2)]).toEqual([1, 0]);
  });
});

describe('a score that is not finite', () => {
  test.each([
    [[1, 2, 3], undefined],
    [[], undefined],
    [[1, Number.NaN, Number.NaN], 1],
    [[1, 2, Number.NEGATIVE_INFINITY], 2],
    [[Number.POSITIVE_INFINITY], 0],
  ])('is found: %j at %j', (scores, index) => {
    expect(firstNonFinite(Float32Array.from(scores))).toBe(index);
  });

  const strides = { outer: 1, size: 2, inner: 2 };
  const variables = new Map<string, Variable>([
    ['w', { kind: 'elements', values: Float32Array.of(1, -2, 0, Number.NaN) }],
    ['row_norm', { kind: 'axis', values: Float64Array.of(0, 3), strides }],
    ['n', { kind: 'number', value: 4 }],
  ]);

  test.each([
    [
      'log(abs(w)) + row_norm',
      2,
      'Formula "log(abs(w)) + row_norm" gives -Infinity for element 2 of "conv1.weight", where w = 0, row_norm = 3; use log1p(abs(w)), or add a little, such as in log(abs(w) + 1e-12).',
    ],
    [
      'n * w / row_norm',
      1,
      'gives -Infinity for element 1 of "conv1.weight", where n = 4, w = -2, row_norm = 0; add a little',
    ],
    ['sqrt(w)', 1, 'gives NaN for element 1 of "conv1.weight", where w = -2; take abs(…)'],
    ['abs(w)', 3, 'gives NaN for element 3 of "conv1.weight", where w = NaN; w itself is not finite there, so repair'],
    ['w * 1e30 * 1e30', 0, 'gives Infinity for element 0 of "conv1.weight", where w = 1; scale it down'],
    ['sqrt(-1)', 0, 'gives NaN for element 0 of "conv1.weight"; take abs(…)'],
  ])('of %s is explained', async (text, index, message) => {
    const formula = await parseFormula(text);
    expect(firstNonFinite(formula.evaluate(variables, 4).subarray(index))).toBe(0);
    const error = explainNonFinite(formula, variables, index, 'conv1.weight');
    expect(error).toMatchObject({ code: 'bad-option', subject: 'conv1.weight' });
    expect(error.message).toContain(message);
  });
});
