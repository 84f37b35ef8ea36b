import { afterAll, describe, expect, test } from 'vitest';
import { checkGraph } from '../../src/ir/check.ts';
import { exportModel, importModel, type Model } from '../../src/ir/model.ts';
import { graphsIn, initializersIn, nodesIn } from '../../src/ir/node.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import { type HostTensor, RuntimeChild, run } from '../../src/runtime/index.ts';
import { storeHalf } from '../../src/transforms/store-half.ts';
import { branching } from '../support/bodies.ts';
import { ModelBuilder, type ModelOptions } from '../support/build.ts';
import { fromFloat16, toFloat16 } from '../support/build-tensor.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

const imported = (b: ModelBuilder): Model => importModel(decodeModel(b.bytes()));

/** Rows of different sizes, none of them beyond the range of float16. */
const wave = (count: number, scale = 1): number[] =>
  Array.from({ length: count }, (_, i) => scale * (Math.sin(i * 1.7) + 1.5));

/** x [1, 8] times `w` [8, 16], plus a bias, plus `w` again by its sum. */
function net(values: readonly number[], options: ModelOptions = {}): ModelBuilder {
  const b = new ModelBuilder(options);
  const w = b.constant('w', 'float32', [8, values.length / 8], values);
  b.valueInfo(w, 'float32', [8, values.length / 8]);
  const product = b.node('MatMul', [b.input('x', 'float32', [1, 8]), w]);
  const largest = b.node('ReduceMax', [w], { keepdims: 0 });
  b.output(b.node('Add', [product, largest], {}, { outputs: ['y'] }), 'float32', [1, values.length / 8]);
  return b;
}

const x: HostTensor = { type: 'float32', dims: [1, 8], data: Float32Array.from({ length: 8 }, (_, i) => i / 4 - 1) };

const typeOf = (model: Model, name: string): string | undefined =>
  initializersIn(model.graph).find((value) => value.name === name)?.tensor?.type;

const casts = (model: Model): number => nodesIn(model.graph).filter(({ opType }) => opType === 'Cast').length;

describe('weights are stored in float16', () => {
  test('and widened once for all that read them, to what rounding them gives', async () => {
    const values = wave(128);
    const model = imported(net(values));
    const report = storeHalf(model);
    const rounded = values.map((value) => fromFloat16(toFloat16(Math.fround(value))));
    expect(typeOf(model, 'w')).toBe('float16');
    expect(casts(model)).toBe(1);
    const norm = (numbers: readonly number[]): number => Math.hypot(...numbers);
    const lost = norm(values.map((value, i) => Math.fround(value) - (rounded[i] ?? 0))) / norm(values);
    expect(report).toMatchObject({ kept: [], bytesSaved: 256, stored: [{ initializer: 'w', elements: 128 }] });
    expect(report.stored[0]?.relativeError).toBeCloseTo(lost, 9);
    expect(report.largestError).toBe(report.stored[0]?.relativeError);
    const after = await run(child, encodeModel(exportModel(model)), { x });
    expect(after).toEqual(await run(child, net(rounded).bytes(), { x }));
  });

  test('in every graph, beside the nodes of that graph', () => {
    const model = imported(branching());
    storeHalf(model);
    checkGraph(model.graph);
    const [main, ...bodies] = graphsIn(model.graph).map((graph) => ({
      halves: [...graph.initializers].filter(({ tensor }) => tensor?.type === 'float16').map(({ name }) => name),
      casts: [...graph.nodes].filter(({ opType }) => opType === 'Cast').length,
    }));
    expect(main).toMatchObject({ casts: main?.halves.length });
    expect(bodies.map(({ halves }) => halves.sort())).toEqual([
      ['yes.down', 'yes.up'],
      ['no.down', 'no.up'],
    ]);
    expect(bodies.map((body) => body.casts)).toEqual([2, 2]);
  });

  test('that a body reads from outside are widened outside', async () => {
    const build = (): ModelBuilder => {
      const b = new ModelBuilder();
      const w = b.constant('w', 'float32', [8, 16], wave(128));
      const input = b.input('x', 'float32', [1, 8]);
      const body = b.subgraph();
      body.output(body.node('MatMul', [input, w]), 'float32');
      const flag = b.node('Greater', [
        b.node('ReduceSum', [input], { keepdims: 0 }),
        b.constant('z', 'float32', [], [9]),
      ]);
      const y = b.node('If', [flag], { then_branch: { graph: body }, else_branch: { graph: body } });
      b.output(b.node('Neg', [y], {}, { outputs: ['y'] }), 'float32', [1, 16]);
      return b;
    };
    const model = imported(build());
    expect(storeHalf(model).stored).toHaveLength(1);
    expect(
      graphsIn(model.graph).map((graph) => [...graph.nodes].filter(({ opType }) => opType === 'Cast').length),
    ).toEqual([1, 0, 0]);
    const [before, after] = [
      await run(child, build().bytes(), { x }),
      await run(child, encodeModel(exportModel(model)), { x }),
    ];
    const data = (outputs: typeof before): number[] => Array.from(outputs['y']?.data ?? [], Number);
    const far = data(after).map((value, i) => Math.abs(value - (data(before)[i] ?? 0)));
    expect(Math.max(...far)).toBeLessThan(5e-3);
  });

  test('again without any change', () => {
    const model = imported(net(wave(128)));
    storeHalf(model);
    const once = encodeModel(exportModel(model));
    expect(storeHalf(model)).toMatchObject({ stored: [], kept: [], bytesSaved: 0, largestError: 0 });
    expect(encodeModel(exportModel(model))).toEqual(once);
  });

  test('and sparse at the same time, to the same bits', async () => {
    const values = wave(1024).map((value, i) => (i % 10 === 0 ? value : 0));
    const model = imported(net(values));
    storeHalf(model);
    const proto = exportModel(model, 'refer', { sparse: true });
    expect(proto.graph?.sparseInitializer?.map(({ values: stored }) => [stored?.name, stored?.dataType])).toEqual([
      ['w', 10],
    ]);
    expect(await run(child, encodeModel(proto), { x })).toEqual(
      await run(child, encodeModel(exportModel(model)), { x }),
    );
  });

  test('from operator set 6 on', async () => {
    const model = imported(net(wave(128), { opset: 7 }));
    expect(storeHalf(model).stored).toHaveLength(1);
    await run(child, encodeModel(exportModel(model)), { x });
    expect(storeHalf(imported(net(wave(128), { opset: 5 })))).toMatchObject({
      stored: [],
      kept: [{ initializer: 'w', reason: 'operator set 5 of the model is older than 6, whose Cast it needs' }],
    });
  });
});

