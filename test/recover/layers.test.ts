import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { present } from '../../src/errors.ts';
import { dimsOf } from '../../src/ir/value.ts';
import { ruleOf, rules } from '../../src/ops/rules.ts';
import { layerMatrix, readMatrix, writeMatrix } from '../../src/recover/layer-matrix.ts';
import { hasPatches } from '../../src/recover/moments.ts';
import { RuntimeChild, run } from '../../src/runtime/index.ts';
import { normalised } from '../support/model-parts.ts';
import { createRandom } from '../support/random.ts';
import { convOf, im2col, laidOut, layerNode, type OneLayer, oneLayer, slices, windows } from './windows.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** Expects the layer's matrix times what it reads, plus the bias, to be the output. */
async function expectLinear({ bytes, x }: OneLayer): Promise<void> {
  const model = await normalised(bytes, child);
  const node = layerNode(model);
  const layer = present(ruleOf(node).layer?.(node), 'the layer');
  const matrix = present(layerMatrix(layer), 'its matrix');
  expect(hasPatches({ node, layer, matrix }, ruleOf)).toBe(true);
  const { y } = await run(child, bytes, { x }).then((outputs) => ({ y: present(Object.values(outputs)[0], 'y') }));
  const reads = slices(await laidOut(child, model, node, layer.data.value, x), layer.data.dim);
  const wanted = slices(y, layer.out.dim);
  const { rows, features, groups } = matrix;
  expect([reads.length, wanted.length]).toEqual([groups * features, rows]);
  const elements = readMatrix(matrix);
  const bias = layer.bias.value?.tensor?.floats() ?? [0];
  wanted.forEach((numbers, row) => {
    const from = Math.floor(row / (rows / groups)) * features;
    const offset = layer.bias.gain * (bias[bias.length === 1 ? 0 : row] ?? Number.NaN);
    numbers.forEach((number, position) => {
      let sum = 0;
      for (let i = 0; i < features; i++)
        sum += (elements[row * features + i] as number) * (reads[from + i]?.[position] ?? Number.NaN);
      const found = layer.gain * sum + offset;
      if (!(Math.abs(found - number) < 1e-4)) expect.fail(`row ${row}, position ${position}: ${found}, not ${number}`);
    });
  });
}

