import { afterAll, describe, expect, test } from 'vitest';
import { present } from '../../src/errors.ts';
import { extractModel } from '../../src/ir/extract.ts';
import { exportModel, importModel, type Model } from '../../src/ir/model.ts';
import type { Node } from '../../src/ir/node.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { writeModelFile } from '../../src/onnx/write.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { type Feeds, RuntimeChild, run } from '../../src/runtime/index.ts';
import { freshFolder } from '../pipeline/folder.ts';
import { ModelBuilder } from '../support/build.ts';
import { normals } from '../support/random.ts';
import { BATCH, type Layer, recurrent, STEPS } from './recurrent-layers.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

const [INPUTS, HIDDEN, POSITIONS] = [8, 6, STEPS * BATCH];

interface Net {
  readonly model: Model;
  readonly node: Node;
  readonly feeds: Feeds;
}

/** tokens [steps, batch, inputs] → the layer → one of its outputs, Y if not said. */
function netOf(layer: Layer, opset = 17, read = 0): Net {
  const b = new ModelBuilder({ opset, seed: 3 });
  const outputs = recurrent(b, b.input('tokens', 'float32', [STEPS, BATCH, INPUTS]), layer);
  b.output(outputs[read] ?? '', 'float32');
  const model = importModel(decodeModel(b.bytes()));
  const node = present(
    [...model.graph.nodes].find(({ opType }) => opType === layer.opType),
    'the layer',
  );
  const feeds: Record<string, Feeds[string]> = {};
  for (const { name, type } of model.graph.inputs) {
    const dims = (type?.dims ?? []).map(Number);
    const data = normals(
      dims.reduce((size, length) => size * length, 1),
      name.length,
    );
    feeds[name] = { type: 'float32', dims, data };
  }
  return { model, node, feeds };
}

async function outputsOf(model: Model, feeds: Feeds, wanted: readonly string[]): Promise<number[][]> {
  const path = freshFolder().path('m.onnx');
  await writeModelFile(path, exportModel(model, 'embed'));
  const outputs = await run(child, path, feeds);
  return wanted.map((name) => Array.from(present(outputs[name], name).data as Float32Array));
}

/** What W and R are multiplied with, by the rule: [inputs, positions] and [directions · hidden, positions]. */
async function columnsOf({ model, node, feeds }: Net): Promise<number[][]> {
  const part = extractModel(
    model,
    new Set(),
    node.inputs.filter((value) => value !== undefined),
  );
  const { graph } = part.model;
  const products = ruleOf(node).products?.(node) ?? [];
  expect(products.map(({ weight }) => weight)).toEqual([node.inputs[1], node.inputs[2]]);
  const columns = products.map((product) => product.columns(graph, part.twinOf));
  for (const value of columns) graph.addOutput(value);
  return outputsOf(
    part.model,
    feeds,
    columns.map(({ name }) => name),
  );
}

const DIRECTIONS = ['forward', 'reverse', 'bidirectional'] as const;
const STATES = [undefined, 'constant', 'computed'] as const;
const cases = DIRECTIONS.flatMap((direction) =>
  STATES.flatMap((states) => [false, true].map((lengths) => ({ direction, states, lengths }))),
);

const worst = (found: readonly number[], wanted: readonly number[]): number => {
  expect(found).toHaveLength(wanted.length);
  return Math.max(...found.map((each, i) => Math.abs(each - (wanted[i] ?? Number.NaN))));
};

