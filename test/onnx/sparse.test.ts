import { describe, expect, test } from 'vitest';
import { tensorsOf } from '../../src/onnx/all-tensors.ts';
import type { GraphProto, ModelProto, SparseTensorProto } from '../../src/onnx/messages.ts';
import { holdsSparse, withSparseVersion } from '../../src/onnx/sparse.ts';

const sparse: SparseTensorProto = { values: { name: 'values' }, indices: { name: 'indices' }, dims: [3] };
const dense = { name: 'dense' };

const inBody = (graph: GraphProto): GraphProto => ({
  node: [{ opType: 'If', attribute: [{ name: 'a', graphs: [{}, graph] }] }],
});
const places: readonly [string, ModelProto][] = [
  ['an initializer', { graph: { sparseInitializer: [sparse] } }],
  ['a constant', { graph: { node: [{ attribute: [{ sparseTensor: sparse }] }] } }],
  ['a list of constants', { graph: { node: [{ attribute: [{ sparseTensors: [sparse] }] }] } }],
  ['an initializer of a body', { graph: inBody({ sparseInitializer: [sparse] }) }],
  ['a body of a body', { graph: inBody(inBody({ sparseInitializer: [sparse] })) }],
  [
    'the body of a function',
    { graph: {}, functions: [{ node: [{ attribute: [{ g: { sparseInitializer: [sparse] } }] }] }] },
  ],
];

describe('a sparse tensor is found', () => {
  test.each(places)('as %s', (_, model) => {
    expect(holdsSparse(model)).toBe(true);
    expect([...tensorsOf(model)].map(({ name }) => name)).toEqual(['values', 'indices']);
  });

  test('but not where there is none', () => {
    const attribute = [{ t: dense, tensors: [dense], g: { initializer: [dense] } }];
    const model: ModelProto = { graph: { initializer: [dense], node: [{ attribute }] } };
    expect(holdsSparse(model)).toBe(false);
    expect([...tensorsOf(model)]).toEqual([dense, dense, dense, dense]);
  });
});

test.each([
  [3, 3],
  [4, 6],
  [5, 6],
  [6, 6],
  [10, 10],
])('IR version %i becomes %i with a sparse initializer', (before, after) => {
  expect(withSparseVersion({ irVersion: before, graph: { sparseInitializer: [sparse] } }).irVersion).toBe(after);
  expect(withSparseVersion({ irVersion: before, graph: { initializer: [dense] } }).irVersion).toBe(before);
});
