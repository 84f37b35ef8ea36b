import { afterAll, describe, expect, test } from 'vitest';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { type Attributes, ModelBuilder } from '../support/build.ts';
import { Planted } from '../support/plant.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** A matrix [rows, columns] in row-major order, each element made of its place. */
function matrix(rows: number, columns: number, element: (row: number, column: number) => number): number[] {
  return Array.from({ length: rows * columns }, (_, i) => element(Math.floor(i / columns), i % columns));
}

/** Numbers without a pattern, none of them zero. */
const any = (row: number, column: number): number => Math.sin(row * 7.3 + column * 3.1 + 1);

/** image [N,2,6,6] → pointwise Conv 4, whose rows 0 and 3 are alike → `between` → pointwise Conv 3. */
function twins(between: (b: ModelBuilder, x: string) => string, opset = 17, size = 6): ModelBuilder {
  const b = new ModelBuilder({ opset });
  const image = b.input('image', 'float32', ['N', 2, size, size]);
  const rows = matrix(4, 2, (row, column) => any(row === 3 ? 0 : row, column));
  const first = b.node('Conv', [
    image,
    b.constant('w1', 'float32', [4, 2, 1, 1], rows),
    b.constant('b1', 'float32', [4], [0.1, 0.7, 0.3, 0.1]),
  ]);
  const last = b.node('Conv', [between(b, first), b.weight('w2', [3, 4, 1, 1]), b.vector('b2', 3)]);
  b.output(last, 'float32', ['N', 3, undefined, undefined]);
  return b;
}

/** x [N,2] → MatMul with a constant [2,4] → Relu → MatMul 1. */
function chain(type: 'float32' | 'float16', first: readonly number[], last: readonly number[]): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.input('x', type, ['N', 2]);
  const hidden = b.node('Relu', [b.node('MatMul', [x, b.constant('w1', type, [2, 4], first)])]);
  b.output(b.node('MatMul', [hidden, b.constant('w2', type, [4, 1], last)]), type, ['N', 1]);
  return b;
}

