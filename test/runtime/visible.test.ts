import onnxProto from 'onnx-proto';
import { afterAll, describe, expect, test } from 'vitest';
import {
  benchmark,
  type Comparison,
  compare,
  findRunnableInputs,
  type HostTensor,
  measureFootprint,
  RuntimeChild,
  run,
} from '../../src/runtime/index.ts';
import { makeVisible, outputBehind } from '../../src/runtime/visible.ts';
import { ModelBuilder } from '../support/build.ts';
import { floats, scratch } from './models.ts';

const { onnx } = onnxProto;
const child = new RuntimeChild();
afterAll(() => child.close());
const write = scratch();
const patient = { timeout: 30_000 };

type Type = onnxProto.onnx.ITypeProto;
const tensor = (elemType: number): Type => ({ tensorType: { elemType } });
const FLOAT = 1;
const INT64 = 7;
const STRING = 8;
const sequence = (elemType: Type): Type => ({ sequenceType: { elemType } });
const optional = (elemType: Type): Type => Object.assign(new onnx.TypeProto(), { optionalType: { elemType } });

/** A model with an output of any type. */
function withOutput(b: ModelBuilder, name: string, type: Type): Uint8Array {
  b.graph().output.push(onnx.ValueInfoProto.create({ name, type }));
  return b.bytes();
}

/** y = the rows of x, scaled, as a sequence. */
function split(scale: number, type = FLOAT): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', ['N', 2]);
  const scaled = b.node('Mul', [x, b.constant('scale', 'float32', [], [scale])]);
  const cast = b.node('Cast', [scaled], { to: type });
  b.node('SplitToSequence', [cast], { axis: 0 }, { outputs: ['y'] });
  return b;
}

/** y = x [N, M] times a matrix, in a sequence: it runs with M = 32 alone. */
function multiplied(): Uint8Array {
  const b = new ModelBuilder();
  const value = b.node('MatMul', [b.input('x', 'float32', ['N', 'M']), b.weight('w', [32, 2])]);
  b.node('SequenceConstruct', [value], {}, { outputs: ['y'] });
  return withOutput(b, 'y', sequence(tensor(FLOAT)));
}

const x = { x: floats([2, 2], [1, 2, 3, 4]) };
const outputOf = ({ outputs }: Comparison, name: string): Comparison['outputs'][number] | undefined =>
  outputs.find((output) => output.name === name);

async function seen(bytes: Uint8Array, feeds: Record<string, HostTensor> = x): Promise<Record<string, HostTensor>> {
  const { source, hidden } = await makeVisible(bytes, ['y'], () => '');
  expect(hidden).toEqual([]);
  return run(child, source, feeds);
}

describe('sequences', patient, () => {
  test('are their elements and shapes', async () => {
    const outputs = await seen(withOutput(split(1), 'y', sequence(tensor(FLOAT))));
    expect(outputs['y (elements)']).toEqual(floats([4, 1], [1, 2, 3, 4]));
    expect(outputs['y (shapes)']?.data).toEqual(BigInt64Array.of(2n, 1n, 2n, 2n, 1n, 2n));
  });

  test('may hold tensors of several ranks, and none', async () => {
    const b = new ModelBuilder();
    const value = b.input('x', 'float32', [2, 2]);
    const row = b.node('ReduceSum', [value, b.constant('axes', 'int64', [1], [0])], { keepdims: 0 });
    const sum = b.node('ReduceSum', [value], { keepdims: 0 });
    b.node('SequenceConstruct', [value, row, sum], {}, { outputs: ['y'] });
    const outputs = await seen(withOutput(b, 'y', sequence(tensor(FLOAT))));
    expect(outputs['y (elements)']).toEqual(floats([7, 1], [1, 2, 3, 4, 4, 6, 10]));
    expect(outputs['y (shapes)']?.data).toEqual(BigInt64Array.of(2n, 2n, 2n, 1n, 2n, 0n));
    const empty = new ModelBuilder();
    empty.output(empty.node('Neg', [empty.input('x', 'float32', [2, 2])]), 'float32', [2, 2]);
    empty.node('SequenceEmpty', [], { dtype: FLOAT }, { outputs: ['y'] });
    const nothing = await seen(withOutput(empty, 'y', sequence(tensor(FLOAT))));
    expect(nothing['y (elements)']).toEqual(floats([0, 1], []));
    expect(nothing['y (shapes)']?.dims).toEqual([0]);
  });

  test('of strings are seen as well', async () => {
    const b = new ModelBuilder();
    const words = b.input('x', 'string', ['N']);
    b.node('SplitToSequence', [words], { axis: 0 }, { outputs: ['y'] });
    const letters: HostTensor = { type: 'string', dims: [2], data: ['a', 'b'] };
    const outputs = await seen(withOutput(b, 'y', sequence(tensor(STRING))), { x: letters });
    expect(outputs['y (elements)']?.data).toEqual(['a', 'b']);
  });

  test('are compared, and alike ones are identical', async () => {
    const [a, b] = [1, 1.5].map((scale) => withOutput(split(scale), 'y', sequence(tensor(FLOAT)))) as [
      Uint8Array,
      Uint8Array,
    ];
    const same = await compare(child, a, a, [x]);
    expect(same.uncompared).toEqual([]);
    expect(same.outputs.map(({ name, identical }) => [name, identical])).toEqual([
      ['y (elements)', true],
      ['y (shapes)', true],
    ]);
    const other = await compare(child, write('a.onnx', a), write('b.onnx', b), [x]);
    expect(outputOf(other, 'y (elements)')?.relativeL2).toBeCloseTo(0.5, 6);
    expect(outputOf(other, 'y (shapes)')?.identical).toBe(true);
    expect(other.outputs.map(({ name, argmaxAgreement }) => [outputBehind(name), argmaxAgreement])).toEqual([
      ['y', undefined],
      ['y', undefined],
    ]);
  });

  test('are found with data in other files', async () => {
    const b = split(1);
    b.output(b.node('MatMul', ['x', b.weight('w', [2, 64])]), 'float32', ['N', 64]);
    b.graph().output.push(onnx.ValueInfoProto.create({ name: 'y', type: sequence(tensor(FLOAT)) }));
    const path = write('external.onnx', '');
    b.write(path, { location: 'external.weights' });
    const { outputs, uncompared } = await compare(child, path, path, [x]);
    expect(uncompared).toEqual([]);
    expect(outputs).toHaveLength(3);
    expect(outputs.every(({ identical }) => identical)).toBe(true);
  });

  test('that only one model has are a difference', async () => {
    const b = split(1);
    b.output('x', 'float32', ['N', 2]);
    const a = withOutput(split(1), 'y', sequence(tensor(FLOAT)));
    const { outputs } = await compare(child, a, b.bytes(), [x]);
    expect(outputs[0]?.problem).toMatch(/no such output/);
  });
});

