import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { present } from '../../../src/errors.ts';
import { exportModel, type Model, withOutputs } from '../../../src/ir/model.ts';
import type { Axis } from '../../../src/ir/value.ts';
import { encodeModel } from '../../../src/onnx/codec.ts';
import { ruleOf } from '../../../src/ops/rules.ts';
import { equalizeWeights, smoothActivations, smoothingAxes } from '../../../src/quantize/equalize/equalize.ts';
import { RuntimeChild, run } from '../../../src/runtime/index.ts';
import { ModelBuilder } from '../../support/build.ts';
import { inputsOf, normalised, valueNamed } from '../../support/model-parts.ts';
import { affine, gemm, matMul, op, rows, tokens } from './nets.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** rows [N, 1] → Gemm "a" → Relu → Gemm "b" → y, with one weight for each channel on either side. */
function twoLayers(made: readonly number[], read: readonly number[], bias: readonly number[] = made): Promise<Model> {
  const b = new ModelBuilder();
  const count = made.length;
  const a = [b.constant('a', 'float32', [1, count], made), b.constant('a.bias', 'float32', [count], bias)];
  const hidden = b.node(
    'Relu',
    [b.node('Gemm', [b.input('x', 'float32', ['N', 1]), ...a])],
    {},
    { outputs: ['hidden'] },
  );
  b.output(b.node('Gemm', [hidden, b.constant('b', 'float32', [count, 1], read)]), 'float32');
  return normalised(b.bytes(), child);
}

const weights = (model: Model, name: string): number[] => [...(valueNamed(model, name).tensor?.floats() ?? [])];

describe('weights are equalised', () => {
  test('a channel that was made 64 times as large is made as large as the others', async () => {
    const model = await twoLayers([1, 64, 1, 1, 1], [1, 1 / 64, 1, 1, 1], [3, 128, -1, 0, 0.5]);
    const report = equalizeWeights(model.graph, ruleOf);
    expect(report).toEqual({ sites: [{ value: 'hidden', channels: 5, scaled: 1, before: 64, after: 1 }] });
    expect(weights(model, 'a')).toEqual([1, 1, 1, 1, 1]);
    expect(weights(model, 'a.bias')).toEqual([3, 2, -1, 0, 0.5]);
    expect(weights(model, 'b')).toEqual([1, 1, 1, 1, 1]);
  });

  test('ranges on both sides meet: r₁ / s = r₂ · s', async () => {
    const model = await twoLayers([1, 16, 1, 1, 4], [1, 1, 1, 1 / 16, 4]);
    equalizeWeights(model.graph, ruleOf);
    expect(weights(model, 'a')).toEqual([1, 4, 1, 0.25, 4]);
    expect(weights(model, 'b')).toEqual([1, 4, 1, 0.25, 4]);
  });

  test('a factor that all channels have is left alone', async () => {
    const model = await twoLayers([512, 512, 512], [1, 1, 1]);
    expect(equalizeWeights(model.graph, ruleOf).sites[0]?.scaled).toBe(0);
    expect(weights(model, 'a')).toEqual([512, 512, 512]);
  });

  test('dead channels stay as they are', async () => {
    const model = await twoLayers([1, 0, 64, 1, 1, 1], [1, 64, 0, 1, 1, 1], [0, 2, 2, 0, 0, 0]);
    expect(equalizeWeights(model.graph, ruleOf).sites[0]?.scaled).toBe(0);
    expect(weights(model, 'a')).toEqual([1, 0, 64, 1, 1, 1]);
    expect(weights(model, 'b')).toEqual([1, 64, 0, 1, 1, 1]);
  });

  test('no factor lies further than 2⁷ from that of the others', async () => {
    const model = await twoLayers([1, 2 ** 40, 1], [1, 1, 1]);
    equalizeWeights(model.graph, ruleOf);
    expect(weights(model, 'a')).toEqual([1, 2 ** 33, 1]);
  });

  test('ranges differ from their equals by less than rounding to a power of two explains', async () => {
    const magnitude = fc.tuple(
      fc.integer({ min: -3, max: 3 }),
      fc.double({ min: 1, max: 1.99, noNaN: true }),
      fc.boolean(),
    );
    const channel = fc.tuple(magnitude, magnitude);
    await fc.assert(
      fc.asyncProperty(fc.array(channel, { minLength: 2, maxLength: 12 }), async (channels) => {
        const numbers = (side: 0 | 1): number[] =>
          channels.map((pair) => {
            const [exponent, mantissa, isNegative] = pair[side];
            return (isNegative ? -1 : 1) * mantissa * 2 ** exponent;
          });
        const model = await twoLayers(numbers(0), numbers(1));
        const product = (): number[] => weights(model, 'a').map((made, i) => made * (weights(model, 'b')[i] as number));
        const before = product();
        equalizeWeights(model.graph, ruleOf);
        expect(product()).toEqual(before);
        const quotients = weights(model, 'a').map((made, i) =>
          Math.log2(Math.abs(made / (weights(model, 'b')[i] as number))),
        );
        // Half a power of two on either side, which counts twice in the quotient.
        expect(Math.max(...quotients) - Math.min(...quotients)).toBeLessThanOrEqual(2 + 1e-6);
      }),
      { numRuns: 20 },
    );
  });
});