describe('what must not be taken for redundant', { timeout: 120_000 }, () => {
  test('the largest of negative numbers is no multiple of the largest of positive ones', async () => {
    const windows: Attributes = { kernel_shape: [2, 2] };
    const takes: Record<string, [string, Attributes]> = {
      MaxPool: ['MaxPool', windows],
      GlobalMaxPool: ['GlobalMaxPool', {}],
      LpPool: ['LpPool', windows],
      GlobalLpPool: ['GlobalLpPool', {}],
      ReduceMax: ['ReduceMax', { axes: [2, 3] }],
      ReduceMin: ['ReduceMin', { axes: [2, 3] }],
    };
    for (const [name, [opType, attributes]] of Object.entries(takes)) {
      const between = (b: ModelBuilder, x: string): string =>
        b.node(opType, [b.node('Mul', [x, b.constant('signs', 'float32', [1, 4, 1, 1], [1, 1, 1, -2])])], attributes);
      const { found } = await (await Planted.in(twins(between), child)).clean();
      expect(found, name).toEqual([]);
    }
  });

  test('a negative multiple is none of a division, whatever else is the same', async () => {
    // 2 · x / −2 = −x, and −2 · x / 1 = −2 · x.
    const between = (b: ModelBuilder, x: string): string => {
      const times = b.constant('times', 'float32', [1, 4, 1, 1], [2, 1, 1, -2]);
      const by = b.constant('by', 'float32', [1, 4, 1, 1], [-2, 1, 1, 1]);
      return b.node('Div', [b.node('Mul', [x, times]), by]);
    };
    const { found } = await (await Planted.in(twins(between), child)).clean();
    expect(found).toEqual([]);
  });

  test('gains of a normalization turn signs, too', async () => {
    const between = (b: ModelBuilder, x: string): string => {
      const normalized = b.node('BatchNormalization', [
        x,
        b.constant('gamma', 'float32', [4], [1, 1, 1, -1]),
        b.constant('beta', 'float32', [4], [0, 0, 0, 0]),
        b.constant('mean', 'float32', [4], [0, 0, 0, 0]),
        b.constant('variance', 'float32', [4], [1, 2, 3, 1]),
      ]);
      return b.node('MaxPool', [normalized], { kernel_shape: [2, 2] });
    };
    expect((await (await Planted.in(twins(between), child)).clean()).found).toEqual([]);
  });

  test('multiples of the same sign pass a maximum, and negative ones a mean', async () => {
    const behind = (opType: string, factors: number[]) => (b: ModelBuilder, x: string) =>
      b.node(opType, [b.node('Mul', [x, b.constant('signs', 'float32', [1, 4, 1, 1], factors)])], {
        kernel_shape: [2, 2],
      });
    const maximum = await Planted.in(twins(behind('MaxPool', [-1, 1, 1, -1])), child);
    expect((await maximum.clean()).found).toEqual(['w1 3 duplicate of 0']);
    const mean = await Planted.in(twins(behind('AveragePool', [1, 1, 1, -2])), child);
    expect((await mean.clean()).found).toEqual(['w1 3 duplicate of 0']);
  });

  test('a dilated mean may be taken over the padding alone, which is zero', async () => {
    const between = (b: ModelBuilder, x: string): string =>
      b.node('AveragePool', [x], { kernel_shape: [2, 2], dilations: [2, 2], pads: [1, 1, 1, 1] });
    const net = await Planted.in(twins(between, 19, 1), child);
    net.zero('w1', 0, 1);
    expect((await net.clean()).found).toEqual(['w1 3 duplicate of 0']);
  });

  test('a transposed square matrix is another one than the one that is stored', async () => {
    // Larger ones than this are not folded, and float16 ones at no size.
    const size = 80;
    for (const isFirst of [true, false]) {
      const b = new ModelBuilder();
      const x = b.input('x', 'float32', ['N', 5]);
      const square = matrix(size, size, (row, column) => (row === 1 || column === 2 ? 0 : any(row, column)));
      const turned = b.node('Transpose', [b.constant('square', 'float32', [size, size], square)], { perm: [1, 0] });
      const wide = b.node('Relu', [b.node('MatMul', [x, b.weight('w1', [5, size])])]);
      const made = isFirst ? b.node('Relu', [b.node('MatMul', [wide, turned])]) : b.node('MatMul', [wide, turned]);
      b.output(isFirst ? b.node('MatMul', [made, b.weight('w2', [size, 3])]) : made, 'float32', [
        'N',
        isFirst ? 3 : size,
      ]);
      // A zero row of what is stored gives a zero channel, a zero column is not read; both may be found, and no other.
      const { report } = await (await Planted.in(b, child)).clean();
      const removed = report.groups.flatMap(({ removed: own }) => own.map(({ index, reason }) => `${index} ${reason}`));
      for (const each of removed) expect(['1 zero', '2 unread', '2 zero', '1 unread']).toContain(each);
    }
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 4]);
    const stored = matrix(4, 4, (row, column) => (column === 1 ? 0 : any(row, column)));
    const half = b.constant('half', 'float16', [4, 4], stored);
    const turned = b.node('Transpose', [b.node('Cast', [half], { to: 1 })], { perm: [1, 0] });
    b.output(b.node('MatMul', [b.node('Relu', [b.node('MatMul', [x, turned])]), b.weight('w2', [4, 3])]), 'float32', [
      'N',
      3,
    ]);
    expect((await (await Planted.in(b, child)).clean()).found).toEqual([]);
  });

  test('weights that are stored coarsely and computed with finely are what they are, to the last bit', async () => {
    for (const [type, step] of [
      ['float16', 2 ** -10],
      ['bfloat16', 2 ** -7],
    ] as const) {
      const b = new ModelBuilder();
      const x = b.input('x', 'float32', ['N', 2]);
      const stored = b.constant('w1', type, [2, 4], [1, 1, 0.5, 2, -1, -1 - step, 0.25, -3]);
      const hidden = b.node('Relu', [b.node('MatMul', [x, b.node('Cast', [stored], { to: 1 })])]);
      // The reader takes the difference of the two that are nearly alike.
      b.output(b.node('MatMul', [hidden, b.constant('w2', 'float32', [4, 1], [1, -1, 1e-3, 1e-3])]), 'float32', [
        'N',
        1,
      ]);
      expect((await (await Planted.in(b, child)).clean()).found, type).toEqual([]);
    }
  });

  test('float64 numbers that differ by more than their rounding are different', async () => {
    const nearly = 0.5 * (1 + 1e-7);
    const zeros = [0, 0, 0, 0];
    const between: Record<string, (b: ModelBuilder, x: string) => string> = {
      Add: (b, x) => b.node('Add', [x, b.constant('v', 'float64', [4], [0.5, 0.1, 0.2, nearly])]),
      Sigmoid: (b, x) =>
        b.node('Sigmoid', [b.node('Mul', [x, b.constant('v', 'float64', [4], [0.5, 0.1, 0.2, nearly])])]),
      BatchNormalization: (b, x) =>
        b.node('BatchNormalization', [
          x,
          b.constant('gamma', 'float64', [4], [1, 2, 3, 1]),
          b.constant('beta', 'float64', [4], [0.5, 0.1, 0.2, nearly]),
          b.constant('mean', 'float64', [4], zeros),
          b.constant('variance', 'float64', [4], [1, 1, 1, 1]),
        ]),
    };
    for (const [name, make] of Object.entries(between)) {
      const b = new ModelBuilder();
      const x = b.input('x', 'float64', ['N', 2]);
      const columns = matrix(2, 4, (row, column) => any(row, column === 3 ? 0 : column));
      const hidden = b.node('MatMul', [x, b.constant('w1', 'float64', [2, 4], columns)]);
      // The reader takes the difference of the two that are nearly alike.
      const last = b.constant('w2', 'float64', [4, 1], [1, 1e-9, 1e-9, -1]);
      b.output(b.node('MatMul', [make(b, hidden), last]), 'float64', ['N', 1]);
      expect((await (await Planted.in(b, child)).clean()).found, name).toEqual([]);
    }
  });

  test('an exponent beside 2 is another one: negative numbers have no such power', async () => {
    const between = (b: ModelBuilder, x: string): string =>
      b.node('Pow', [x, b.constant('exponents', 'float32', [4, 1, 1], [2, 2, 2, 2 * (1 + 2 ** -23)])]);
    expect((await (await Planted.in(twins(between), child)).clean()).found).toEqual([]);
  });
});

