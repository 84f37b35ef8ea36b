import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checkGraph } from '../../src/ir/check.ts';
import { exportModel, importModel, type Model } from '../../src/ir/model.ts';
import { normalise } from '../../src/normalise/normalise.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import { readModelFile } from '../../src/onnx/read.ts';
import { compare, createEngine, type Feeds, makeInputs, modelInfo, RuntimeChild } from '../../src/runtime/index.ts';
import { ModelBuilder } from '../support/build.ts';

const child = new RuntimeChild();
afterAll(() => child.close());
const engine = createEngine(child);

async function normalised(b: ModelBuilder): Promise<Model> {
  const model = importModel(decodeModel(b.bytes()));
  await normalise(model, engine);
  checkGraph(model.graph, 'normalise');
  return model;
}

/** The same outputs before and after, and a second round that changes nothing. */
async function expectSame(before: Uint8Array, after: Model, feeds?: Feeds): Promise<void> {
  const bytes = encodeModel(exportModel(after));
  const { inputs } = await modelInfo(child, before);
  const data = feeds ?? makeInputs(inputs, { seed: 3, batch: 2, dims: new Map() });
  const { outputs } = await compare(child, before, bytes, [data], {
    a: { optimization: 'disabled' },
    b: { optimization: 'disabled' },
  });
  for (const output of outputs) expect(output).toMatchObject({ problem: undefined, mismatches: 0 });
  const again = importModel(decodeModel(bytes));
  await normalise(again, engine);
  expect(Buffer.compare(encodeModel(exportModel(again)), bytes)).toBe(0);
}

function operators({ graph }: Model): string[] {
  return graph.sorted().map((node) => node.opType);
}

function shapeOf(model: Model): number[] | undefined {
  return [...model.graph.nodes].find((node) => node.opType === 'Reshape')?.inputs[1]?.tensor?.integers();
}

/** Adds to a graph the nodes that make the target of a Reshape. */
type Target = (b: ModelBuilder, x: string) => string;

const list = (
  b: ModelBuilder,
  name: string,
  values: readonly number[],
  dims: readonly number[] = [values.length],
): string => b.constant(name, 'int64', dims, values);

function reshaped(target: Target, dims: readonly (number | string)[] = ['N', 8, 2, 2]): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', dims);
  b.output(b.node('Reshape', [b.node('Relu', [x]), target(b, x)], {}, { outputs: ['y'] }), 'float32');
  return b;
}

const sizeOf = (b: ModelBuilder, x: string, axis: number): string =>
  b.node('Gather', [b.node('Shape', [x]), list(b, `axis${axis}`, [axis], [])]);

const TARGETS: Readonly<Record<string, [Target, number[]]>> = {
  'x.view(x.size(0), -1), as TorchScript writes it': [
    (b, x) =>
      b.node('Concat', [b.node('Unsqueeze', [sizeOf(b, x, 0), list(b, 'zero', [0])]), list(b, 'rest', [-1])], {
        axis: 0,
      }),
    [0, -1],
  ],
  'known lengths by Gather': [
    (b, x) => {
      const parts = [0, 1].map((axis) => b.node('Unsqueeze', [sizeOf(b, x, axis), list(b, `front${axis}`, [0])]));
      return b.node('Concat', [...parts, list(b, 'rest', [4])], { axis: 0 });
    },
    [0, 8, 4],
  ],
  'part of a shape by Slice': [
    (b, x) => {
      const front = b.node('Slice', [b.node('Shape', [x]), list(b, 'from', [0]), list(b, 'to', [2])]);
      return b.node('Concat', [front, list(b, 'rest', [-1])], { axis: 0 });
    },
    [0, 8, -1],
  ],
  'part of a shape by attributes of Shape': [
    (b, x) =>
      b.node('Concat', [list(b, 'rows', [-1]), b.node('Shape', [x], { start: 1, end: 2 }), list(b, 'rest', [4])], {
        axis: 0,
      }),
    [-1, 8, 4],
  ],
  'through Cast and Identity': [
    (b, x) =>
      b.node(
        'Concat',
        [
          b.node('Identity', [b.node('Cast', [b.node('Shape', [x], { start: 0, end: 1 })], { to: 7 })]),
          list(b, 'rest', [32]),
        ],
        { axis: 0 },
      ),
    [0, 32],
  ],
  'with arithmetic on known lengths': [
    (b, x) => {
      const features = b.node('Mul', [sizeOf(b, x, 1), b.constant('four', 'int64', [], [4])]);
      return b.node('Concat', [list(b, 'rows', [-1]), b.node('Unsqueeze', [features, list(b, 'front', [0])])], {
        axis: 0,
      });
    },
    [-1, 32],
  ],
};

