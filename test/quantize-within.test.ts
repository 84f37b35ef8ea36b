import { afterAll, describe, expect, it } from 'vitest';
import { exportModel, type Model } from '../src/ir/model.ts';
import { nodesIn } from '../src/ir/node.ts';
import { encodeModel } from '../src/onnx/codec.ts';
import type { Int8Wishes } from '../src/options/int8-options.ts';
import { type FloatSearch, quantizeWithin } from '../src/quantize-within.ts';
import { RuntimeChild } from '../src/runtime/index.ts';
import { Stopwatch } from '../src/stopwatch.ts';
import { ModelBuilder } from './support/build.ts';
import { normalised } from './support/model-parts.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

const LAYERS = 9;
const WISHES: Int8Wishes = {
  mode: 'dynamic',
  ranges: 'mse',
  rounding: 'nearest',
  bits: 8,
  portable: false,
  equalize: false,
  float: [],
};

/** Products one behind the other, each with more weights than the one before: "layer0", "layer1", … */
function chain(): Promise<Model> {
  const b = new ModelBuilder();
  let x = b.input('x', 'float32', ['N', 4]);
  for (let i = 0; i < LAYERS; i++)
    x = b.node('Relu', [b.node('MatMul', [x, b.weight(`w${i}`, [4 + i, 5 + i])], {}, { name: `layer${i}` })]);
  b.output(x, 'float32', ['N', 4 + LAYERS]);
  return normalised(b.bytes(), child);
}

const integers = ({ graph }: Model): number =>
  nodesIn(graph).filter(({ opType }) => opType === 'DynamicQuantizeLinear').length;

const within = (
  model: Model,
  dropOf: (each: Model) => Promise<number>,
  limit = 0.5,
): ReturnType<typeof quantizeWithin> =>
  quantizeWithin(
    model,
    WISHES,
    { exclude: [], layers: [], again: false },
    { clock: new Stopwatch(undefined, undefined), stages: undefined, lineage: undefined },
    { limit, dropOf },
  );

describe('layers that go back to float', () => {
  it.each(Array.from({ length: LAYERS + 1 }, (_, least) => least))(
    'are as few as keep to the drop: %d',
    async (least) => {
      const model = await chain();
      const before = encodeModel(exportModel(model));
      const looked: number[] = [];
      const { search, layers, floats } = await within(model, async (clone) => {
        looked.push(integers(clone));
        // Tries leave the model as it is.
        expect(encodeModel(exportModel(model))).toEqual(before);
        return LAYERS - integers(clone) >= least ? 0.5 : 0.6;
      });
      expect(integers(model)).toBe(LAYERS - least);
      expect(layers).toHaveLength(LAYERS - least);
      expect(looked.length).toBeLessThanOrEqual(1 + 2 * Math.ceil(Math.log2(LAYERS + 1)));
      expect(new Set(looked).size).toBe(looked.length);
      if (least === 0) {
        expect(search).toBeNull();
        return;
      }
      // Nothing is known of their outputs, so that the smallest go first.
      const names = Array.from({ length: least }, (_, i) => `layer${i}`);
      expect(search).toMatchObject({ limit: 0.5, found: true, layers: names } satisfies Partial<FloatSearch>);
      expect(floats.map(({ node }) => node)).toEqual(names);
      expect(search?.tries.map((each) => LAYERS - each.layers)).toEqual(looked);
      expect(search?.tries.map(({ met, drop }) => met === drop <= 0.5)).toEqual(looked.map(() => true));
    },
  );

  it('are none where not even all of them help', async () => {
    const model = await chain();
    const { search, floats } = await within(model, async () => 0.6);
    expect(search).toMatchObject({ found: false, layers: [] });
    expect(search?.tries.at(-1)).toEqual({ layers: LAYERS, drop: 0.6, met: false });
    expect(floats).toEqual([]);
    expect(integers(model)).toBe(LAYERS);
  });
});
