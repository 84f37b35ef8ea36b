import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Model } from '../../src/ir/model.ts';
import { graphsIn } from '../../src/ir/node.ts';
import { dimsOf, elementTypeOf, type Value } from '../../src/ir/value.ts';
import { type Histogram, HistogramBuilder } from '../../src/numeric/histogram.ts';
import { measureHistograms, measurePeaks } from '../../src/quantize/measure.ts';
import type { Activations, Spread, SpreadStage, Stage } from '../../src/recover/activations.ts';
import type { Feeds } from '../../src/runtime/index.ts';
import { buildNet, problems } from '../ops/generated-net.ts';
import { numbersOf, Workshop } from '../recover/calibrated.ts';
import { floats } from '../runtime/models.ts';
import { ModelBuilder } from '../support/build.ts';
import { canBeFed, inputsOf, normalised, Observed, valueNamed } from '../support/model-parts.ts';
import { normals } from '../support/random.ts';

const workshop = Workshop.open();

/** Runs stages, and notes what is kept and how often each node is run. */
class Watched implements Activations {
  readonly kept = new Set<string>();
  readonly runs: string[][] = [];
  readonly samples: number;
  readonly #stages: Activations;

  constructor(stages: Activations) {
    this.#stages = stages;
    this.samples = stages.samples;
  }

  run(stage: Stage): ReturnType<Activations['run']> {
    return this.#stages.run(stage);
  }

  spread(stage: SpreadStage): Promise<Spread> {
    for (const name of stage.keep.values()) this.kept.add(name);
    this.runs.push([...stage.model.graph.nodes].map(({ opType }) => opType));
    return this.#stages.spread(stage);
  }

  async drop(names: readonly string[]): Promise<void> {
    for (const name of names) this.kept.delete(name);
    await this.#stages.drop(names);
  }
}

async function withStages<T>(data: readonly Feeds[], use: (activations: Watched) => Promise<T>): Promise<T> {
  const stages = await workshop.stages(data);
  try {
    return await use(new Watched(stages));
  } finally {
    await stages.close();
  }
}

/** The numbers of a value, batch by batch, as the whole net makes them. */
async function pulled(model: Model, data: readonly Feeds[]): Promise<(value: Value) => Float32Array[]> {
  const observed = await Promise.all(data.map((feeds) => Observed.of(model, workshop.child, feeds)));
  return (value) => observed.map((each) => numbersOf(each.tensor(value)));
}

function histogramOf(batches: readonly Float32Array[]): Histogram {
  const builder = new HistogramBuilder();
  for (const batch of batches) builder.add(batch);
  return builder.histogram;
}

const isReal = (value: Value): boolean => ['float32', 'float64', 'float16'].includes(elementTypeOf(value));
const flowing = ({ graph }: Model): Value[] =>
  [...graph.values].filter((value) => value.tensor === undefined && isReal(value) && canBeFed(value));

/** Quarters in, and nothing but sums and products with whole numbers, so that there is no rounding: a → b → c → (c + a) → y. */
async function exactNet(opset = 17): Promise<Model> {
  const b = new ModelBuilder({ opset });
  const x = b.input('x', 'float32', ['N', 3, 'T']);
  const node = (opType: string, inputs: string[], name: string, attributes = {}): string =>
    b.node(opType, inputs, attributes, { outputs: [name] });
  const a = node('Mul', [x, b.constant('scale', 'float32', [3, 1], [1, -2, 4])], 'a');
  node('Relu', [a], 'b');
  node('Cast', ['b'], 'whole', { to: 7 });
  const c = node('Sub', ['b', node('Cast', ['whole'], 'floor', { to: 1 })], 'c');
  const sum = node('Add', [c, a], 'sum');
  const wide = node('Cast', [node('Cast', [sum], 'half', { to: 10 })], 'wide', { to: 11 });
  b.output(node('Neg', [wide], 'y'), 'float64', ['N', 3, 'T']);
  b.output(node('Abs', [x], 'aside'), 'float32', ['N', 3, 'T']);
  return normalised(b.bytes(), workshop.child);
}

/** Batches of other sizes, along two axes. */
const quarters: Feeds[] = [
  [2, 5],
  [1, 4],
  [3, 7],
].map(([n = 1, t = 1], seed) => ({
  x: floats(
    [n, 3, t],
    [...normals(n * 3 * t, seed + 1)].map((each) => Math.round(8 * each) / 4),
  ),
}));