describe('what the weights of a recurrent operator are multiplied with', () => {
  test.each(cases)(
    'makes its states: RNN, $direction, states $states, lengths $lengths',
    async ({ direction, states, lengths }) => {
      const layer: Layer = { opType: 'RNN', direction, bias: true, lengths, ...(states && { states }) };
      const net = netOf(layer);
      const { model, node, feeds } = net;
      const [x = [], h = []] = await columnsOf(net);
      const [y = []] = await outputsOf(model, feeds, [node.outputs[0]?.name ?? '']);
      const [w, r, bias] = [1, 2, 3].map((index) => present(node.inputs[index]?.tensor, 'a weight').floats());
      const directions = direction === 'bidirectional' ? 2 : 1;
      const wanted: number[] = [];
      for (let step = 0; step < STEPS; step++)
        for (let side = 0; side < directions; side++)
          for (let sample = 0; sample < BATCH; sample++)
            for (let unit = 0; unit < HIDDEN; unit++) {
              const [row, position] = [side * HIDDEN + unit, step * BATCH + sample];
              const ends = lengths ? [STEPS, STEPS - 2] : [STEPS, STEPS];
              if (step >= (ends[sample] ?? 0)) {
                for (let i = 0; i < INPUTS; i++) expect(x[i * POSITIONS + position]).toBeCloseTo(0, 12);
                for (let i = 0; i < HIDDEN; i++)
                  expect(h[(side * HIDDEN + i) * POSITIONS + position]).toBeCloseTo(0, 12);
                wanted.push(0);
                continue;
              }
              let sum = (bias?.[2 * side * HIDDEN + unit] ?? 0) + (bias?.[(2 * side + 1) * HIDDEN + unit] ?? 0);
              for (let i = 0; i < INPUTS; i++) sum += (w?.[row * INPUTS + i] ?? 0) * (x[i * POSITIONS + position] ?? 0);
              for (let i = 0; i < HIDDEN; i++)
                sum += (r?.[row * HIDDEN + i] ?? 0) * (h[(side * HIDDEN + i) * POSITIONS + position] ?? 0);
              wanted.push(Math.tanh(sum));
            }
      expect(worst(wanted, y)).toBeLessThan(1e-5);
    },
  );

  const operators = ['GRU', 'LSTM'].flatMap((opType) => [9, 17].map((opset) => ({ opType, opset })));
  test.each(operators)('is Y one step before: $opType of both directions, operator set $opset', async (of) => {
    const net = netOf({ opType: of.opType, direction: 'bidirectional', bias: true }, of.opset);
    const { model, node, feeds } = net;
    const [x = [], h = []] = await columnsOf(net);
    const [y = []] = await outputsOf(model, feeds, [node.outputs[0]?.name ?? '']);
    const tokens = present(feeds['tokens'], 'the tokens').data as Float32Array;
    expect(x).toEqual(
      Array.from({ length: INPUTS * POSITIONS }, (_, at) => {
        return tokens[(at % POSITIONS) * INPUTS + Math.floor(at / POSITIONS)];
      }),
    );
    const before = Array.from({ length: 2 * HIDDEN * POSITIONS }, (_, at) => {
      const [row, position] = [Math.floor(at / POSITIONS), at % POSITIONS];
      const [side, unit, sample] = [Math.floor(row / HIDDEN), row % HIDDEN, position % BATCH];
      const step = Math.floor(position / BATCH) + (side === 0 ? -1 : 1);
      if (step < 0 || step >= STEPS) return 0;
      return y[((step * 2 + side) * BATCH + sample) * HIDDEN + unit] ?? Number.NaN;
    });
    expect(worst(h, before)).toBe(0);
  });

  test('is the same where Y is left out', async () => {
    const layer: Layer = { opType: 'LSTM', direction: 'reverse', peepholes: true, states: 'computed' };
    const [whole, without] = [netOf(layer), netOf(layer, 17, 1)];
    without.model.graph.dropOutput(without.node, 0);
    expect(without.node.outputs[0]).toBeUndefined();
    expect(await columnsOf(without)).toEqual(await columnsOf(whole));
  });

  test.each([
    ['the batch comes first, which no kernel takes', { attributes: { layout: 1 } }, 17],
    ['sequences have lengths in an operator set that cannot count steps', { lengths: true }, 10],
  ])('is not known where %s', (_, of, opset) => {
    const { node } = netOf({ opType: 'GRU', ...of }, opset);
    expect(ruleOf(node).products?.(node)).toEqual([]);
  });
});
