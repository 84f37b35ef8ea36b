import { describe, expect, test } from 'vitest';
import { present } from '../../src/errors.ts';
import { cloneModel, exportModel, type Model } from '../../src/ir/model.ts';
import type { Node } from '../../src/ir/node.ts';
import { encodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { roundLayers } from '../../src/quantize/round-layers.ts';
import type { RoundingOptions } from '../../src/quantize/round-rows.ts';
import type { LayerPlan, RoundedLayer } from '../../src/quantize/round-unseen.ts';
import { layerMatrix, readMatrix } from '../../src/recover/layer-matrix.ts';
import { Lineage } from '../../src/recover/lineage.ts';
import { type Feeds, runAll } from '../../src/runtime/index.ts';
import { numbersOf, Workshop } from '../recover/calibrated.ts';
import { floats } from '../runtime/models.ts';
import { normalised } from '../support/model-parts.ts';
import { createRandom } from '../support/random.ts';
import { NamedNet } from './static/nets.ts';

const workshop = Workshop.open();

const INT8 = { least: -127, most: 127 };
const INT4 = { least: -8, most: 7 };
const FEATURES = 24;

/** Rows of features that hang together, and are not zero on average. */
function rows(seed: number): Feeds {
  const mixing = createRandom(1);
  const mix = Array.from({ length: 6 * FEATURES }, () => mixing.normal());
  const random = createRandom(seed + 100);
  const values = Array.from({ length: 32 }, () => {
    const sources = Array.from({ length: 6 }, () => random.normal());
    return Array.from({ length: FEATURES }, (_, at) =>
      sources.reduce((sum, each, i) => sum + each * (mix[i * FEATURES + at] ?? 0), 0.8 + 0.1 * random.normal()),
    );
  });
  return { x: floats([32, FEATURES], values.flat()) };
}

const DATA = [0, 1, 2, 3].map(rows);
const HELD_OUT = [10, 11].map(rows);

/** Two products, each with a bias. */
function products(n: NamedNet): string {
  const x = n.input('x', 'float32', ['N', FEATURES]);
  const a = n.named('Gemm', 'a', [x, n.weight('aw', [FEATURES, FEATURES]), n.vector('ab', FEATURES)]);
  return n.named('Gemm', 'b', [n.named('Relu', 'r', [a]), n.weight('bw', [FEATURES, 8]), n.vector('bb', 8)]);
}

interface Wishes extends Partial<RoundingOptions> {
  readonly grid?: LayerPlan['grid'];
  readonly calibrated?: boolean;
  readonly dataScale?: number;
  readonly make?: (net: NamedNet) => string | readonly string[];
}

interface Rounded {
  readonly before: Model;
  readonly after: Model;
  readonly layers: readonly RoundedLayer[];
}

async function round(wishes: Wishes = {}): Promise<Rounded> {
  const { grid = INT8, calibrated = true, dataScale, make = products, method = 'gptq', portable = false } = wishes;
  const n = new NamedNet();
  n.give(...[make(n)].flat());
  const after = await normalised(n.bytes(), workshop.child);
  const before = cloneModel(after).model;
  const plans = new Map<Node, LayerPlan>();
  for (const node of after.graph.sorted()) {
    const layer = ruleOf(node).layer?.(node);
    if (layer !== undefined) plans.set(node, { layer, grid, dataScale });
  }
  const stages = await workshop.stages(DATA);
  try {
    const tools = { lineage: new Lineage(before), activations: stages };
    const rounded = await roundLayers(after, plans, ruleOf, { method, portable }, calibrated ? tools : undefined);
    return { before, after, layers: [...rounded.values()] };
  } finally {
    await stages.close();
  }
}

/** The first output of a model on data that nothing was learnt from. */
async function outputOf(model: Model, data: readonly Feeds[] = HELD_OUT): Promise<number[]> {
  const batches = await runAll(workshop.child, encodeModel(exportModel(model)), data);
  return batches.flatMap((outputs) => [...numbersOf(present(Object.values(outputs)[0], 'the output'))]);
}

async function errorOf({ before, after }: Rounded): Promise<number> {
  const [wanted, found] = [await outputOf(before), await outputOf(after)];
  return wanted.reduce((sum, each, i) => sum + (each - (found[i] as number)) ** 2, 0) / wanted.length;
}

/** How far the mean of each of 8 channels moves, at most. */
async function shiftOf({ before, after }: Rounded): Promise<number> {
  const [wanted, found] = [await outputOf(before, DATA), await outputOf(after, DATA)];
  const shifts = new Float64Array(8);
  wanted.forEach((each, i) => {
    shifts[i % 8] = (shifts[i % 8] as number) + ((found[i] as number) - each) / (wanted.length / 8);
  });
  return Math.max(...shifts.map(Math.abs));
}

describe('rounding the weights of layers', { timeout: 30_000 }, () => {
  test.each([
    { grid: INT8, calibrated: true },
    { grid: INT8, calibrated: false },
    { grid: { ...INT4, block: 8 }, calibrated: true },
    { grid: { ...INT4, block: 8 }, calibrated: false },
  ])('leaves scales times integers of the grid: $grid.least to $grid.most, data $calibrated', async (wishes) => {
    const result = await round(wishes);
    expect(result.layers.map(({ node }) => node)).toEqual(['a', 'b']);
    for (const layer of result.layers) {
      expect(layer.scales).toHaveLength(layer.rows * ('block' in wishes.grid ? 3 : 1));
      expect(Math.min(...layer.codes)).toBeGreaterThanOrEqual(wishes.grid.least);
      expect(Math.max(...layer.codes)).toBeLessThanOrEqual(wishes.grid.most);
      expect(numbersOn(layer)).toEqual(weightsIn(result.after, layer));
    }
  });

  test.each([
    { grid: INT4, gain: 4 },
    { grid: INT8, gain: 2 },
  ])('loses less with data than without: grid to $grid.most, at least $gain times', async ({ grid, gain }) => {
    const plain = await errorOf(await round({ grid, calibrated: false }));
    const nearest = await errorOf(await round({ grid, method: 'nearest' }));
    const fitted = await errorOf(await round({ grid }));
    expect(nearest).toBeLessThan(plain);
    expect(fitted).toBeLessThan(plain / gain);
  });

  test('says what the output lacks and how it varies, where there are data', async () => {
    for (const { after, energy, method } of (await round({ grid: INT4 })).layers) {
      expect(method).toBe('gptq');
      expect(after).toBeGreaterThan(0);
      expect(energy).toBeGreaterThan(10 * (after ?? Number.NaN));
    }
    for (const layer of (await round({ calibrated: false })).layers)
      expect(layer).toMatchObject({ after: null, energy: null, method: 'nearest' });
  });

  test('keeps the mean of the output, by the bias', async () => {
    const off = await shiftOf(await round({ grid: INT4, calibrated: false }));
    expect(await shiftOf(await round({ grid: INT4, method: 'nearest' }))).toBeLessThan(off / 20);
  });

  test.each(['nearest', 'gptq'] as const)('leaves zeros of sparse weights zero: %s', async (method) => {
    for (const grid of [INT8, INT4]) {
      const { before, after } = await round({
        grid,
        method,
        make: (n) => {
          const values = Array.from({ length: FEATURES * 8 }, (_, at) => (at % 2 === 0 ? 0 : Math.sin(at)));
          const w = n.constant('w', 'float32', [8, FEATURES], values);
          return n.named('Gemm', 'a', [n.input('x', 'float32', ['N', FEATURES]), w, n.vector('b', 8)], { transB: 1 });
        },
      });
      const [old, made] = [before, after].map(({ graph }) => weightNamed(graph, 'w'));
      expect(old?.filter((each) => each === 0)).toHaveLength(96);
      old?.forEach((each, i) => {
        if (each === 0) expect(made?.[i]).toBe(0);
      });
    }
  });

  test.each([true, false])('rounds a weight that layers share once, data: %s', async (calibrated) => {
    const result = await round({
      grid: INT4,
      calibrated,
      make: (n) => {
        const w = n.weight('w', [FEATURES, FEATURES]);
        const a = n.named('Gemm', 'a', [n.input('x', 'float32', ['N', FEATURES]), w, n.vector('ab', FEATURES)]);
        return n.named('Gemm', 'b', [n.named('Relu', 'r', [a]), w, n.vector('bb', FEATURES)]);
      },
    });
    expect(result.layers.map(({ weight }) => weight.name)).toEqual(['w']);
    for (const layer of result.layers) expect(numbersOn(layer)).toEqual(weightsIn(result.after, layer));
  });

  test.each([true, false])('has scales that let 32 bits hold the bias, data: %s', async (calibrated) => {
    const { layers } = await round({
      calibrated,
      dataScale: 1e-6,
      make: (n) => {
        const bias = n.constant('b', 'float32', [8], [2000, -2000, 0, 0, 0, 0, 0, 0]);
        return n.named('Gemm', 'a', [
          n.input('x', 'float32', ['N', FEATURES]),
          n.weight('w', [FEATURES, 8], { std: 0.01 }),
          bias,
        ]);
      },
    });
    const scales = layers[0]?.scales ?? [];
    const [first, second, ...others] = scales;
    expect(2000 / (1e-6 * (first ?? 0))).toBeLessThan(2 ** 31);
    expect(2000 / (1e-6 * (second ?? 0))).toBeLessThan(2 ** 31);
    for (const scale of others) expect(scale).toBeLessThan(0.001);
  });
});

/** What the integers of a layer stand for. */
function numbersOn({ codes, scales, rows: height, columns }: RoundedLayer): number[] {
  const blocks = scales.length / height;
  return Array.from(codes, (code, i) => {
    const block = Math.floor(((i % columns) * blocks) / columns);
    return Math.fround(code * (scales[Math.floor(i / columns) * blocks + block] as number)) + 0;
  });
}

/** The weights that a layer has in a model, by rows. */
function weightsIn({ graph }: Model, { node }: RoundedLayer): number[] {
  const own = graph.sorted().find(({ name }) => name === node);
  const layer = own && ruleOf(own).layer?.(own);
  return Array.from(readMatrix(present(layer && layerMatrix(layer), node)), (each) => each + 0);
}

function weightNamed({ initializers }: Model['graph'], name: string): number[] {
  const value = [...initializers].find((each) => each.name === name);
  return Array.from(present(value?.tensor, name).floats());
}
