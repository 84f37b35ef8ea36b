import { afterAll, describe, expect, test } from 'vitest';
import { checkGraph } from '../../src/ir/check.ts';
import { cloneModel, exportModel, importModel, type Model } from '../../src/ir/model.ts';
import { graphsIn, initializersIn } from '../../src/ir/node.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import type { GraphProto } from '../../src/onnx/messages.ts';
import { type HostTensor, RuntimeChild, run } from '../../src/runtime/index.ts';
import { type GraphBuilder, ModelBuilder, type ModelOptions } from '../support/build.ts';
import { createRandom } from '../support/random.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

const imported = (b: ModelBuilder): Model => importModel(decodeModel(b.bytes()));

/** Numbers of which about one in ten is not zero. */
function mostlyZero(count: number): number[] {
  const random = createRandom(3);
  return Array.from({ length: count }, () => (random.normal() > 1.3 ? random.normal() : 0));
}

/** x [2, 8] times a matrix that only the branch by the sum of x reads; another one in the branch itself. */
function branching(options: ModelOptions = {}): ModelBuilder {
  const b = new ModelBuilder(options);
  const x = b.input('x', 'float32', [2, 8]);
  const outer = b.constant('outer', 'float32', [8, 30], mostlyZero(240));
  const sum = b.node('ReduceSum', [x], { keepdims: 0 });
  const flag = b.node('Greater', [sum, b.constant('zero', 'float32', [], [0])]);
  const branch = (turn: (body: GraphBuilder) => string): { graph: GraphBuilder } => {
    const body = b.subgraph();
    body.output(turn(body), 'float32');
    return { graph: body };
  };
  const y = b.node('If', [flag], {
    then_branch: branch((body) => {
      const inner = body.constant('inner', 'float32', [30, 4], mostlyZero(120));
      return body.node('MatMul', [body.node('MatMul', [x, outer]), inner]);
    }),
    else_branch: branch((body) =>
      body.node('MatMul', [x, body.constant('other', 'float32', [8, 4], Array(32).fill(1))]),
    ),
  });
  b.output(b.node('Relu', [y], {}, { outputs: ['y'] }), 'float32');
  return b;
}

const feeds = (from: number): { x: HostTensor } => ({
  x: { type: 'float32', dims: [2, 8], data: Float32Array.from({ length: 16 }, (_, i) => from + i / 4) },
});

const sparseNames = (graph: GraphProto | undefined): string[] => [
  ...(graph?.sparseInitializer ?? []).map(({ values }) => values?.name ?? ''),
  ...(graph?.node ?? []).flatMap(({ attribute = [] }) => attribute.flatMap(({ g }) => (g ? sparseNames(g) : []))),
];

const denseNames = (graph: GraphProto | undefined): string[] => [
  ...(graph?.initializer ?? []).map(({ name }) => name ?? ''),
  ...(graph?.node ?? []).flatMap(({ attribute = [] }) => attribute.flatMap(({ g }) => (g ? denseNames(g) : []))),
];

describe('a model written with sparse initializers', () => {
  test('has them in every graph, and runs to the same bits', async () => {
    const model = imported(branching());
    const dense = encodeModel(exportModel(model));
    const proto = exportModel(model, 'refer', { sparse: true });
    expect(sparseNames(proto.graph)).toEqual(['outer', 'inner']);
    expect(denseNames(proto.graph)).toEqual(['zero', 'other']);
    const sparse = encodeModel(proto);
    expect(sparse.length).toBeLessThan(dense.length);
    for (const from of [1, -9]) {
      const [a, b] = [await run(child, dense, feeds(from)), await run(child, sparse, feeds(from))];
      expect(b).toEqual(a);
    }
  });

  test('is read as the dense one, and written dense or sparse again', () => {
    const model = imported(branching());
    const dense = encodeModel(exportModel(model));
    const sparse = encodeModel(exportModel(model, 'refer', { sparse: true }));
    const back = importModel(decodeModel(sparse));
    checkGraph(back.graph);
    expect(
      initializersIn(back.graph)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['inner', 'other', 'outer', 'zero']);
    expect(exportModel(back).graph?.sparseInitializer ?? []).toEqual([]);
    expect(denseNames(exportModel(back).graph).sort()).toEqual(denseNames(decodeModel(dense).graph).sort());
    expect(encodeModel(exportModel(back, 'refer', { sparse: true }))).toEqual(sparse);
    const copy = cloneModel(back).model;
    expect(encodeModel(exportModel(copy, 'refer', { sparse: true }))).toEqual(sparse);
  });

  test('keeps the message that was read as it is', () => {
    const proto = decodeModel(encodeModel(exportModel(imported(branching()), 'refer', { sparse: true })));
    importModel(proto);
    expect(sparseNames(proto.graph)).toEqual(['outer', 'inner']);
  });

  test('has its graph inputs and outputs dense', () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', [100]);
    b.input('given', 'float32', [100]);
    for (const name of ['given', 'inside', 'handed']) b.constant(name, 'float32', [100], Array(100).fill(0));
    b.output(b.node('Sum', [x, 'given', 'inside', 'handed'], {}, { outputs: ['y'] }), 'float32', [100]);
    b.output('handed', 'float32', [100]);
    const { graph } = exportModel(imported(b), 'refer', { sparse: true });
    expect(sparseNames(graph)).toEqual(['inside']);
    expect(denseNames(graph)).toEqual(['given', 'handed']);
  });

  test.each([
    [5, 10, 6],
    [6, 11, 6],
    [9, 17, 9],
  ])('of IR version %i and operator set %i states %i, and onnxruntime takes it', async (irVersion, opset, stated) => {
    const b = new ModelBuilder({ irVersion, opset });
    const w = b.constant('w', 'float32', [8, 30], mostlyZero(240));
    b.output(b.node('MatMul', [b.input('x', 'float32', [2, 8]), w], {}, { outputs: ['y'] }), 'float32', [2, 30]);
    const model = imported(b);
    const proto = exportModel(model, 'refer', { sparse: true });
    expect(Number(proto.irVersion)).toBe(stated);
    expect(Number(exportModel(model).irVersion)).toBe(irVersion);
    expect(await run(child, encodeModel(proto), feeds(1))).toEqual(await run(child, b.bytes(), feeds(1)));
  });

  test('of IR version 3, where every initializer is an input, has none', () => {
    const b = new ModelBuilder({ irVersion: 3, opset: 8, initializersAsInputs: true });
    const w = b.constant('w', 'float32', [8, 30], mostlyZero(240));
    b.output(b.node('MatMul', [b.input('x', 'float32', [2, 8]), w], {}, { outputs: ['y'] }), 'float32', [2, 30]);
    const proto = exportModel(imported(b), 'refer', { sparse: true });
    expect(sparseNames(proto.graph)).toEqual([]);
    expect(Number(proto.irVersion)).toBe(3);
  });

  test.each(['float32', 'float64', 'float16'] as const)(
    'of %s, with -0 and zeros alone, runs to the same bits',
    async (type) => {
      const b = new ModelBuilder();
      const values = Array<number>(60).fill(0).with(7, -0).with(31, 2.5);
      const some = b.constant('some', type, [60], values);
      const none = b.constant('none', type, [60], Array(60).fill(0));
      // 1 / -0 shows the sign.
      const one = b.constant('one', type, [], [1]);
      for (const w of [some, none]) {
        const y = b.node('Div', [b.node('Mul', [one, b.input(`x_${w}`, type, [1])]), w], {}, { outputs: [`y_${w}`] });
        b.output(y, type, [60]);
      }
      const proto = exportModel(imported(b), 'refer', { sparse: true });
      expect(sparseNames(proto.graph)).toEqual(['some', 'none']);
      const data = { float32: Float32Array.of(1), float64: Float64Array.of(1), float16: Uint16Array.of(0x3c00) }[type];
      const x: HostTensor = { type, dims: [1], data };
      const both = { x_some: x, x_none: x };
      const [before, after] = [await run(child, b.bytes(), both), await run(child, encodeModel(proto), both)];
      expect(after).toEqual(before);
    },
  );
});