test('outputs of 4-bit integers, at which the process would crash, are compared as bytes', async () => {
  const INT4 = 22;
  const rounded = (scale: number): Uint8Array => {
    const b = new ModelBuilder({ opset: 21, irVersion: 10 });
    const scaled = b.node('Mul', [b.input('x', 'float32', ['N', 2]), b.constant('c', 'float32', [], [scale])]);
    b.node('Cast', [scaled], { to: INT4 }, { outputs: ['y'] });
    return withOutput(b, 'y', tensor(INT4));
  };
  const { outputs, uncompared } = await compare(child, rounded(1), rounded(-1), [x]);
  expect(uncompared).toEqual([]);
  expect(outputs).toMatchObject([{ name: 'y (values)', type: 'int8', mismatches: 4, maxAbsError: 8 }]);
  expect(outputBehind('y (values)')).toBe('y');
});

test('what cannot be made visible is named with the reason, and the rest is compared', async () => {
  const b = split(1);
  b.output(b.node('Neg', ['x'], {}, { outputs: ['z'] }), 'float32', ['N', 2]);
  b.graph().output.push(onnx.ValueInfoProto.create({ name: 'y' }));
  const { outputs, uncompared } = await compare(child, b.bytes(), b.bytes(), [x]);
  expect(outputs).toMatchObject([{ name: 'z', identical: true }]);
  expect(uncompared).toEqual([{ name: 'y', reason: 'the model does not declare its type' }]);
});

test('a copy that onnxruntime refuses is done without', async () => {
  const b = split(1);
  b.output(b.node('Neg', ['x'], {}, { outputs: ['y (elements)'] }), 'float32', ['N', 2]);
  const model = withOutput(b, 'y', sequence(tensor(FLOAT)));
  const { outputs, uncompared } = await compare(child, model, model, [x]);
  expect(outputs).toMatchObject([{ name: 'y (elements)', count: 4, identical: true }]);
  expect(uncompared).toEqual([{ name: 'y', reason: expect.stringMatching(/^onnxruntime does not run a copy/) }]);
  // Where the models are to blame themselves, they are named.
  const bad = { x: floats([2, 3], [1, 2, 3, 4, 5, 6]) };
  await expect(compare(child, write('bad.onnx', model), model, [bad])).rejects.toMatchObject({
    code: 'bad-data',
    message: expect.stringMatching(/Input "x" of .*bad\.onnx expects/),
  });
});