describe('what is written stays in the range of its type', { timeout: 120_000 }, () => {
  const scaled = (small: number, large: number): number[] =>
    matrix(2, 4, (row, column) =>
      column === 0 ? (row + 1) * small : column === 1 ? (row + 1) * large : any(row, column),
    );

  test('a multiple that its type cannot hold is not merged', async () => {
    const net = await Planted.in(chain('float32', scaled(1e-30, 1e10), [1, 0.5, 1, 1]), child);
    await net.clean();
    for (const element of net.value('w2').tensor?.floats() ?? []) expect(element).toSatisfy(Number.isFinite);
    const half = await Planted.in(chain('float16', scaled(2 ** -10, 2 ** 7), [1, 1, 1, 1]), child);
    await half.clean();
    for (const element of half.value('w2').tensor?.floats() ?? []) expect(element).toSatisfy(Number.isFinite);
  });

  test('a channel of denormal numbers does not stand for one of normal ones', async () => {
    const single = await Planted.in(chain('float32', scaled(1e-43, 1), [1e-3, 0.5, 1, 1]), child);
    expect((await single.clean()).found).toEqual([]);
    const half = await Planted.in(chain('float16', scaled(2 ** -22, 1), [1, 2 ** -8, 1, 1]), child);
    expect((await half.clean()).found).toEqual([]);
  });

  test('a constant whose product a bias cannot hold stays a channel', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float16', ['N', 2]);
    const rows = matrix(2, 4, (row, column) => (column === 1 ? 0 : any(row, column)));
    const hidden = b.node('Gemm', [
      x,
      b.constant('w1', 'float16', [2, 4], rows),
      b.constant('b1', 'float16', [4], [150, 300, 0.1, 0.2]),
    ]);
    // 300 · 300 is beyond 65504; what comes of channel 0 is about as large, with the other sign.
    b.output(
      b.node('MatMul', [b.node('Relu', [hidden]), b.constant('w2', 'float16', [4, 1], [-600, 300, 1, 1])]),
      'float16',
      ['N', 1],
    );
    await (await Planted.in(b, child)).clean();
  });
});

describe('what is written keeps its place', { timeout: 120_000 }, () => {
  test('a scalar of more axes than what it is added to keeps them', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 4]);
    const rows = matrix(4, 4, (row, column) => (column === 1 ? 0 : any(row, column)));
    const hidden = b.node('Relu', [
      b.node('Gemm', [x, b.constant('w1', 'float32', [4, 4], rows), b.constant('b1', 'float32', [4], [1, 2, 3, 4])]),
    ]);
    const product = b.node('MatMul', [hidden, b.weight('w2', [4, 3])]);
    b.output(b.node('Add', [product, b.constant('one', 'float32', [1, 1, 1], [1])]), 'float32', [1, 'N', 3]);
    expect((await (await Planted.in(b, child)).clean()).found).toEqual(['w1 1 constant']);
  });

  test('a bias from outside the body that adds it', async () => {
    for (const opType of ['Gemm', 'MatMul']) {
      const b = new ModelBuilder();
      const x = b.input('x', 'float32', ['N', 2]);
      const wish = b.input('wish', 'bool', []);
      const rows = matrix(2, 4, (row, column) => (column === 1 ? 0 : any(row, column)));
      const hidden = b.node('Relu', [
        b.node('Gemm', [x, b.constant('w1', 'float32', [2, 4], rows), b.constant('b1', 'float32', [4], [1, 2, 3, 4])]),
      ]);
      b.vector('outer', 3);
      const [one, other] = [b.subgraph(), b.subgraph()];
      for (const [body, bias] of [
        [one, 'outer'],
        [other, other.vector('inner', 3)],
      ] as const) {
        const weight = body.weight(`w_${bias}`, [4, 3]);
        const out =
          opType === 'Gemm'
            ? body.node('Gemm', [hidden, weight, bias])
            : body.node('Add', [body.node('MatMul', [hidden, weight]), bias]);
        body.output(out, 'float32', [undefined, 3]);
      }
      b.output(b.node('If', [wish], { then_branch: { graph: one }, else_branch: { graph: other } }), 'float32', [
        'N',
        3,
      ]);
      expect((await (await Planted.in(b, child)).clean()).found, opType).toEqual(['w1 1 constant']);
    }
  });
});
