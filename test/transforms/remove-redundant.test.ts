import { afterAll, describe, expect, test } from 'vitest';
import { Tensor } from '../../src/ir/tensor.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { Planted } from '../support/plant.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** image [N,3,8,8] → Conv 16 → `between` → Conv 8 (pads as given) → pooled → Gemm 4. */
function convNet(
  options: { pads?: number; between?: (b: ModelBuilder, x: string) => string; bias?: boolean } = {},
): ModelBuilder {
  const { pads = 0, between = (b, x) => b.node('Relu', [x]), bias = true } = options;
  const b = new ModelBuilder();
  const image = b.input('image', 'float32', ['N', 3, 8, 8]);
  const first = b.node('Conv', [image, b.weight('w1', [16, 3, 3, 3]), ...(bias ? [b.vector('b1', 16)] : [])], {
    pads: [1, 1, 1, 1],
  });
  const second = b.node(
    'Conv',
    [between(b, first), b.weight('w2', [8, 16, 3, 3]), ...(bias ? [b.vector('b2', 8)] : [])],
    {
      pads: [pads, pads, pads, pads],
    },
  );
  const pooled = b.node('Flatten', [b.node('GlobalAveragePool', [b.node('Relu', [second])])]);
  b.output(b.node('Gemm', [pooled, b.weight('w3', [4, 8]), b.vector('b3', 4)], { transB: 1 }), 'float32', ['N', 4]);
  return b;
}

/** x [N,6] → MatMul 12 → Add → `act` → MatMul 5, no bias behind. */
function mlp(act: string, options: { bias?: boolean } = {}): ModelBuilder {
  const b = new ModelBuilder({ opset: 20 });
  const x = b.input('x', 'float32', ['N', 6]);
  const hidden = b.node('MatMul', [x, b.weight('w1', [6, 12])]);
  const biased = options.bias === false ? hidden : b.node('Add', [hidden, b.vector('b1', 12)]);
  b.output(b.node('MatMul', [b.node(act, [biased]), b.weight('w2', [12, 5])]), 'float32', ['N', 5]);
  return b;
}