describe('a sparse initializer that is read', () => {
  test('is an initializer like others, in a body too', () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', [4]);
    const values = { dtype: 'float32', dims: [2], values: [5, 6] } as const;
    const w = b.sparseInitializer('w', { dims: [4], indices: [0, 3], values });
    const body = b.subgraph();
    const inner = body.sparseInitializer('inner', { dims: [4], indices: [1, 2], values });
    body.output(body.node('Add', [x, inner]), 'float32');
    const flag = b.constant('flag', 'bool', [], [1]);
    const y = b.node('If', [flag], { then_branch: { graph: body }, else_branch: { graph: body } });
    b.output(b.node('Add', [y, w], {}, { outputs: ['y'] }), 'float32', [4]);
    const model = imported(b);
    checkGraph(model.graph);
    const all = graphsIn(model.graph).flatMap(({ initializers }) => [...initializers]);
    const found = all.filter(({ tensor }) => tensor?.type === 'float32');
    expect(found.map(({ name, tensor }) => [name, ...(tensor?.floats() ?? [])])).toEqual([
      ['w', 5, 0, 0, 6],
      ['inner', 0, 5, 6, 0],
      ['inner', 0, 5, 6, 0],
    ]);
  });

  test('may be the default of a graph input', () => {
    const b = new ModelBuilder();
    b.input('w', 'float32', [4]);
    const values = { dtype: 'float32', dims: [1], values: [5] } as const;
    b.sparseInitializer('w', { dims: [4], indices: [2], values });
    b.output(b.node('Neg', ['w'], {}, { outputs: ['y'] }), 'float32', [4]);
    const { graph } = imported(b);
    expect(graph.inputs.map(({ name, tensor }) => [name, ...(tensor?.floats() ?? [])])).toEqual([['w', 0, 0, 5, 0]]);
  });

  test('of texts stays in the file as it is', () => {
    const b = new ModelBuilder();
    const values = { dtype: 'string', dims: [1], values: ['a'] } as const;
    b.sparseInitializer('texts', { dims: [4], indices: [2], values });
    b.output(b.node('Identity', ['texts'], {}, { outputs: ['y'] }), 'string', [4]);
    const model = imported(b);
    checkGraph(model.graph);
    expect(initializersIn(model.graph)).toEqual([]);
    expect(sparseNames(exportModel(model).graph)).toEqual(['texts']);
  });

  test('that is broken is refused by its name', () => {
    const b = new ModelBuilder();
    const values = { dtype: 'float32', dims: [1], values: [5] } as const;
    b.sparseInitializer('w', { dims: [4], indices: [4], values });
    b.output(b.node('Neg', ['w'], {}, { outputs: ['y'] }), 'float32', [4]);
    expect(() => imported(b)).toThrow(
      /^Sparse tensor "w" has an index \(number 1\) that lies outside of its dims; export/,
    );
  });

  test('is not defined beside another value of its name', () => {
    const b = new ModelBuilder();
    const values = { dtype: 'float32', dims: [1], values: [5] } as const;
    b.constant('w', 'float32', [4], [1, 2, 3, 4]);
    b.sparseInitializer('w', { dims: [4], indices: [0], values });
    b.output(b.node('Neg', ['w'], {}, { outputs: ['y'] }), 'float32', [4]);
    expect(() => imported(b)).toThrow(/"w" is defined twice, the second time as a sparse initializer/);
  });
});