describe('histograms of what flows through a net', { timeout: 60_000 }, () => {
  test.each([
    ['in one part', Number.POSITIVE_INFINITY, 1],
    // Numbers of the first batch take 120 bytes as float32: 600, 660 and 120 bytes.
    ['in some', 700, 3],
    ['each by itself', 0, 10],
  ])('are those of the numbers pulled out, %s', async (_, limit, parts) => {
    const model = await exactNet();
    const values = [...model.graph.values];
    const expected = await pulled(model, quarters);
    const told: string[] = [];
    await withStages(quarters, async (activations) => {
      const onProgress = (done: number, total: number): unknown => told.push(`${done}/${total}`);
      const found = await measureHistograms(model, [...values, ...values], activations, { limit, onProgress });
      // Inputs and outputs of the net as well; not integers, nor constants.
      const names = ['x', 'a', 'b', 'floor', 'c', 'sum', 'half', 'wide', 'y', 'aside'];
      expect(Array.from(found.keys(), ({ name }) => name).sort()).toEqual(names.toSorted());
      for (const [value, histogram] of found) expect(histogram, value.name).toEqual(histogramOf(expected(value)));
      // A look at the sizes first.
      expect(activations.runs).toHaveLength(1 + parts);
      // What was kept at the borders is gone, and no node ran twice.
      expect(activations.kept).toEqual(new Set());
      const own = ['Mul', 'Relu', 'Cast', 'Sub', 'Add', 'Neg', 'Abs'];
      const nodes = activations.runs.slice(1).flat();
      expect(nodes.filter((opType) => own.includes(opType)).length).toBe(model.graph.nodes.size);
    });
    expect(told.at(-1)).toBe('10/10');
    expect(told).toHaveLength(parts);
  });

  test('of any net, in parts and in one, count all numbers between their extremes', async () => {
    let finite = 0;
    const property = fc.asyncProperty(problems, fc.nat({ max: 99999 }), async (problem, seed) => {
      const model = await normalised(buildNet(problem), workshop.child);
      const data = [inputsOf(model, seed), inputsOf(model, seed + 1)];
      const numbers = await pulled(model, data);
      const values = flowing(model).filter((value) => numbers(value).every((each) => each.every(Number.isFinite)));
      await withStages(data, async (activations) => {
        for (const limit of [Number.POSITIVE_INFINITY, 1000]) {
          const found = await measureHistograms(model, values, activations, { limit });
          expect(found.size).toBe(values.length);
          for (const [value, { count, min, max, counts }] of found) {
            const expected = histogramOf(numbers(value));
            expect(count, value.name).toBe(expected.count);
            expect(
              counts.reduce((sum, each) => sum + each, 0),
              value.name,
            ).toBe(count);
            const near = (elementTypeOf(value) === 'float16' ? 0.02 : 1e-3) * Math.max(1, expected.max, -expected.min);
            expect(Math.abs(min - expected.min), value.name).toBeLessThanOrEqual(near);
            expect(Math.abs(max - expected.max), value.name).toBeLessThanOrEqual(near);
            finite++;
          }
        }
        expect(activations.kept).toEqual(new Set());
      });
    });
    await fc.assert(property, { numRuns: 8, seed: 4 });
    expect(finite).toBeGreaterThan(50);
  });

  test('leave values in bodies out', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 2]);
    const total = b.node('ReduceSum', [x], { keepdims: 0 });
    const body = (name: string, opType: string): ReturnType<typeof b.subgraph> => {
      const inner = b.subgraph(name);
      inner.output(inner.node(opType, [x], {}, { outputs: [`inside_${name}`] }), 'float32', ['N', 2]);
      return inner;
    };
    const condition = b.node('Greater', [total, b.constant('none', 'float32', [], [0])]);
    const branches = { then_branch: { graph: body('then', 'Neg') }, else_branch: { graph: body('else', 'Abs') } };
    b.output(b.node('If', [condition], branches, { outputs: ['y'] }), 'float32', ['N', 2]);
    const model = await normalised(b.bytes(), workshop.child);
    const values = graphsIn(model.graph).flatMap((graph) => [...graph.values]);
    const isInside = ({ name }: Value): boolean => name.startsWith('inside');
    expect(values.filter(isInside)).toHaveLength(2);
    const found = await withStages([{ x: floats([1, 2], [1, 2]) }], (activations) =>
      measureHistograms(model, values, activations),
    );
    expect([...found.keys()].filter(isInside)).toEqual([]);
    expect(found.get(valueNamed(model, 'y'))).toMatchObject({ min: -2, max: -1, count: 2 });
    const nothing = withStages([], (activations) => measureHistograms(model, values.filter(isInside), activations));
    expect((await nothing).size).toBe(0);
  });

  test('look at as many samples as are enough', async () => {
    const model = await exactNet();
    const found = await withStages(quarters, (activations) =>
      measureHistograms(model, [valueNamed(model, 'x')], activations, { samples: 1 }),
    );
    expect(found.get(valueNamed(model, 'x'))?.count).toBe(30);
  });
});

