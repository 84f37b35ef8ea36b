import { afterAll, describe, expect, test } from 'vitest';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { branching } from '../support/bodies.ts';
import { ModelBuilder } from '../support/build.ts';
import { optimizedOperators } from '../support/optimized.ts';
import { APART, FORMS, type ProductForm, product } from './products.ts';
import {
  bothOutputs,
  type Compared,
  dynamic,
  numbersOf,
  operatorsOf,
  type RoundedWeight,
  rounded,
} from './rounded-model.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/**
 * The most that rounding weights and data can change: Σ |x| · |w − ŵ| + |ŵ| · s, where s is the step of the data. Each is at
 * most half a step off, and up to half a step more where the zero point was rounded at the end of the range.
 */
function bound(x: readonly number[], { matrix, before, after }: RoundedWeight, row: number, step: number): number {
  const { columns } = matrix;
  let sum = 0;
  x.forEach((value, i) => {
    const [was, is] = [before[row * columns + i] ?? 0, after[row * columns + i] ?? 0];
    sum += Math.abs(value) * Math.abs(was - is) + Math.abs(is) * step;
  });
  return sum;
}

/** Expects the product of x with a weight to differ by no more than rounding explains, and by something. */
function expectWithin({ before, after, feeds }: Compared, weight: RoundedWeight, gain = 1): void {
  const x = numbersOf(feeds['x'] ?? before);
  const { rows, columns } = weight.matrix;
  const step = (Math.max(0, ...x) - Math.min(0, ...x)) / 255;
  const [was, is] = [numbersOf(before), numbersOf(after)];
  expect(after.dims).toEqual(before.dims);
  was.forEach((value, i) => {
    const at = Math.floor(i / rows) * columns;
    const most = Math.abs(gain) * bound(x.slice(at, at + columns), weight, i % rows, step) + 1e-5;
    expect(Math.abs(value - (is[i] ?? Number.NaN))).toBeLessThanOrEqual(most);
  });
  expect(is).not.toEqual(was);
}

async function check(form: ProductForm): Promise<string[]> {
  const b = product(form);
  const { bytes, weights, kept } = rounded(b, dynamic);
  expect(kept).toEqual({});
  const [weight] = weights;
  for (const each of await bothOutputs(b, bytes, child)) if (weight) expectWithin(each, weight, form.alpha);
  return optimizedOperators(bytes);
}

describe('products with data rounded as they come', () => {
  test.each(Object.entries(FORMS))('%s: one kernel', async (_, form) => {
    expect(await check(form)).toEqual(['DynamicQuantizeMatMul']);
  });

  test.each(Object.entries(APART))('%s: added behind', async (_, form) => {
    expect(await check(form)).toEqual(expect.arrayContaining(['Add', 'DynamicQuantizeMatMul']));
  });

  test.each([11, 12, 13, 17, 21])('one kernel at operator set %i', async (opset) => {
    const model = { opset, irVersion: opset > 20 ? 10 : 8 };
    expect(await check({ opType: 'MatMul', bias: [10], model })).toEqual(['DynamicQuantizeMatMul']);
    expect(await check({ opType: 'Gemm', bias: [10], transB: true, model })).toEqual(['DynamicQuantizeMatMul']);
  });

  test('in files that list constants as inputs', async () => {
    const model = { opset: 11, irVersion: 3, initializersAsInputs: true };
    expect(await check({ opType: 'MatMul', bias: [10], model })).toEqual(['DynamicQuantizeMatMul']);
  });

  test('readers of the same data share what rounds them, and readers of the same weight its integers', async () => {
    const b = new ModelBuilder();
    const [x, w] = [b.input('x', 'float32', [3, 6]), b.weight('w', [6, 6])];
    for (const name of ['k', 'v']) b.output(b.node('MatMul', [x, b.weight(name, [6, 6])]), 'float32', [3, 6]);
    b.output(b.node('MatMul', [x, w]), 'float32', [3, 6]);
    b.output(b.node('MatMul', [b.node('Relu', [x]), w]), 'float32', [3, 6]);
    b.output(b.node('Gemm', [x, w], { transB: 1 }), 'float32', [3, 6]);
    const { model, bytes, weights } = rounded(b, dynamic);
    expect(weights.map(({ matrix }) => matrix.weight.name)).toEqual(['k', 'v', 'w', 'w']);
    const count = (type: string): number =>
      [...model.graph.initializers].filter(({ tensor }) => tensor?.type === type).length;
    expect([count('int8'), count('float32')]).toEqual([4, 4]);
    expect(operatorsOf(model).filter((each) => each === 'DynamicQuantizeLinear')).toHaveLength(2);
    const counted = await optimizedOperators(bytes);
    expect(counted.filter((each) => each === 'MatMulIntegerToFloat')).toHaveLength(4);
    expect(counted.filter((each) => each === 'DynamicQuantizeMatMul')).toHaveLength(1);
    for (const [i, each] of (await bothOutputs(b, bytes, child)).entries()) {
      const weight = weights[i === 3 ? 2 : i === 4 ? 3 : i];
      // The reader of Relu(x) reads other numbers than x.
      if (i !== 3 && weight) expectWithin(each, weight);
    }
  });

  test('in bodies, with values that keep their names', async () => {
    const b = branching();
    const { model, bytes } = rounded(b, dynamic);
    expect(operatorsOf(model)).not.toContain('MatMul');
    expect(operatorsOf(model).filter((each) => each === 'MatMulInteger')).toHaveLength(6);
    for (const { before, after } of await bothOutputs(b, bytes, child)) {
      const [was, is] = [numbersOf(before), numbersOf(after)];
      const norm = (numbers: readonly number[]): number => Math.hypot(...numbers);
      expect(norm(was.map((value, i) => value - (is[i] ?? 0)))).toBeLessThan(0.05 * norm(was));
    }
  });

  test.each([
    ['MatMul', {}],
    ['Gemm', { transB: 0 }],
  ])('%s with a transposed table, which is looked up elsewhere', async (opType, attributes) => {
    const b = new ModelBuilder();
    const table = b.weight('table', [10, 24], { fanIn: 24 });
    const turned = b.node('Transpose', [table], opType === 'Gemm' ? { perm: [1, 0] } : {});
    b.output(b.node(opType, [b.input('x', 'float32', [5, 24]), turned], attributes), 'float32', [5, 10]);
    b.output(b.node('Gather', [table, b.input('i', 'int64', [3])]), 'float32', [3, 24]);
    const { model, bytes, weights } = rounded(b, dynamic);
    expect(operatorsOf(model)).not.toContain('Transpose');
    expect(await optimizedOperators(bytes)).toEqual(['DynamicQuantizeMatMul', 'Gather']);
    const [product, row] = await bothOutputs(b, bytes, child);
    if (product && weights[0]) expectWithin(product, weights[0]);
    expect(row?.after).toEqual(row?.before);
  });

  test('a constant that others read, or that is given out, stays for them', () => {
    const b = product({ opType: 'MatMul' });
    b.output(b.node('ReduceMax', ['w'], { keepdims: 0 }), 'float32', []);
    const { model } = rounded(b, dynamic);
    expect([...model.graph.initializers].find(({ name }) => name === 'w')?.uses.size).toBe(1);
    const other = product({ opType: 'MatMul' });
    other.output('w', 'float32', [24, 10]);
    expect(rounded(other, dynamic).model.graph.outputs.map(({ name }) => name)).toEqual(['y', 'w']);
  });
});