describe('optionals', patient, () => {
  test.each([
    ['a tensor', tensor(FLOAT)],
    ['a sequence', sequence(tensor(FLOAT))],
  ])('hold %s or nothing', async (_, type) => {
    const isSequence = type.sequenceType !== undefined;
    const b = new ModelBuilder({ opset: 18 });
    const value = b.input('x', 'float32', ['N', 2]);
    b.node('Optional', [isSequence ? b.node('SequenceConstruct', [value, value]) : value], {}, { outputs: ['y'] });
    const outputs = await seen(withOutput(b, 'y', optional(type)));
    expect(outputs['y (elements)']?.dims).toEqual([isSequence ? 8 : 4, 1]);
    expect(outputs['y (shapes)']?.data).toEqual(BigInt64Array.from([2n, 2n, 2n, ...(isSequence ? [2n, 2n, 2n] : [])]));
  });

  test('may hold nothing', async () => {
    const b = new ModelBuilder({ opset: 18 });
    b.output(b.node('Neg', [b.input('x', 'float32', ['N', 2])]), 'float32', ['N', 2]);
    b.node('Optional', [], {}, { outputs: ['y'] });
    const attribute = onnx.AttributeProto.create({ name: 'type', type: 13, tp: tensor(FLOAT) });
    b.graph().node.at(-1)?.attribute?.push(attribute);
    const nothing = await seen(withOutput(b, 'y', optional(tensor(FLOAT))));
    expect(nothing['y (elements)']).toEqual(floats([0, 1], []));
    expect(nothing['y (shapes)']?.dims).toEqual([0]);
  });

  test('are compared', async () => {
    const b = new ModelBuilder({ opset: 18 });
    b.node('Optional', [b.input('x', 'float32', ['N', 2])], {}, { outputs: ['y'] });
    const model = withOutput(b, 'y', optional(tensor(FLOAT)));
    const { outputs, uncompared } = await compare(child, model, model, [x]);
    expect(uncompared).toEqual([]);
    expect(outputs).toMatchObject([
      { name: 'y (elements)', count: 4, identical: true },
      { name: 'y (shapes)', identical: true },
    ]);
  });
});

describe('models without a tensor among their outputs', patient, () => {
  test('can be timed and weighed', async () => {
    const path = write('split.onnx', withOutput(split(1), 'y', sequence(tensor(FLOAT))));
    const { models } = await benchmark(child, [path, path], [x], { rounds: 5, minMs: 1 });
    expect(models).toHaveLength(2);
    expect((await measureFootprint(path, x, { budgetMs: 0 })).loads).toBe(1);
    const specs = [{ name: 'x', type: 'float32', dims: ['N', 'M'] }];
    const sizes = await findRunnableInputs(child, multiplied(), specs, { seed: 1, batch: 2 });
    expect(Object.fromEntries(sizes.dims)).toEqual({ M: 32 });
  });
});

describe('maps', patient, () => {
  const mapOf = (keyType: number): Type => ({ mapType: { keyType, valueType: tensor(FLOAT) } });
  const zip = (
    attribute: Record<string, readonly string[] | readonly number[]>,
    keyType: number,
    scale = 1,
  ): Uint8Array => {
    const b = new ModelBuilder({ domains: { 'ai.onnx.ml': 1 } });
    const value = b.node('Mul', [b.input('x', 'float32', ['N', 2]), b.constant('c', 'float32', [], [scale])]);
    b.node('ZipMap', [value], attribute, { domain: 'ai.onnx.ml', outputs: ['y'] });
    return withOutput(b, 'y', sequence(mapOf(keyType)));
  };

  test.each([
    ['strings', zip({ classlabels_strings: ['a', 'b'] }, STRING)],
    ['whole numbers', zip({ classlabels_int64s: [4, 9] }, INT64)],
  ])('that name classes by %s are what they name', async (_, model) => {
    const { outputs, uncompared } = await compare(child, model, model, [x]);
    expect(uncompared).toEqual([]);
    expect(outputs).toMatchObject([{ name: 'y (values)', identical: true, count: 4, maxAbsReference: 4 }]);
  });

  test('are seen in a model that does not name the operators of ONNX itself', async () => {
    const b = new ModelBuilder({ domains: { 'ai.onnx.ml': 1 } });
    const scale = { offset: { floats: [0, 0] }, scale: { floats: [2, 2] } };
    const value = b.node('Scaler', [b.input('x', 'float32', ['N', 2])], scale, { domain: 'ai.onnx.ml' });
    b.node('ZipMap', [value], { classlabels_int64s: [0, 1] }, { domain: 'ai.onnx.ml', outputs: ['y'] });
    withOutput(b, 'y', sequence(mapOf(INT64)));
    const model = b.model();
    model.opsetImport = model.opsetImport.filter(({ domain }) => domain !== '');
    const bytes = onnx.ModelProto.encode(model).finish();
    const { outputs, uncompared } = await compare(child, bytes, bytes, [x]);
    expect(uncompared).toEqual([]);
    expect(outputs).toMatchObject([{ name: 'y (values)', maxAbsReference: 8 }]);
  });

  test('are compared by value, and by the names of classes', async () => {
    const model = zip({ classlabels_strings: ['a', 'b'] }, STRING);
    const scaled = await compare(child, model, zip({ classlabels_strings: ['a', 'b'] }, STRING, 2), [x]);
    expect(outputOf(scaled, 'y (values)')?.relativeL2).toBeCloseTo(1, 6);
    const { uncompared } = await compare(child, model, zip({ classlabels_strings: ['b', 'a'] }, STRING), [x]);
    expect(uncompared).toEqual([{ name: 'y', reason: expect.stringMatching(/"a", "b" against "b", "a"/) }]);
  });
});
