import { afterAll, describe, expect, test } from 'vitest';
import { checkGraph } from '../../src/ir/check.ts';
import { exportModel, importModel, type Model } from '../../src/ir/model.ts';
import { normalise } from '../../src/normalise/normalise.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import { compare, createEngine, makeInputs, modelInfo, RuntimeChild } from '../../src/runtime/index.ts';
import { ModelBuilder } from '../support/build.ts';
import type { TensorInput } from '../support/build-tensor.ts';
import { useCutEqualsMasked } from '../support/cut-equals-masked.ts';

const child = new RuntimeChild();
afterAll(() => child.close());
const engine = createEngine(child);
const cutEqualsMasked = useCutEqualsMasked();

/** The model in normal form: it gives what the file gives at every batch, and another round changes nothing. */
async function normalised(b: ModelBuilder): Promise<Model> {
  const before = b.bytes();
  const model = importModel(decodeModel(before));
  await normalise(model, engine);
  checkGraph(model.graph, 'normalise');
  const after = encodeModel(exportModel(model));
  const { inputs } = await modelInfo(child, before);
  const feeds = [1, 2, 5].map((batch) => makeInputs(inputs, { seed: batch, batch, dims: new Map() }));
  const { outputs } = await compare(child, before, after, feeds, {
    a: { optimization: 'disabled' },
    b: { optimization: 'disabled' },
  });
  for (const output of outputs) expect(output).toMatchObject({ problem: undefined, mismatches: 0 });
  const again = importModel(decodeModel(after));
  await normalise(again, engine);
  expect(Buffer.compare(encodeModel(exportModel(again)), after)).toBe(0);
  return model;
}

function operators({ graph }: Model): string[] {
  return graph.sorted().map((node) => node.opType);
}

/** The size of the batch of x, [steps, batch, …] or [batch, …], between other lengths. */
function shapeWithBatch(b: ModelBuilder, x: string, dim: number, before: number[], after: number[]): string {
  const size = b.node('Gather', [b.node('Shape', [x]), b.constant('dim', 'int64', [], [dim])]);
  const parts = [before, after].map((lengths, i) => b.constant(`lengths${i}`, 'int64', [lengths.length], lengths));
  const batch = b.node('Unsqueeze', [size, b.constant('front', 'int64', [1], [0])]);
  return b.node('Concat', [parts[0] ?? '', batch, parts[1] ?? ''], { axis: 0 });
}

const NUMBER: TensorInput = { dtype: 'float32', dims: [1], values: [0.25] };

/** tokens [6, N, 5] → LSTM "lstm" of 6 units that starts from one number everywhere → "last". */
function withStates(value: TensorInput | 'none' = NUMBER): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.input('tokens', 'float32', [6, 'N', 5]);
  const shape = shapeWithBatch(b, x, 1, [1], [6]);
  const state = b.node('ConstantOfShape', [shape], value === 'none' ? {} : { value: { tensor: value } });
  const weights = [b.weight('w', [1, 24, 5], { fanIn: 5 }), b.weight('r', [1, 24, 6], { fanIn: 6 })];
  const [y = ''] = b.nodes('LSTM', [x, ...weights, '', '', state, state], 3, { hidden_size: 6 });
  const rows = b.node('Squeeze', [y, b.constant('one', 'int64', [1], [1])]);
  b.output(b.node('MatMul', [rows, b.weight('last', [6, 4], { fanIn: 6 })]), 'float32');
  return b;
}

describe('states made at run time', { timeout: 30_000 }, () => {
  test('are a constant of the known lengths, stretched along the batch', async () => {
    const model = await normalised(withStates());
    expect(operators(model)).not.toContain('ConstantOfShape');
    const expand = [...model.graph.nodes].find((node) => node.opType === 'Expand');
    expect(expand?.inputs[0]?.tensor?.dims).toEqual([1, 1, 6]);
    expect([...(expand?.inputs[0]?.tensor?.floats() ?? [])]).toEqual([0.25, 0.25, 0.25, 0.25, 0.25, 0.25]);
  });

  test('are zero where the file names no number', async () => {
    const model = await normalised(withStates('none'));
    const expand = [...model.graph.nodes].find((node) => node.opType === 'Expand');
    expect([...(expand?.inputs[0]?.tensor?.floats() ?? [])]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test.each<[string, TensorInput | 'none']>([
    ['a number of their own', NUMBER],
    ['zeros', 'none'],
  ])('shrink with the hidden units: %s', async (_, value) => {
    const { groups, removed } = await cutEqualsMasked(withStates(value));
    expect(groups).toEqual(['w 6']);
    expect(removed).toBeGreaterThan(0);
  });

  test('stay what they are where the graph hands them out', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 4]);
    const made = b.node('ConstantOfShape', [shapeWithBatch(b, x, 0, [], [3])], { value: { tensor: NUMBER } });
    b.output(made, 'float32');
    expect(operators(await normalised(b))).toContain('ConstantOfShape');
  });

  test('stay what they are where nothing of their shape is known', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 'M']);
    const made = b.node('ConstantOfShape', [b.node('Shape', [x])], { value: { tensor: NUMBER } });
    b.output(b.node('Add', [x, made]), 'float32');
    expect(operators(await normalised(b))).toContain('ConstantOfShape');
  });
});

describe('Expand to a shape made at run time', { timeout: 30_000 }, () => {
  test('asks for 1 wherever the data have the length', async () => {
    const b = new ModelBuilder();
    const x = b.input('image', 'float32', ['N', 3, 4, 4]);
    const made = b.node('Conv', [x, b.weight('first', [8, 3, 3, 3])]);
    const wide = b.node('Expand', [made, shapeWithBatch(b, x, 0, [], [8, 2, 2])]);
    b.output(b.node('Conv', [wide, b.weight('last', [4, 8, 1, 1])]), 'float32');
    await normalised(b);
    const { groups } = await cutEqualsMasked(b);
    expect(groups).toEqual(['first 8']);
  });

  test('that stretches everything keeps its target', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 4]);
    const wide = b.node('Expand', [b.vector('v', 1), shapeWithBatch(b, x, 0, [], [4])]);
    b.output(b.node('Add', [x, wide]), 'float32');
    expect(operators(await normalised(b))).not.toContain('Mul');
  });

  test('of two Expands that share a target, each gets one of its own', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 4]);
    const shape = shapeWithBatch(b, x, 0, [], [4]);
    const [row, number] = [b.node('Expand', [b.vector('row', 4), shape]), b.node('Expand', [b.vector('v', 1), shape])];
    b.output(b.node('Add', [b.node('Mul', [x, row]), number]), 'float32');
    await normalised(b);
  });
});
