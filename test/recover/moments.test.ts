import { afterAll, describe, expect, test } from 'vitest';
import { present } from '../../src/errors.ts';
import { extractModel } from '../../src/ir/extract.ts';
import { exportModel } from '../../src/ir/model.ts';
import { encodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { layerMatrix } from '../../src/recover/layer-matrix.ts';
import { MomentBuilder, type Moments } from '../../src/recover/moments.ts';
import { RuntimeChild, run } from '../../src/runtime/index.ts';
import type { ModelBuilder, ModelOptions } from '../support/build.ts';
import { normalised } from '../support/model-parts.ts';
import { numbersOf } from './calibrated.ts';
import { laidOut, layerNode, oneLayer, randomTensor, slices } from './windows.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** Data and the layer that reads them. */
const LAYERS: Readonly<Record<string, [readonly number[], (b: ModelBuilder, x: string) => string]>> = {
  Conv: [
    [2, 3, 6, 5],
    (b, x) => b.node('Conv', [x, b.weight('w', [4, 3, 3, 2])], { pads: [1, 0, 1, 1], strides: [2, 1] }),
  ],
  'pointwise Conv': [[2, 3, 6, 5], (b, x) => b.node('Conv', [x, b.weight('w', [4, 3, 1, 1])])],
  'Conv over one axis': [[2, 3, 6], (b, x) => b.node('Conv', [x, b.weight('w', [4, 3, 2])])],
  'grouped Conv': [
    [2, 6, 5, 5],
    (b, x) => b.node('Conv', [x, b.weight('w', [4, 3, 2, 2])], { group: 2, dilations: [2, 1] }),
  ],
  'depthwise Conv': [[2, 3, 5, 5], (b, x) => b.node('Conv', [x, b.weight('w', [6, 1, 3, 3])], { group: 3 })],
  'MatMul of three axes': [[2, 4, 5], (b, x) => b.node('MatMul', [x, b.weight('w', [5, 3])])],
  'MatMul with the constant on the left': [[2, 5, 4], (b, x) => b.node('MatMul', [b.weight('w', [3, 5]), x])],
  Gemm: [
    [7, 5],
    (b, x) => b.node('Gemm', [x, b.weight('w', [3, 5]), b.vector('c', 3)], { transB: 1, alpha: { float: 2 } }),
  ],
  'Gemm with transA': [[5, 7], (b, x) => b.node('Gemm', [x, b.weight('w', [5, 3]), b.vector('c', 3)], { transA: 1 })],
};

function sum(numbers: readonly number[], term: (index: number) => number): number {
  return numbers.reduce((total, _, index) => total + term(index), 0);
}

/** The sums by definition, of x [groups · features] and e, t [rows], each position by position. */
function momentsOf(
  { rows, features, groups }: { readonly rows: number; readonly features: number; readonly groups: number },
  x: readonly (readonly number[])[],
  e: readonly (readonly number[])[],
  t: readonly (readonly number[])[],
): Moments {
  const products = (a: readonly number[] = [], b: readonly number[] = []): number =>
    sum(a, (i) => (a[i] ?? 0) * (b[i] ?? Number.NaN));
  const each = (length: number, of: (at: number) => number): Float64Array =>
    Float64Array.from({ length }, (_, at) => of(at));
  const total = (numbers: readonly number[] = []): number => sum(numbers, (i) => numbers[i] ?? 0);
  const own = rows / groups;
  return {
    count: Float64Array.of(x[0]?.length ?? 0),
    sum: each(groups * features, (at) => total(x[at])),
    gram: each(groups * features ** 2, (at) => {
      const from = Math.floor(at / features ** 2) * features;
      return products(x[from + (Math.floor(at / features) % features)], x[from + (at % features)]);
    }),
    cross: each(groups * features * own, (at) => {
      const group = Math.floor(at / (features * own));
      return products(x[group * features + (Math.floor(at / own) % features)], e[group * own + (at % own)]);
    }),
    errorSum: each(rows, (row) => total(e[row])),
    errorSquares: each(rows, (row) => products(e[row], e[row])),
    targetSum: each(rows, (row) => total(t[row])),
    targetSquares: each(rows, (row) => products(t[row], t[row])),
  };
}

const KEYS = ['count', 'sum', 'gram', 'cross', 'errorSum', 'errorSquares', 'targetSum', 'targetSquares'] as const;
const VERSIONS: readonly ModelOptions[] = [
  { opset: 7 },
  { opset: 11 },
  { opset: 13 },
  { opset: 18 },
  { opset: 21, irVersion: 10 },
];
const WAYS = [...VERSIONS, { opset: 13, dtype: 'float16' }, { opset: 21, irVersion: 10, dtype: 'float16' }] as const;

describe('sums over positions', { timeout: 30_000 }, () => {
  test.each(
    Object.entries(LAYERS).flatMap(([name, [dims, node]]) => WAYS.map((options) => ({ ...options, name, dims, node }))),
  )('of $name, operator set $opset, $dtype', async ({ dims, node, name: _, ...options }) => {
    const { bytes, x } = oneLayer(dims, node, 3, options);
    const model = await normalised(bytes, child);
    const found = layerNode(model);
    const layer = present(ruleOf(found).layer?.(found), 'the layer');
    const matrix = present(layerMatrix(layer), 'its matrix');
    const reading = { node: found, layer, matrix };
    const type = options.dtype ?? 'float32';
    const outDims = (layer.out.value.type?.dims ?? []).map(Number);
    const [wanted, given] = [randomTensor(type, outDims, 8), randomTensor(type, outDims, 9)];

    const part = extractModel(model, new Set(), [layer.data.value]);
    const { graph } = part.model;
    const [w, g] = ['wanted', 'given'].map((name) => {
      const value = graph.addValue(name, layer.out.value.type);
      graph.addInput(value);
      return value;
    });
    const builder = new MomentBuilder(graph, ruleOf, 1);
    const input = present(builder.addInput(reading, part.twinOf(layer.data.value)), 'sums of what is read');
    const difference = builder.difference(present(w, 'wanted'), present(g, 'given'));
    const error = builder.addError(reading, input.columns, {
      ...difference,
      like: layer.out.value,
      dim: layer.out.dim,
    });
    const outputs = await run(child, encodeModel(exportModel(part.model)), { x, wanted, given });

    // The same numbers in float32, in which they are laid out.
    const wide = await normalised(oneLayer(dims, node, 3, { ...options, dtype: 'float32' }).bytes, child);
    const wideNode = layerNode(wide);
    const wideData = present(ruleOf(wideNode).layer?.(wideNode), 'the layer').data.value;
    const laid = await laidOut(child, wide, wideNode, wideData, { type: 'float32', dims, data: numbersOf(x) });
    const [a, b] = [slices(wanted, layer.out.dim), slices(given, layer.out.dim)];
    const e = a.map((row, i) => row.map((each, j) => each - (b[i]?.[j] ?? Number.NaN)));
    const expected = momentsOf(matrix, slices(laid, layer.data.dim), e, a);
    for (const [key, numbers] of KEYS.map((each) => [each, expected[each]] as const)) {
      const name = present({ ...input.names, ...error }[key], key);
      const sums = present(outputs[name], name);
      expect(sums.type, key).toBe(key === 'count' ? 'float64' : 'float32');
      expect(sums.data.length, key).toBe(numbers.length);
      numbers.forEach((each, i) => {
        expect(Math.abs(Number(sums.data[i]) - each), `${key}[${i}]`).toBeLessThan(1e-4 * Math.max(1, Math.abs(each)));
      });
    }
  });

  test('of channels as wholes take all positions of the data', async () => {
    for (const [dims, node] of [present(LAYERS['Conv'], 'Conv'), present(LAYERS['grouped Conv'], 'grouped Conv')]) {
      const { bytes, x } = oneLayer(dims, node, 3);
      const model = await normalised(bytes, child);
      const found = layerNode(model);
      const layer = present(ruleOf(found).layer?.(found), 'the layer');
      const matrix = present(layerMatrix(layer), 'its matrix');
      const part = extractModel(model, new Set(), [layer.data.value]);
      const builder = new MomentBuilder(part.model.graph, ruleOf, 1);
      const { names } = builder.addChannels({ node: found, layer, matrix }, part.twinOf(layer.data.value));
      const outputs = await run(child, encodeModel(exportModel(part.model)), { x });
      const features = matrix.features / matrix.kernel;
      const expected = momentsOf({ ...matrix, features }, slices(x, 1), [], []);
      for (const key of ['count', 'sum', 'gram'] as const) {
        const sums = present(outputs[present(names[key], key)], key);
        expect(sums.data.length).toBe(expected[key].length);
        expected[key].forEach((each, i) => {
          expect(Number(sums.data[i])).toBeCloseTo(each, 3);
        });
      }
    }
  });
});
