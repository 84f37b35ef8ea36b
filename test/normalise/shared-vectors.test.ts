import { describe, expect, test } from 'vitest';
import { importModel } from '../../src/ir/model.ts';
import { storeOnce, untieVectors } from '../../src/normalise/shared-vectors.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { ModelBuilder } from '../support/build.ts';

/** x [N, 4] through MatMuls by matrices with these numbers, their results added. */
function net(matrices: readonly (readonly number[])[], options: ConstructorParameters<typeof ModelBuilder>[0] = {}) {
  const b = new ModelBuilder(options);
  const x = b.input('x', 'float32', ['N', 2]);
  const made = matrices.map((values, i) => b.node('MatMul', [x, b.constant(`m${i}`, 'float32', [2, 2], values)]));
  b.output(b.node('Sum', made), 'float32', ['N', 2]);
  return importModel(decodeModel(b.bytes())).graph;
}

const names = (graph: ReturnType<typeof net>): string[] => [...graph.initializers].map(({ name }) => name);

describe('equal tensors', () => {
  test('are stored once, under the first name', () => {
    const graph = net([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ]);
    expect(storeOnce(graph)).toEqual({ tensors: 2, bytes: 32 });
    expect(names(graph)).toEqual(['m0', 'm1']);
    const readers = [...graph.nodes].flatMap(({ inputs }) =>
      inputs.flatMap((value) => (value?.tensor ? [value.name] : [])),
    );
    expect(readers).toEqual(['m0', 'm1', 'm0', 'm0']);
  });

  test('are equal to the bit: 0 and -0 are not', () => {
    const graph = net([
      [0, 2, 3, 4],
      [-0, 2, 3, 4],
    ]);
    expect(storeOnce(graph)).toEqual({ tensors: 0, bytes: 0 });
  });

  test('stay where only copies are to be taken back', () => {
    const graph = net([
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ]);
    expect(storeOnce(graph, true)).toEqual({ tensors: 0, bytes: 0 });
    expect(names(graph)).toEqual(['m0', 'm1']);
  });

  test('stay where a caller may feed others, but not where all initializers have to be inputs', () => {
    const twice = [
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ];
    expect(storeOnce(net(twice, { initializersAsInputs: true })).tensors).toBe(0);
    const old = net(twice, { initializersAsInputs: true, irVersion: 3 });
    expect(storeOnce(old).tensors).toBe(1);
    expect(old.inputs.map(({ name }) => name)).toEqual(['x', 'm0']);
  });

  test('copies of a vector that came as one are no tensors of the file', () => {
    const b = new ModelBuilder();
    const bias = b.vector('bias', 2);
    const x = b.input('x', 'float32', ['N', 2]);
    b.output(b.node('Add', [b.node('Add', [x, bias]), bias]), 'float32', ['N', 2]);
    const { graph } = importModel(decodeModel(b.bytes()));
    untieVectors(graph);
    expect(names(graph)).toHaveLength(2);
    expect(storeOnce(graph)).toEqual({ tensors: 0, bytes: 0 });
    expect(names(graph)).toEqual(['bias']);
  });
});