/** The largest magnitudes along axes, as the model runs. */
async function observedPeaks(model: Model, axes: readonly Axis[]): Promise<Map<Axis['value'], Float64Array>> {
  const names = axes.map(({ value }) => value.name);
  const bytes = encodeModel(exportModel(withOutputs(model, names)));
  const outputs = await run(child, bytes, inputsOf(model, 4, 64), { outputs: names });
  return new Map(
    axes.map(({ value, dim }) => {
      const { dims, data } = present(outputs[value.name], value.name);
      const inner = dims.slice(dim + 1).reduce((product, length) => product * length, 1);
      const peaks = new Float64Array(present(dims[dim], 'a length'));
      Array.from(data, Number).forEach((each, i) => {
        const channel = Math.floor(i / inner) % peaks.length;
        peaks[channel] = Math.max(peaks[channel] as number, Math.abs(each));
      });
      return [value, peaks];
    }),
  );
}

describe('activations are smoothed', () => {
  test('s = √(max|X| / max|W|), to the nearest power of two', async () => {
    const model = await twoLayers([1, 1, 1, 1], [1, 1, 4, 1]);
    const peaks = new Map([[valueNamed(model, 'hidden'), Float64Array.of(2, 32, 2, 2)]]);
    const report = smoothActivations(model.graph, ruleOf, peaks);
    expect(report).toEqual({ sites: [{ value: 'hidden', channels: 4, scaled: 2, before: 16, after: 2 }] });
    expect(weights(model, 'a')).toEqual([1, 0.25, 2, 1]);
    expect(weights(model, 'b')).toEqual([1, 4, 2, 1]);
  });

  test.each([
    [0, [1, 1, 4, 1]],
    [1, [1, 1 / 16, 1, 1]],
  ])('with α = %d', async (alpha, made) => {
    const model = await twoLayers([1, 1, 1, 1], [1, 1, 4, 1]);
    const peaks = new Map([[valueNamed(model, 'hidden'), Float64Array.of(2, 32, 2, 2)]]);
    smoothActivations(model.graph, ruleOf, peaks, { alpha });
    expect(weights(model, 'a')).toEqual(made);
  });

  test('values without peaks are left alone, and so are channels that were never seen to hold anything', async () => {
    const model = await twoLayers([1, 64, 1], [1, 1, 1]);
    expect(smoothActivations(model.graph, ruleOf, new Map())).toEqual({ sites: [] });
    const peaks = new Map([[valueNamed(model, 'hidden'), Float64Array.of(1, 0, 1)]]);
    expect(smoothActivations(model.graph, ruleOf, peaks).sites[0]?.scaled).toBe(0);
    expect(weights(model, 'a')).toEqual([1, 64, 1]);
  });

  test('outliers behind a layer normalization are gone, seen by running it', async () => {
    const outlying = (b: ModelBuilder): string => b.constant('gain', 'float32', [6], [1, 40, 1, 0.9, 1.1, 75]);
    const model = await normalised(
      tokens((b, x) => {
        const normed = b.node('LayerNormalization', [x, outlying(b), affine(b, 'n', 6)[1]]);
        return b.node('Add', [matMul(b, normed, 'q', 6, 4), matMul(b, normed, 'k', 6, 4)]);
      }).bytes(),
      child,
    );
    const axes = smoothingAxes(model.graph, ruleOf);
    expect(axes).toHaveLength(1);
    const [site] = smoothActivations(model.graph, ruleOf, await observedPeaks(model, axes), { alpha: 1 }).sites;
    const [peaks = new Float64Array(0)] = (await observedPeaks(model, axes)).values();
    const sorted = peaks.slice().sort();
    expect(site?.before).toBeGreaterThan(30);
    expect(Math.max(...peaks) / (sorted[3] as number)).toBeCloseTo(site?.after ?? 0, 4);
    // Half a power of two on either side.
    expect(Math.max(...peaks) / Math.min(...peaks)).toBeLessThan(2);
  });

  test('the axes that it asks for are those that layers read, each once', async () => {
    const model = await normalised(
      rows((b, x) => {
        const hidden = op(b, 'Relu', gemm(b, x, 'a', 6, 8));
        return b.node('Add', [gemm(b, hidden, 'b', 8, 4), gemm(b, op(b, 'LeakyRelu', hidden), 'c', 8, 4)]);
      }).bytes(),
      child,
    );
    const axes = smoothingAxes(model.graph, ruleOf);
    expect(axes.map(({ value, dim }) => `${value.producer?.opType} ${dim}`)).toEqual(['Relu 1', 'LeakyRelu 1']);
    const peaks = await observedPeaks(model, axes.slice(1));
    expect(smoothActivations(model.graph, ruleOf, peaks)).toEqual({ sites: [] });
    expect(smoothActivations(model.graph, ruleOf, await observedPeaks(model, axes)).sites).toHaveLength(1);
  });
});
