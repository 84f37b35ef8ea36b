import { describe, expect, test } from 'vitest';
import { present } from '../../src/errors.ts';
import { importModel } from '../../src/ir/model.ts';
import type { Node } from '../../src/ir/node.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import type { IntegerForm } from '../../src/ops/rule.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { type Attributes, ModelBuilder, type ModelOptions } from '../support/build.ts';

/** The first node of an operator in a net. */
function nodeOf(opType: string, make: (b: ModelBuilder) => string | readonly string[], options?: ModelOptions): Node {
  const b = new ModelBuilder(options);
  for (const value of [make(b)].flat()) b.output(value);
  const { graph } = importModel(decodeModel(b.bytes()));
  return present(
    graph.sorted().find((node) => node.opType === opType),
    opType,
  );
}

const IMAGE = ['N', 8, 6, 6];
const image = (b: ModelBuilder): string => b.input('x', 'float32', IMAGE);

/** A node that reads an image, and perhaps more. */
function unary(
  opType: string,
  attributes: Attributes = {},
  more: (b: ModelBuilder) => readonly string[] = () => [],
): Node {
  return nodeOf(opType, (b) => b.node(opType, [image(b), ...more(b)], attributes));
}

/** What the node does on integers, a bias by where it is. */
function formOf(node: Node): unknown {
  const form = ruleOf(node).integers?.(node);
  if (typeof form !== 'object') return form;
  const { bias, ...others } = form satisfies IntegerForm;
  return bias === undefined ? others : { ...others, bias: [bias.node.opType, bias.input] };
}

describe('the bounds of Clip', () => {
  const boundsOf = (node: Node): unknown => ruleOf(node).limits?.(node);
  const INFINITE = Number.POSITIVE_INFINITY;

  test.each([
    [
      { min: { float: 0 }, max: { float: 6 } },
      { least: 0, most: 6 },
    ],
    [{ max: { float: 6 } }, { least: -INFINITE, most: 6 }],
    [{ min: { float: -1 } }, { least: -1, most: INFINITE }],
  ])('are attributes before operator set 11: %j', (attributes, bounds) => {
    const clip = nodeOf('Clip', (b) => b.node('Clip', [image(b)], attributes), { opset: 9 });
    expect(boundsOf(clip)).toEqual(bounds);
  });

  test.each([
    [0, 6, { least: 0, most: 6 }],
    [undefined, 1, { least: -INFINITE, most: 1 }],
    [-1, undefined, { least: -1, most: INFINITE }],
  ])('are constants from it on: %s, %s', (least, most, bounds) => {
    const bound = (b: ModelBuilder, name: string, value: number | undefined): string =>
      value === undefined ? '' : b.constant(name, 'float32', [], [value]);
    expect(boundsOf(unary('Clip', {}, (b) => [bound(b, 'least', least), bound(b, 'most', most)]))).toEqual(bounds);
  });

  test('are not known where they are computed', () => {
    expect(boundsOf(unary('Clip', {}, (b) => [b.node('Neg', [b.input('bound', 'float32', [])])]))).toBeUndefined();
  });

  test('are not known where they may be given at run time', () => {
    const clip = nodeOf('Clip', (b) => b.node('Clip', [image(b), b.constant('least', 'float32', [], [0])]), {
      initializersAsInputs: true,
    });
    expect(boundsOf(clip)).toBeUndefined();
  });

  test('Relu has one', () => {
    expect(boundsOf(unary('Relu'))).toEqual({ least: 0, most: INFINITE });
    expect(boundsOf(unary('Tanh'))).toBeUndefined();
  });
});