/** y = 1 / x, and z = −y. */
async function inverse(): Promise<Model> {
  const b = new ModelBuilder();
  const y = b.node('Reciprocal', [b.input('x', 'float32', ['N', 3])], {}, { outputs: ['y'] });
  b.output(b.node('Neg', [y], {}, { outputs: ['z'] }), 'float32', ['N', 3]);
  return normalised(b.bytes(), workshop.child);
}

describe('what is not finite has no range', { timeout: 60_000 }, () => {
  test.each([
    ['infinity', [1, 0, 2], 'y'],
    ['NaN', [1, Number.NaN, 2], 'x'],
    ['NaN at the end', [1, 2, Number.NaN], 'x'],
    ['NaN at the start', [Number.NaN, 1, 2], 'x'],
  ])('and is named: %s', async (_, numbers, name) => {
    const model = await inverse();
    const values = [...model.graph.values];
    const data = [[1, 2, 3], numbers, [1, 2, 3]].map((each) => ({ x: floats([1, 3], each) }));
    await withStages(data, async (activations) => {
      const error = {
        code: 'bad-data',
        subject: name,
        message: expect.stringContaining(`"${name}" becomes NaN or infinite`),
      };
      for (const limit of [0, 1000]) {
        await expect(measureHistograms(model, values, activations, { limit })).rejects.toMatchObject(error);
        for (const dim of [0, 1]) {
          const axes = values.map((value) => ({ value, dim }));
          await expect(measurePeaks(model, axes, activations, { limit })).rejects.toMatchObject(error);
        }
        expect(activations.kept).toEqual(new Set());
      }
    });
  });
});

describe('peaks of channels', { timeout: 60_000 }, () => {
  test.each([12, 17, 18])('are the largest magnitudes of all batches, in operator set %i', async (opset) => {
    const model = await exactNet(opset);
    const numbers = await pulled(model, quarters);
    const axes = flowing(model).map((value) => ({ value, dim: 1 }));
    await withStages(quarters, async (activations) => {
      for (const limit of [0, 2 ** 20]) {
        const found = await measurePeaks(model, axes, activations, { limit });
        expect(found.size).toBe(axes.length);
        for (const [value, peaks] of found) {
          const expected = new Float64Array(3);
          numbers(value).forEach((batch, i) => {
            const length = quarters[i]?.['x']?.dims[2] ?? 1;
            batch.forEach((each, at) => {
              const channel = Math.floor(at / length) % 3;
              expected[channel] = Math.max(expected[channel] ?? 0, Math.abs(each));
            });
          });
          expect(peaks, value.name).toEqual(expected);
        }
        expect(activations.kept).toEqual(new Set());
      }
    });
  });

  test('of a single axis are the magnitudes themselves', async () => {
    const b = new ModelBuilder();
    b.output(b.node('Neg', [b.input('x', 'float32', [4])], {}, { outputs: ['y'] }), 'float32', [4]);
    const model = await normalised(b.bytes(), workshop.child);
    const data = [
      [1, -2, 0, 3],
      [-4, 1, 0, 1],
    ].map((each) => ({ x: floats([4], each) }));
    const y = valueNamed(model, 'y');
    expect(dimsOf(y)).toEqual([4]);
    const found = await withStages(data, (activations) => measurePeaks(model, [{ value: y, dim: 0 }], activations));
    expect(found.get(y)).toEqual(Float64Array.of(4, 2, 0, 3));
  });
});
