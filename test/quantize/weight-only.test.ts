import { afterAll, describe, expect, test } from 'vitest';
import type { BlockFormat } from '../../src/ops/rounded-form.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { optimizedOperators } from '../support/optimized.ts';
import { APART, FORMS, type ProductForm, product } from './products.ts';
import {
  bothOutputs,
  type Compared,
  inBlocks,
  numbersOf,
  operatorsOf,
  type RoundedWeight,
  rounded,
} from './rounded-model.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** onnxruntime rounds data to int8 too, by the largest of a block: half a step of 1/127 of the largest is the most. */
const DATA_STEP = 1 / 254;

/** Expects outputs within what rounding weights changes, and data by the largest number of a row. */
function expectWithin(
  { before, after, feeds }: Compared,
  { matrix, before: was, after: is }: RoundedWeight,
  gain = 1,
): void {
  const { rows, columns } = matrix;
  const x = numbersOf(feeds['x'] ?? before);
  const found = numbersOf(after);
  expect(after.dims).toEqual(before.dims);
  expect(found).not.toEqual(numbersOf(before));
  numbersOf(before).forEach((value, i) => {
    const row = x.slice(Math.floor(i / rows) * columns, (Math.floor(i / rows) + 1) * columns);
    const largest = row.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
    const most = row.reduce((sum, number, k) => {
      const at = (i % rows) * columns + k;
      const weight = is[at] ?? Number.NaN;
      return sum + Math.abs(number) * Math.abs((was[at] ?? 0) - weight) + Math.abs(weight) * largest * DATA_STEP;
    }, 1e-5);
    expect(Math.abs(value - (found[i] ?? Number.NaN))).toBeLessThanOrEqual(Math.abs(gain) * most);
  });
}

async function check(form: ProductForm, format: BlockFormat): Promise<string[]> {
  const b = product(form);
  const { bytes, weights, kept } = rounded(b, inBlocks(format), format);
  expect(kept).toEqual({});
  const [weight] = weights;
  for (const each of await bothOutputs(b, bytes, child)) if (weight) expectWithin(each, weight, form.alpha);
  return optimizedOperators(bytes);
}

test.each<[string, BlockFormat]>([
  ['8 bits in blocks', { bits: 8, size: 16 }],
  ['4 bits in blocks', { bits: 4, size: 16 }],
])('rows of zeros give next to nothing in %s, whatever scale they have', async (_, format) => {
  const b = new ModelBuilder();
  const w = Array.from({ length: 640 }, (_unused, i) => (i % 10 === 3 ? 0 : Math.sin(i)));
  b.output(
    b.node('MatMul', [b.input('x', 'float32', [8, 64]), b.constant('w', 'float32', [64, 10], w)]),
    'float32',
    [8, 10],
  );
  const { bytes } = rounded(b, inBlocks(format), format);
  for (const { after } of await bothOutputs(b, bytes, child)) {
    const zeros = numbersOf(after).filter((_number, i) => i % 10 === 3);
    expect(Math.max(...zeros.map(Math.abs))).toBeLessThan(1e-15);
  }
});

const FORMATS: readonly BlockFormat[] = ([4, 8] as const).flatMap((bits) =>
  ([16, 32, 64, 128] as const).map((size) => ({ bits, size })),
);

describe('weights in blocks of few bits', () => {
  test('a computed vector is taken in, too', async () => {
    const form: ProductForm = { opType: 'Gemm', bias: [10], biasIs: 'computed', beta: 3 };
    expect(await check(form, { bits: 8, size: 32 })).toEqual(['MatMulNBits', 'Mul', 'Neg']);
  });

  test.each(Object.entries(FORMS))('%s: one kernel', async (_, form) => {
    expect(await check(form, { bits: 4, size: 16 })).toEqual(['MatMulNBits']);
    expect(await check(form, { bits: 8, size: 32 })).toEqual(['MatMulNBits']);
  });

  test.each(Object.entries(APART))('%s: added behind or taken in', async (_, form) => {
    expect(await check(form, { bits: 4, size: 32 })).toContain('MatMulNBits');
  });

  test.each(FORMATS)('$bits bits in blocks of $size, full and not', async (format) => {
    for (const columns of [128, 100, 37, 7]) {
      for (const rows of [1, 33]) await check({ opType: 'MatMul', columns, rows, data: [3, columns] }, format);
    }
  });

  test('at an old operator set, beside another import of the domain', async () => {
    expect(await check({ opType: 'MatMul', model: { opset: 9 } }, { bits: 4, size: 32 })).toEqual(['MatMulNBits']);
    const model = { domains: { 'com.microsoft': 1 } };
    const { model: after } = rounded(product({ opType: 'MatMul', model }), inBlocks({ bits: 4, size: 32 }));
    expect(after.graph.scope.opsets.get('com.microsoft')).toBe(1);
    expect(await check({ opType: 'MatMul', model }, { bits: 4, size: 32 })).toEqual(['MatMulNBits']);
  });

  test('readers of the same weight share its blocks', () => {
    const b = new ModelBuilder();
    const [x, w] = [b.input('x', 'float32', [3, 6]), b.weight('w', [6, 6])];
    b.output(b.node('MatMul', [x, w]), 'float32', [3, 6]);
    b.output(b.node('Gemm', [b.node('Relu', [x]), w]), 'float32', [3, 6]);
    const { model } = rounded(b, inBlocks({ bits: 4, size: 32 }), { bits: 4, size: 32 });
    expect(operatorsOf(model)).toEqual(['MatMulNBits', 'MatMulNBits', 'Relu']);
    expect([...model.graph.initializers].map(({ tensor }) => tensor?.type)).toEqual(['uint8', 'float32']);
  });
});

describe('what keeps its weights in float says why', () => {
  const reasonOf = (build: (b: ModelBuilder) => string, options = {}): string | undefined => {
    const b = new ModelBuilder(options);
    b.output(build(b));
    return rounded(b, inBlocks({ bits: 4, size: 32 })).kept['it'];
  };
  const matMul = (b: ModelBuilder): string =>
    b.node('MatMul', [b.input('x', b.elementType, [2, 6]), b.weight('w', [6, 3])], {}, { name: 'it' });
  const lstm = (b: ModelBuilder): string => {
    const weights = [b.weight('w', [1, 16, 5]), b.weight('r', [1, 16, 4])];
    return b.node('LSTM', [b.input('x', 'float32', [3, 1, 5]), ...weights], { hidden_size: 4 }, { name: 'it' });
  };

  test('the kernels take float32', () => {
    expect(reasonOf(matMul, { dtype: 'float16' })).toMatch(/weights are float16/);
  });

  test('others would be widened at each run', () => {
    expect(reasonOf(lstm)).toBe('the runtime would widen the weights of LSTM at each run');
  });
});