describe('on integers', () => {
  const MOVES = { inputs: [0], output: 'same' };
  const MAPS = { inputs: [0], output: 'must' };

  test.each([
    'Transpose',
    'Flatten',
    'Reshape',
    'Squeeze',
    'Unsqueeze',
    'Slice',
    'Gather',
    'Split',
    'DepthToSpace',
    'MaxPool',
  ])('%s moves elements', (opType) => {
    const indices = (b: ModelBuilder): readonly string[] =>
      ['Reshape', 'Squeeze', 'Unsqueeze', 'Gather', 'Slice'].includes(opType)
        ? [b.constant('i', 'int64', [1], [1])]
        : [];
    expect(formOf(unary(opType, {}, indices))).toEqual(MOVES);
  });

  test.each(['Sigmoid', 'LeakyRelu', 'GlobalAveragePool'])('%s makes new ones', (opType) => {
    expect(formOf(unary(opType))).toEqual(MAPS);
  });

  test.each(['Add', 'Mul', 'Concat'])('%s joins all it reads', (opType) => {
    expect(formOf(unary(opType, {}, (b) => [b.input('y', 'float32', IMAGE)]))).toEqual({
      inputs: [0, 1],
      output: 'must',
    });
  });

  test.each(['Relu', 'Tanh', 'Sub', 'Div', 'Softmax', 'SpaceToDepth', 'GlobalMaxPool', 'HardSwish', 'ConvTranspose'])(
    'the runtime has no kernel for %s',
    (opType) => expect(formOf(unary(opType, {}, (b) => [b.input('y', 'float32', IMAGE)]))).toBeUndefined(),
  );

  test('MaxPool that tells places of maxima has none', () => {
    const pool = nodeOf('MaxPool', (b) => b.nodes('MaxPool', [image(b)], 2, { kernel_shape: [2, 2] }));
    expect(formOf(pool)).toBeUndefined();
  });

  test('AveragePool would be slower', () => {
    expect(formOf(unary('AveragePool', { kernel_shape: [2, 2] }))).toBe('means over windows are slower as integers');
  });

  test.each([
    ['nearest', MOVES],
    ['linear', undefined],
  ])('Resize moves the nearest elements alone: %s', (mode, form) => {
    const scales = (b: ModelBuilder): readonly string[] => ['', b.constant('s', 'float32', [4], [1, 1, 2, 2])];
    expect(formOf(unary('Resize', { mode }, scales))).toEqual(form);
  });

  test('Conv has a scale for each output channel, and a bias', () => {
    expect(formOf(unary('Conv', {}, (b) => [b.weight('w', [8, 8, 3, 3])]))).toEqual({
      inputs: [0, 1],
      weight: { input: 1, axis: 0 },
      bias: ['Conv', 2],
      output: 'must',
    });
  });

  const features = (
    opType: string,
    dims: readonly number[],
    more: readonly (readonly number[])[],
    attributes: Attributes = {},
  ): unknown =>
    formOf(
      nodeOf(opType, (b) =>
        b.node(
          opType,
          [b.input('x', 'float32', [4, 6]), b.weight('w', dims), ...more.map((each) => b.weight('c', each))],
          attributes,
        ),
      ),
    );

  test.each([
    { attributes: {}, dims: [6, 5], axis: 1 },
    { attributes: { transB: 1 }, dims: [5, 6], axis: 0 },
  ])('Gemm has one for each column: $attributes', ({ attributes, dims, axis }) => {
    const form = { inputs: [0, 1], weight: { input: 1, axis }, bias: ['Gemm', 2], output: 'may' };
    for (const bias of [[], [[5]], [[1, 5]]]) expect(features('Gemm', dims, bias, attributes)).toEqual(form);
    for (const bias of [[], [1], [4, 1], [4, 5]]) expect(features('Gemm', dims, [bias], attributes)).toBeUndefined();
  });

  test('a bias that has as many rows as columns is none', () => {
    const form = formOf(
      nodeOf('Gemm', (b) =>
        b.node('Gemm', [b.input('x', 'float32', [5, 6]), b.weight('w', [6, 5]), b.weight('c', [5, 1])]),
      ),
    );
    expect(form).toBeUndefined();
  });

  test('MatMul has one for each column of a matrix on the right, of two axes', () => {
    expect(features('MatMul', [6, 5], [])).toEqual({ inputs: [0, 1], weight: { input: 1, axis: 1 }, output: 'may' });
    expect(features('MatMul', [2, 6, 5], [])).toBeUndefined();
    const left = nodeOf('MatMul', (b) => b.node('MatMul', [b.weight('w', [3, 4]), b.input('x', 'float32', [4, 6])]));
    expect(formOf(left)).toBeUndefined();
  });

  const added = (bias: readonly number[], order: 0 | 1, also = false): unknown =>
    formOf(
      nodeOf('MatMul', (b) => {
        const product = b.node('MatMul', [b.input('x', 'float32', [4, 6]), b.weight('w', [6, 5])]);
        const inputs = [product, b.weight('c', bias)];
        const sum = b.node('Add', order === 0 ? inputs : inputs.reverse());
        return also ? [sum, b.node('Tanh', [product])] : sum;
      }),
    );

  test('a vector that is added behind MatMul is its bias', () => {
    expect(added([5], 0)).toMatchObject({ bias: ['Add', 1] });
    expect(added([5], 1)).toMatchObject({ bias: ['Add', 0] });
    expect(added([4, 5], 0)).not.toHaveProperty('bias');
    expect(added([5], 0, true)).not.toHaveProperty('bias');
  });
});
