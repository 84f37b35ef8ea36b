import { expect, test } from 'vitest';
import { cloneModel, exportModel, importModel } from '../../src/ir/model.ts';
import { Tensor } from '../../src/ir/tensor.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import { ModelBuilder } from '../support/build.ts';

test('a copy is written as its original is, in whatever order constants were folded', () => {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', [2]);
  const sums = ['first', 'second', 'third'].reduce(
    (sum, name) => b.node('Add', [sum, b.node('Neg', [b.vector(`w.${name}`, 2)], {}, { outputs: [name] })]),
    x,
  );
  b.output(sums, 'float32', [2]);
  const model = importModel(decodeModel(b.bytes()));
  const folded = [...model.graph.nodes].filter(({ opType }) => opType === 'Neg').reverse();
  for (const node of folded) model.graph.replaceByInitializer(node, Tensor.ofFloats(Float32Array.of(1, 2)));
  expect([...model.graph.initializers].map(({ name }) => name).slice(-3)).toEqual(['third', 'second', 'first']);
  const copy = cloneModel(model).model;
  expect(Buffer.compare(encodeModel(exportModel(copy)), encodeModel(exportModel(model)))).toBe(0);
});