describe('shape chains', { timeout: 30_000 }, () => {
  test.each(Object.entries(TARGETS))('%s', async (_, [target, expected]) => {
    const b = reshaped(target);
    const model = await normalised(b);
    const found = shapeOf(model);
    expect(found?.map((length) => (length === 0 ? -1 : length))).toEqual(
      expected.map((length) => (length === 0 ? -1 : length)),
    );
    expect(operators(model)).toEqual(['Relu', 'Reshape']);
    await expectSame(b.bytes(), model);
  });

  test('that depend on the data stay', async () => {
    const b = reshaped((inner) => inner.input('target', 'int64', [2]));
    const model = await normalised(b);
    expect(shapeOf(model)).toBeUndefined();
    const feeds = {
      x: { type: 'float32', dims: [2, 8, 2, 2], data: new Float32Array(64).fill(1) },
      target: { type: 'int64', dims: [2], data: BigInt64Array.of(2n, -1n) },
    };
    await expectSame(b.bytes(), model, feeds);
  });

  test('of which two lengths are unknown stay', async () => {
    const b = reshaped(
      (inner, x) =>
        inner.node('Concat', [inner.node('Shape', [x], { start: 2, end: 4 }), list(inner, 'rest', [-1])], { axis: 0 }),
      ['N', 8, 'H', 'W'],
    );
    const model = await normalised(b);
    expect(shapeOf(model)).toBeUndefined();
    await expectSame(b.bytes(), model);
  });

  test('a table of two axes is looked up by rows', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 8]);
    const table = list(b, 'table', [5, 1, 7, 2, 6, 0], [2, 3]);
    const row = b.node('Gather', [table, b.constant('row', 'int64', [], [1])]);
    const unsqueezed = b.node('Unsqueeze', [b.node('Gather', [table, list(b, 'rows', [1])]), list(b, 'zero', [0])]);
    const squeezed = b.node('Squeeze', [unsqueezed, list(b, 'both', [0, 1])]);
    const columns = b.node('Gather', [x, row], { axis: 1 });
    b.output(b.node('Add', [columns, b.node('Gather', [x, squeezed], { axis: 1 })], {}, { outputs: ['y'] }), 'float32');
    const model = await normalised(b);
    const indices = model.graph
      .sorted()
      .filter((node) => node.opType === 'Gather')
      .map((node) => node.inputs[1]?.tensor?.integers());
    expect(indices).toEqual([
      [2, 6, 0],
      [2, 6, 0],
    ]);
    await expectSame(b.bytes(), model);
  });

  test('lengths joined along two axes keep their order', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 8]);
    const column = (name: string, values: number[]): string =>
      b.node('Unsqueeze', [list(b, name, values), list(b, `${name}_axis`, [1])]);
    const pairs = b.node('Concat', [column('a', [0, 1]), column('b', [2, 3])], { axis: 1 });
    const first = b.node('Squeeze', [b.node('Gather', [pairs, list(b, 'row', [0])]), list(b, 'zero', [0])]);
    b.output(b.node('Gather', [x, first], { axis: 1 }, { outputs: ['y'] }), 'float32');
    const model = await normalised(b);
    expect(model.graph.sorted()[0]?.inputs[1]?.tensor?.integers()).toEqual([0, 2]);
    await expectSame(b.bytes(), model);
  });
});

describe('constant folding', { timeout: 30_000 }, () => {
  test('computes index tables', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 8]);
    const range = b.node(
      'Range',
      ['start', 'limit', 'step'].map((name, i) => b.constant(name, 'int64', [], [[0, 8, 2][i] ?? 0])),
    );
    const odd = b.node('Add', [range, b.constant('one', 'int64', [], [1])]);
    b.output(b.node('Gather', [x, odd], { axis: 1 }, { outputs: ['y'] }), 'float32');
    const model = await normalised(b);
    expect(operators(model)).toEqual(['Gather']);
    expect(model.graph.sorted()[0]?.inputs[1]?.tensor?.integers()).toEqual([1, 3, 5, 7]);
    await expectSame(b.bytes(), model);
  });

  test('leaves random numbers and big weights to the graph', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 100]);
    const weight = b.node('Transpose', [b.weight('w', [100, 100])], { perm: [1, 0] });
    const noise = b.node('RandomNormalLike', [b.vector('like', 100)]);
    b.output(b.node('MatMul', [x, weight], {}, { outputs: ['y'] }), 'float32');
    b.output(b.node('Shape', [noise], {}, { outputs: ['z'] }), 'int64');
    expect(operators(await normalised(b))).toEqual(expect.arrayContaining(['Transpose', 'MatMul', 'RandomNormalLike']));
  });

  test('keeps what is a graph output, under its name', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', [2]);
    const sum = b.node('Add', [b.vector('a', 2), b.vector('b', 2)], {}, { outputs: ['sum'] });
    b.output(sum, 'float32', [2]);
    b.output(b.node('Mul', [x, sum], {}, { outputs: ['y'] }), 'float32', [2]);
    const model = await normalised(b);
    expect(model.graph.outputs.map((value) => value.name)).toEqual(['sum', 'y']);
    await expectSame(b.bytes(), model);
  });
});

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures');
const files = ['', 'structural'].flatMap((folder) =>
  readdirSync(join(FIXTURES, folder))
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => join(folder, name)),
);

describe('fixtures give the same outputs normalised, and once is enough', { timeout: 60_000 }, () => {
  test.each(files.filter((name) => !name.includes('external')))('%s', async (name) => {
    const { model: proto } = await readModelFile(join(FIXTURES, name));
    const model = importModel(proto);
    await normalise(model, engine);
    checkGraph(model.graph, 'normalise');
    await expectSame(encodeModel(proto), model);
  });
});