describe('what stays in float says why', () => {
  const one = (
    build: (b: ModelBuilder, x: string) => string,
    options = {},
    type: 'float32' | 'float16' = 'float32',
  ): string | undefined => {
    const b = new ModelBuilder({ dtype: type, ...options });
    b.output(build(b, b.input('x', type, [4, 6])), type);
    const { kept, model } = rounded(b, dynamic);
    expect(operatorsOf(model)).not.toContain('DynamicQuantizeLinear');
    return kept['it'];
  };
  const name = { name: 'it' };

  test.each<[string, RegExp, () => string | undefined]>([
    [
      'float16',
      /weights are float16/,
      () => one((b, x) => b.node('MatMul', [x, b.weight('w', [6, 3])], {}, name), {}, 'float16'),
    ],
    [
      'an old operator set',
      /operator set 9 .* older than 11/,
      () => one((b, x) => b.node('MatMul', [x, b.weight('w', [6, 3])], {}, name), { opset: 9 }),
    ],
    [
      'transposed data',
      /transposes its data/,
      () => one((b, x) => b.node('Gemm', [x, b.weight('w', [4, 3])], { transA: 1 }, name)),
    ],
    [
      'a constant on the left',
      /first operand/,
      () => one((b, x) => b.node('MatMul', [b.weight('w', [3, 4]), x], {}, name)),
    ],
    [
      'a stack of matrices',
      /has 3 axes/,
      () => one((b, x) => b.node('MatMul', [x, b.weight('w', [2, 6, 3])], {}, name)),
    ],
    [
      'a constant that is made',
      /what other nodes make/,
      () => one((b, x) => b.node('MatMul', [x, b.node('Exp', [b.weight('w', [6, 3])])], {}, name)),
    ],
    [
      'long sums',
      /range of int32/,
      () => one((b) => b.node('MatMul', [b.input('long', 'float32', [1, 70000]), b.weight('w', [70000, 1])], {}, name)),
    ],
    [
      'a constant that is an input',
      /graph input/,
      () =>
        one((b, x) => {
          b.input('w', 'float32', [6, 3]);
          return b.node('MatMul', [x, b.weight('w', [6, 3])], {}, name);
        }),
    ],
    [
      'Conv',
      /no kernel for Conv/,
      () =>
        one((b) => {
          const y = b.node('Conv', [b.input('image', 'float32', [1, 2, 4, 4]), b.weight('w', [3, 2, 1, 1])], {}, name);
          return b.node('Relu', [b.valueInfo(y, 'float32', [1, 3, 4, 4])]);
        }),
    ],
    [
      'GRU',
      /no kernel for GRU/,
      () =>
        one((b) =>
          b.node(
            'GRU',
            [b.input('steps', 'float32', [3, 1, 5]), b.weight('w', [1, 12, 5]), b.weight('r', [1, 12, 4])],
            { hidden_size: 4 },
            name,
          ),
        ),
    ],
    [
      'nothing, where nothing is constant',
      /^$/,
      () => one((b, x) => b.node('MatMul', [x, b.node('Transpose', [x])], {}, name)) ?? '',
    ],
  ])('%s', (_, reason, build) => {
    expect(build()).toMatch(reason);
  });
});