describe('tensors stay in float32', () => {
  const large = wave(128);
  test.each<[string, readonly number[], RegExp]>([
    [
      'with a number beyond the range',
      large.with(5, -65505),
      /^it holds numbers up to 65505, beyond the 65504 of float16$/,
    ],
    ['with NaN', large.with(5, Number.NaN), /^it holds NaN or infinite numbers$/],
    ['with infinity', large.with(5, -Infinity), /^it holds NaN or infinite numbers$/],
    [
      'of tiny numbers alone',
      wave(128, 1e-7),
      /^float16 is too coarse for its small numbers: position 0 of its first axis would lose \d/,
    ],
    [
      'with a small row that counts beside the others',
      large.map((value, i) => (i >= 16 && i < 32 ? value * 2e-6 : value * 1e-3)),
      /: position 1 of its first axis would lose/,
    ],
    [
      'of whole numbers that would change',
      large.map((_, i) => 2049 + 2 * i),
      /^it holds whole numbers that float16 would change/,
    ],
  ])('%s', (_, values, reason) => {
    const model = imported(net(values));
    const before = encodeModel(exportModel(model));
    const report = storeHalf(model);
    expect(report.stored).toEqual([]);
    expect(report.kept).toEqual([{ initializer: 'w', reason: expect.stringMatching(reason) }]);
    expect(encodeModel(exportModel(model))).toEqual(before);
  });

  test.each<[string, readonly number[]]>([
    ['the largest number', large.with(5, 65504)],
    ['numbers that are far below the others', large.with(5, 1e-9)],
    ['rows that are far below the others', large.map((value, i) => (i >= 16 && i < 32 ? value * 1e-8 : value))],
    ['zeros', Array(128).fill(0)],
    ['whole numbers that stay', large.map((_, i) => i)],
  ])('but not for %s', (_, values) => {
    expect(storeHalf(imported(net(values)))).toMatchObject({ stored: [{ initializer: 'w' }], kept: [] });
  });

  test('of vectors, with one small element that counts', () => {
    const b = new ModelBuilder();
    // Halfway between two multiples of the smallest float16.
    const bias = b.constant('bias', 'float32', [200], wave(200, 1e-2).with(3, 100.49 * 2 ** -24));
    b.output(b.node('Add', [b.input('x', 'float32', [200]), bias], {}, { outputs: ['y'] }), 'float32', [200]);
    expect(storeHalf(imported(b)).kept).toEqual([
      { initializer: 'bias', reason: expect.stringMatching(/position 3 of its first axis would lose/) },
    ]);
  });

  test('of which there is little to save, without a word', () => {
    const b = new ModelBuilder();
    const y = b.input('x', 'float32', [1]);
    const few = b.constant('few', 'float32', [63], wave(63));
    const long = b.constant(
      'a.name.so.long.that.the.node.which.widens.takes.more.than.is.saved',
      'float32',
      [64],
      wave(64),
    );
    const scalar = b.constant('scalar', 'float32', [], [0.1]);
    const other = b.constant('other', 'int64', [200], Array(200).fill(1));
    b.node('Identity', [other]);
    for (const w of [few, long, scalar]) b.output(b.node('Mul', [y, w]), 'float32');
    const model = imported(b);
    expect(storeHalf(model)).toMatchObject({ stored: [], kept: [] });
    expect(casts(model)).toBe(0);
  });

  test('that are graph inputs or outputs', () => {
    const b = new ModelBuilder();
    b.input('given', 'float32', [128]);
    for (const name of ['given', 'handed']) b.constant(name, 'float32', [128], wave(128));
    b.output(b.node('Add', ['given', 'handed'], {}, { outputs: ['y'] }), 'float32', [128]);
    b.output('handed', 'float32', [128]);
    expect(storeHalf(imported(b))).toMatchObject({
      stored: [],
      kept: [
        { initializer: 'given', reason: 'it is a graph input, whose type is fixed' },
        { initializer: 'handed', reason: 'it is a graph output, whose type is fixed' },
      ],
    });
  });
});