describe('channels that are there for nothing', { timeout: 120_000 }, () => {
  test('a net without any keeps all', async () => {
    const { report, found } = await (await Planted.in(convNet(), child)).clean();
    expect(found).toEqual([]);
    expect(report).toMatchObject({ removedChannels: 0, axes: [], outputs: [], deadNodes: 0 });
  });

  test('zero, constant, unread, duplicate and multiple: all found, none invented', async () => {
    const net = await Planted.in(convNet(), child);
    net.zero('w1', 0, 1).zero('b1', 0, 1); // zero
    net.zero('w1', 0, 3); // constant: its bias, where that is positive
    net.slice('b1', 0, 3, () => 0.7);
    net.zero('w2', 1, 5); // unread
    net.multiple('w1', 0, 9, 2, 1).multiple('b1', 0, 9, 2, 1); // duplicate
    net.multiple('w1', 0, 11, 2, 1.7).multiple('b1', 0, 11, 2, 1.7); // multiple
    const { found, report } = await net.clean();
    expect(found).toEqual(['w1 1 zero', 'w1 11 duplicate of 2', 'w1 3 constant', 'w1 5 unread', 'w1 9 duplicate of 2']);
    expect(report.byReason).toEqual({ zero: 1, constant: 1, unread: 1, duplicate: 2 });
    expect(report.groups[0]).toMatchObject({ before: 16, after: 11, weight: { initializer: 'w1', axis: 0 } });
    expect(report.groups[0]?.removed.find(({ index }) => index === 11)?.multiple).toBeCloseTo(1.7, 6);
    expect(net.value('w1').tensor?.dims).toEqual([11, 3, 3, 3]);
    expect(net.value('w2').tensor?.dims).toEqual([8, 11, 3, 3]);
    expect(report.axes.find(({ initializer }) => initializer === 'b1')?.kept).toEqual([
      0, 2, 4, 6, 7, 8, 10, 12, 13, 14, 15,
    ]);
  });

  test('a constant behind zero padding stays, but for one that is a multiple of another', async () => {
    const net = await Planted.in(convNet({ pads: 1 }), child);
    net.zero('w1', 0, 3).slice('b1', 0, 3, () => 0.7);
    expect((await net.clean()).found).toEqual([]);
    net.zero('w1', 0, 4).slice('b1', 0, 4, () => 1.4);
    expect((await net.clean()).found).toEqual(['w1 4 duplicate of 3']);
  });

  test('a constant that is not positive is zero behind a Relu', async () => {
    const net = await Planted.in(convNet({ pads: 1 }), child);
    net.zero('w1', 0, 3).slice('b1', 0, 3, () => -0.7);
    expect((await net.clean()).found).toEqual(['w1 3 zero']);
  });

  test('a negative multiple is none behind a Relu, and a multiple none where the bias is not', async () => {
    const net = await Planted.in(convNet(), child);
    net.multiple('w1', 0, 4, 2, -1).multiple('b1', 0, 4, 2, -1);
    net.multiple('w1', 0, 6, 2, 2);
    expect((await net.clean()).found).toEqual([]);
  });

  test('a multiple is none behind an activation that bends it, a duplicate stays one', async () => {
    for (const act of ['Sigmoid', 'Gelu', 'Tanh', 'HardSwish']) {
      const net = await Planted.in(mlp(act), child);
      net.multiple('w1', 1, 4, 2, 2).multiple('b1', 0, 4, 2, 2);
      net.multiple('w1', 1, 7, 5, 1).multiple('b1', 0, 7, 5, 1);
      net.zero('w1', 1, 9);
      expect((await net.clean()).found, act).toEqual(['w1 7 duplicate of 5', 'w1 9 constant']);
    }
  });

  test('multiples pass what is positively homogeneous', async () => {
    const between: Record<string, (b: ModelBuilder, x: string) => string> = {
      LeakyRelu: (b, x) => b.node('LeakyRelu', [x], { alpha: { float: 0.1 } }),
      MaxPool: (b, x) => b.node('MaxPool', [b.node('Relu', [x])], { kernel_shape: [2, 2] }),
      AveragePool: (b, x) =>
        b.node('AveragePool', [x], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }),
      Abs: (b, x) => b.node('Abs', [x]),
      'Mul by a number': (b, x) => b.node('Mul', [x, b.constant('half', 'float32', [], [0.5])]),
      'Max with 0': (b, x) => b.node('Max', [x, b.constant('nought', 'float32', [1], [0])]),
      'Mul with itself': (b, x) => b.node('Mul', [x, x]),
      'Add of two': (b, x) => b.node('Add', [b.node('Relu', [x]), b.node('LeakyRelu', [x])]),
    };
    for (const [name, make] of Object.entries(between)) {
      const net = await Planted.in(convNet({ between: make }), child);
      net.multiple('w1', 0, 4, 2, 3).multiple('b1', 0, 4, 2, 3);
      expect((await net.clean()).found, name).toEqual(['w1 4 duplicate of 2']);
    }
  });

  test('what is added to all channels alike makes multiples differ', async () => {
    const between = (b: ModelBuilder, x: string): string => b.node('Add', [x, b.constant('three', 'float32', [], [3])]);
    const net = await Planted.in(convNet({ between }), child);
    net.multiple('w1', 0, 4, 2, 3).multiple('b1', 0, 4, 2, 3);
    net.multiple('w1', 0, 7, 6, 1).multiple('b1', 0, 7, 6, 1);
    expect((await net.clean()).found).toEqual(['w1 7 duplicate of 6']);
  });

  test('batch normalization: gains of zero, and multiples by its parameters', async () => {
    const between = (b: ModelBuilder, x: string): string =>
      b.node('Relu', [
        b.node('BatchNormalization', [
          x,
          b.vector('gamma', 16, { positive: true }),
          b.vector('beta', 16),
          b.vector('mean', 16),
          b.vector('variance', 16, { positive: true }),
        ]),
      ]);
    const net = await Planted.in(convNet({ between }), child);
    net.zero('gamma', 0, 1).slice('beta', 0, 1, () => 0.4);
    net.zero('gamma', 0, 3).slice('beta', 0, 3, () => -0.4);
    for (const name of ['w1', 'b1', 'mean', 'variance']) net.multiple(name, 0, 8, 6, 1);
    net.multiple('gamma', 0, 8, 6, 2).multiple('beta', 0, 8, 6, 2);
    expect((await net.clean()).found).toEqual(['w1 1 constant', 'w1 3 zero', 'w1 8 duplicate of 6']);
  });

  test('what leaves one layer frees the next', async () => {
    const b = new ModelBuilder();
    let x = b.input('x', 'float32', ['N', 6]);
    for (let i = 0; i < 4; i++)
      x = b.node('Relu', [b.node('Gemm', [x, b.weight(`w${i}`, [i === 3 ? 2 : 6, 6])], { transB: 1 })]);
    b.output(x, 'float32', ['N', 2]);
    const net = await Planted.in(b, child);
    // Unit 0 of w2 reads unit 1 of w1 alone, which reads unit 2 of w0 alone, which reads nothing.
    net.zero('w0', 0, 2);
    net.slice('w1', 0, 1, () => 0).slice('w2', 0, 0, () => 0);
    for (const [name, row, column] of [
      ['w1', 1, 2],
      ['w2', 0, 1],
    ] as const) {
      const { tensor } = net.value(name);
      const data = tensor?.floats().slice() ?? new Float32Array(0);
      data[row * 6 + column] = 1;
      net.model.graph.setTensor(net.value(name), Tensor.ofFloats(Float32Array.from(data), [6, 6]));
    }
    const { found, report } = await net.clean();
    expect(found).toEqual(['w0 2 zero', 'w1 1 zero', 'w2 0 zero']);
    expect(report.axes.find(({ initializer, axis }) => initializer === 'w2' && axis === 0)?.kept).toEqual([
      1, 2, 3, 4, 5,
    ]);
  });

  test('Flatten: the columns of all positions move', async () => {
    const b = new ModelBuilder();
    const image = b.input('image', 'float32', ['N', 3, 6, 6]);
    const conv = b.node('Relu', [b.node('Conv', [image, b.weight('w1', [8, 3, 3, 3]), b.vector('b1', 8)])]);
    b.output(
      b.node('Gemm', [b.node('Flatten', [conv]), b.weight('w2', [4, 128]), b.vector('b2', 4)], { transB: 1 }),
      'float32',
      ['N', 4],
    );
    const net = await Planted.in(b, child);
    net.multiple('w1', 0, 5, 2, 1.3).multiple('b1', 0, 5, 2, 1.3);
    net.zero('w1', 0, 6).slice('b1', 0, 6, () => 0.9);
    expect((await net.clean()).found).toEqual(['w1 5 duplicate of 2', 'w1 6 constant']);
    expect(net.value('w2').tensor?.dims).toEqual([4, 96]);
  });

  test('depthwise convolutions, residual sums, Concat', async () => {
    const b = new ModelBuilder();
    const image = b.input('image', 'float32', ['N', 3, 6, 6]);
    const first = b.node('Relu', [b.node('Conv', [image, b.weight('w1', [8, 3, 1, 1]), b.vector('b1', 8)])]);
    const deep = b.node('Relu', [
      b.node('Conv', [first, b.weight('dw', [8, 1, 3, 3]), b.vector('db', 8)], { group: 8, pads: [1, 1, 1, 1] }),
    ]);
    const sum = b.node('Add', [deep, first]);
    const both = b.node('Concat', [sum, image], { axis: 1 });
    const out = b.node('Conv', [both, b.weight('w2', [4, 11, 1, 1])]);
    b.output(out, 'float32', ['N', 4, 6, 6]);
    const net = await Planted.in(b, child);
    for (const [of, to, factor] of [
      [1, 4, 2],
      [2, 6, 1],
    ] as const) {
      net.multiple('w1', 0, to, of, factor).multiple('b1', 0, to, of, factor);
      net.multiple('dw', 0, to, of, 1).multiple('db', 0, to, of, factor);
    }
    net
      .zero('w1', 0, 7)
      .zero('b1', 0, 7)
      .slice('db', 0, 7, () => -1);
    expect((await net.clean()).found).toEqual(['w1 4 duplicate of 1', 'w1 6 duplicate of 2', 'w1 7 zero']);
  });

  test('a multiple in another group is named with its group', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 6]);
    const hidden = b.node('Relu', [b.node('Gemm', [x, b.weight('w1', [8, 6])], { transB: 1 })]);
    const [left = '', right = ''] = b.nodes('Split', [hidden, b.constant('parts', 'int64', [2], [4, 4])], 2, {
      axis: 1,
    });
    const swapped = b.node('Concat', [right, left], { axis: 1 });
    b.output(b.node('Gemm', [swapped, b.weight('w2', [3, 8])], { transB: 1 }), 'float32', ['N', 3]);
    const net = await Planted.in(b, child);
    net.multiple('w1', 0, 6, 1, 2);
    expect((await net.clean()).found).toEqual(['w1[4…] 6 duplicate of 1 in w1[0…]']);
  });

  test('a constant goes behind a MatMul without a bias, at an output of the graph too', async () => {
    const net = await Planted.in(mlp('Sigmoid'), child);
    net.zero('w1', 1, 9).zero('w1', 1, 2);
    expect((await net.clean()).found).toEqual(['w1 2 constant', 'w1 9 constant']);
  });

  test('tied weights are not rewritten', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 6]);
    const [first, tied] = [b.weight('w1', [6, 6]), b.weight('w2', [6, 6])];
    const one = b.node('Relu', [b.node('Gemm', [x, first], { transB: 1 })]);
    const two = b.node('Relu', [b.node('Gemm', [one, tied], { transB: 1 })]);
    b.output(b.node('Gemm', [two, tied], { transB: 1 }), 'float32', ['N', 6]);
    const net = await Planted.in(b, child);
    net.multiple('w1', 0, 5, 2, 1.3);
    expect((await net.clean()).found).toEqual([]);
  });

  test('one channel stays where all could leave', async () => {
    const net = await Planted.in(convNet(), child);
    for (let i = 0; i < 16; i++) net.zero('w1', 0, i).zero('b1', 0, i);
    const { report } = await net.clean();
    expect(report.groups[0]).toMatchObject({ before: 16, after: 1 });
  });

  test('--exclude keeps a layer, and kernels keep their width', async () => {
    const net = await Planted.in(convNet(), child);
    for (const i of [1, 2, 3, 4, 5, 6]) net.zero('w1', 0, i).zero('b1', 0, i);
    expect((await net.clean({ exclude: ['w1'] })).found).toEqual([]);
    const { report } = await net.clean({ alignment: { block: 16, strict: false } });
    expect(report.groups[0]).toMatchObject({ before: 16, after: 12, keptForSpeed: 2 });
    expect((await net.clean()).report.groups[0]).toMatchObject({ before: 12, after: 10 });
  });

  test('hidden units of an LSTM that nothing reads', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', [5, 'N', 3]);
    const [y = ''] = b.nodes('LSTM', [x, b.weight('w', [1, 24, 3]), b.weight('r', [1, 24, 6])], 3, { hidden_size: 6 });
    const flat = b.node('Squeeze', [y, b.constant('one', 'int64', [1], [1])]);
    b.output(b.node('MatMul', [flat, b.weight('w2', [6, 2])]), 'float32', [5, 'N', 2]);
    const net = await Planted.in(b, child);
    net.zero('w2', 0, 4).zero('r', 2, 4);
    net.zero('w2', 0, 1);
    const { found, report } = await net.clean();
    expect(found).toEqual(['w 4 unread']);
    expect(report.outputs.length).toBe(2);
  });
});
