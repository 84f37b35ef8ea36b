import onnxProto from 'onnx-proto';
import { afterAll, describe, expect, test } from 'vitest';
import { type Comparison, compare, type HostTensor, RuntimeChild, run } from '../../src/runtime/index.ts';
import { makeVisible } from '../../src/runtime/visible.ts';
import { ModelBuilder } from '../support/build.ts';
import { floats, scratch } from './models.ts';

const { onnx } = onnxProto;
const child = new RuntimeChild();
afterAll(() => child.close());
const write = scratch();

type Type = onnxProto.onnx.ITypeProto;
const tensor = (elemType: number): Type => ({ tensorType: { elemType } });
const FLOAT = 1;
const INT64 = 7;
const STRING = 8;
const BFLOAT16 = 16;
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

const x = { x: floats([2, 2], [1, 2, 3, 4]) };
const outputOf = ({ outputs }: Comparison, name: string): Comparison['outputs'][number] | undefined =>
  outputs.find((output) => output.name === name);

async function seen(bytes: Uint8Array, feeds: Record<string, HostTensor> = x): Promise<Record<string, HostTensor>> {
  const { source, hidden } = await makeVisible(bytes, ['y'], () => '');
  expect(hidden).toEqual([]);
  return run(child, source, feeds);
}

describe('sequences', { timeout: 30_000 }, () => {
  test('are their elements and shapes', async () => {
    const outputs = await seen(withOutput(split(1), 'y', sequence(tensor(FLOAT))));
    expect(outputs['y (elements)']).toEqual(floats([4], [1, 2, 3, 4]));
    expect(outputs['y (shapes)']?.data).toEqual(BigInt64Array.of(2n, 1n, 2n, 2n, 1n, 2n));
  });

  test('may hold tensors of several ranks, and none', async () => {
    const b = new ModelBuilder();
    const value = b.input('x', 'float32', [2, 2]);
    const row = b.node('ReduceSum', [value, b.constant('axes', 'int64', [1], [0])], { keepdims: 0 });
    const sum = b.node('ReduceSum', [value], { keepdims: 0 });
    b.node('SequenceConstruct', [value, row, sum], {}, { outputs: ['y'] });
    const outputs = await seen(withOutput(b, 'y', sequence(tensor(FLOAT))));
    expect(outputs['y (elements)']).toEqual(floats([7], [1, 2, 3, 4, 4, 6, 10]));
    expect(outputs['y (shapes)']?.data).toEqual(BigInt64Array.of(2n, 2n, 2n, 1n, 2n, 0n));
    const empty = new ModelBuilder();
    empty.output(empty.node('Neg', [empty.input('x', 'float32', [2, 2])]), 'float32', [2, 2]);
    empty.node('SequenceEmpty', [], { dtype: FLOAT }, { outputs: ['y'] });
    const nothing = await seen(withOutput(empty, 'y', sequence(tensor(FLOAT))));
    expect(nothing['y (elements)']).toEqual(floats([0], []));
    expect(nothing['y (shapes)']?.dims).toEqual([0]);
  });

  test('of strings and of types that JavaScript lacks are seen as well', async () => {
    const b = new ModelBuilder();
    const words = b.input('x', 'string', ['N']);
    b.node('SplitToSequence', [words], { axis: 0 }, { outputs: ['y'] });
    const letters: HostTensor = { type: 'string', dims: [2], data: ['a', 'b'] };
    const outputs = await seen(withOutput(b, 'y', sequence(tensor(STRING))), { x: letters });
    expect(outputs['y (elements)']?.data).toEqual(['a', 'b']);
    const halves = new ModelBuilder();
    const value = halves.node('Cast', [halves.input('x', 'float32', ['N', 2])], { to: BFLOAT16 });
    halves.node('SequenceConstruct', [value], {}, { outputs: ['y'] });
    const rounded = await seen(withOutput(halves, 'y', sequence(tensor(BFLOAT16))));
    expect(rounded['y (elements)']).toEqual(floats([4], [1, 2, 3, 4]));
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

describe('optionals', { timeout: 30_000 }, () => {
  test.each([
    ['a tensor', tensor(FLOAT)],
    ['a sequence', sequence(tensor(FLOAT))],
  ])('hold %s or nothing', async (_, type) => {
    const isSequence = type.sequenceType !== undefined;
    const b = new ModelBuilder({ opset: 18 });
    const value = b.input('x', 'float32', ['N', 2]);
    b.node('Optional', [isSequence ? b.node('SequenceConstruct', [value, value]) : value], {}, { outputs: ['y'] });
    const outputs = await seen(withOutput(b, 'y', optional(type)));
    expect(outputs['y (elements)']?.dims).toEqual([isSequence ? 8 : 4]);
    expect(outputs['y (shapes)']?.data).toEqual(BigInt64Array.from([2n, 2n, 2n, ...(isSequence ? [2n, 2n, 2n] : [])]));
  });
});

describe('maps', { timeout: 30_000 }, () => {
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

  test('are compared by value, and by the names of classes', async () => {
    const model = zip({ classlabels_strings: ['a', 'b'] }, STRING);
    const scaled = await compare(child, model, zip({ classlabels_strings: ['a', 'b'] }, STRING, 2), [x]);
    expect(outputOf(scaled, 'y (values)')?.relativeL2).toBeCloseTo(1, 6);
    const { uncompared } = await compare(child, model, zip({ classlabels_strings: ['b', 'a'] }, STRING), [x]);
    expect(uncompared).toEqual([{ name: 'y', reason: expect.stringMatching(/"a", "b" against "b", "a"/) }]);
  });

  test('that nothing makes visible are named with the reason, and the rest is compared', async () => {
    const b = new ModelBuilder({ domains: { 'ai.onnx.ml': 1 } });
    const value = b.input('x', 'float32', ['N', 2]);
    b.output(b.node('Neg', [value], {}, { outputs: ['z'] }), 'float32', ['N', 2]);
    const words = b.node('ZipMap', [value], { classlabels_strings: ['a', 'b'] }, { domain: 'ai.onnx.ml' });
    const go = b.node('Cast', [b.node('ReduceSum', [value], { keepdims: 0 })], { to: 9 });
    const branch = (): { graph: ReturnType<ModelBuilder['subgraph']> } => {
      const graph = b.subgraph();
      const inner = graph.node('Identity', [words]);
      graph.graph().output.push(onnx.ValueInfoProto.create({ name: inner, type: sequence(mapOf(STRING)) }));
      return { graph };
    };
    b.node('If', [go], { then_branch: branch(), else_branch: branch() }, { outputs: ['y'] });
    const model = withOutput(b, 'y', sequence(mapOf(STRING)));
    const result = await compare(child, model, model, [x]).catch((error: unknown) => error);
    expect(result).toMatchObject({
      outputs: [{ name: 'z', identical: true }],
      uncompared: [{ name: 'y', reason: 'it is a sequence of a map that no ZipMap makes' }],
    });
  });
});