describe('what the rows of a layer read', { timeout: 60_000 }, () => {
  test('of a Conv is im2col, to the bit', async () => {
    const property = fc.asyncProperty(windows, async (window) => {
      const { bytes, x } = convOf(window);
      const model = await normalised(bytes, child);
      const node = layerNode(model);
      const found = await laidOut(child, model, node, present(node.inputs[0], 'the data'), x);
      expect(Array.from(found.data, Number).map((each) => each + 0)).toEqual(im2col(window, x).map((each) => each + 0));
    });
    await fc.assert(property, { numRuns: 80 });
  });

  test('times the weights of a Conv is its output', async () => {
    await fc.assert(
      fc.asyncProperty(windows, (window) => expectLinear(convOf(window))),
      { numRuns: 60 },
    );
  });

  test.each<[string, OneLayer]>([
    ['Gemm', oneLayer([3, 5], (b, x) => b.node('Gemm', [x, b.weight('w', [5, 4])]))],
    [
      'Gemm with transB, alpha, beta and a bias',
      oneLayer([3, 5], (b, x) =>
        b.node('Gemm', [x, b.weight('w', [4, 5]), b.vector('c', 4)], {
          transB: 1,
          alpha: { float: -0.7 },
          beta: { float: 2 },
        }),
      ),
    ],
    [
      'Gemm with transA and one bias for all',
      oneLayer([5, 3], (b, x) =>
        b.node('Gemm', [x, b.weight('w', [5, 4]), b.vector('c', 1)], {
          transA: 1,
          alpha: { float: 3 },
          beta: { float: -1 },
        }),
      ),
    ],
    ['MatMul', oneLayer([3, 5], (b, x) => b.node('MatMul', [x, b.weight('w', [5, 4])]))],
    ['MatMul over more axes', oneLayer([2, 3, 4, 5], (b, x) => b.node('MatMul', [x, b.weight('w', [5, 4])]))],
    ['MatMul of a vector', oneLayer([5], (b, x) => b.node('MatMul', [x, b.weight('w', [5, 4])]))],
    ['MatMul with the constant on the left', oneLayer([5, 3], (b, x) => b.node('MatMul', [b.weight('w', [4, 5]), x]))],
    ['the same over more axes', oneLayer([2, 3, 5, 6], (b, x) => b.node('MatMul', [b.weight('w', [4, 5]), x]))],
    [
      'a depthwise Conv with two outputs a channel',
      oneLayer([2, 3, 6, 6], (b, x) =>
        b.node('Conv', [x, b.weight('w', [6, 1, 3, 3])], { group: 3, pads: [1, 0, 0, 1] }),
      ),
    ],
    [
      'a pointwise Conv that strides',
      oneLayer([2, 3, 5, 6], (b, x) => b.node('Conv', [x, b.weight('w', [4, 3, 1, 1])], { strides: [2, 3] })),
    ],
    [
      'a pointwise Conv in groups',
      oneLayer([2, 4, 5], (b, x) =>
        b.node('Conv', [x, b.weight('w', [6, 2, 1])], { group: 2, auto_pad: 'SAME_UPPER' }),
      ),
    ],
    [
      'a pointwise Conv beyond the border',
      oneLayer([2, 4, 5], (b, x) => b.node('Conv', [x, b.weight('w', [6, 4, 1]), b.vector('c', 6)], { pads: [1, 2] })),
    ],
  ])('times the weights is the output: %s', (_, layer) => expectLinear(layer));

  test('is looked at for every rule that makes layers', () => {
    const kinds = rules
      .filter(({ layer }) => layer !== undefined)
      .flatMap(({ domain, opTypes }) => opTypes.map((type) => domain + type));
    // Whoever adds a rule with layers adds it to the cases above, or to those below that have no patches.
    expect(kinds.sort()).toEqual(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);
  });

  test.each([
    [[3, 4, 3, 3], 1],
    [[3, 4, 1, 1], 1],
    [[3, 1, 2, 2], 3],
    [[3, 4, 1], 1],
  ])('of a ConvTranspose %j in %i groups is not known', async (dims, group) => {
    const { bytes } = oneLayer([2, 3, ...dims.slice(2).map(() => 5)], (b, x) =>
      b.node('ConvTranspose', [x, b.weight('w', dims)], { group }),
    );
    const model = await normalised(bytes, child);
    const node = layerNode(model);
    const layer = present(ruleOf(node).layer?.(node), 'the layer');
    expect(hasPatches({ node, layer, matrix: present(layerMatrix(layer), 'its matrix') }, ruleOf)).toBe(false);
  });

  test('comes in the order of the matrix, which is written back as it was read', async () => {
    for (const { bytes } of [
      convOf({
        seed: 1,
        groups: 2,
        perGroup: 2,
        rows: 2,
        auto: 'VALID',
        axes: [1, 2].map((kernel) => ({ length: 5, kernel, stride: 1, dilation: 1, before: 0, after: 0 })),
      }),
      oneLayer([2, 3, 5], (b, x) => b.node('ConvTranspose', [x, b.weight('w', [3, 4, 2])])),
      oneLayer([3, 5], (b, x) => b.node('MatMul', [x, b.weight('w', [5, 4])])),
    ]) {
      const model = await normalised(bytes, child);
      const node = layerNode(model);
      const matrix = present(layerMatrix(present(ruleOf(node).layer?.(node), 'the layer')), 'its matrix');
      const { tensor } = matrix;
      expect(writeMatrix(matrix, readMatrix(matrix)).floats()).toEqual(tensor.floats());
      const random = createRandom(5);
      const other = Float64Array.from({ length: matrix.rows * matrix.features }, () => Math.fround(random.normal()));
      const written = { ...matrix, tensor: writeMatrix(matrix, other) };
      expect(written.tensor.dims).toEqual(dimsOf(matrix.weight));
      expect(readMatrix(written)).toEqual(other);
    }
  });
});
