import { afterAll, describe, expect, test } from 'vitest';
import { present } from '../../src/errors.ts';
import { cloneModel, exportModel, type Model, withOutputs } from '../../src/ir/model.ts';
import { encodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { type Observation, observationsOf } from '../../src/recover/observation.ts';
import { type Outputs, RuntimeChild, run } from '../../src/runtime/index.ts';
import { type GraphBuilder, ModelBuilder } from '../support/build.ts';
import { inputsOf, normalised } from '../support/model-parts.ts';
import { numbersOf } from './calibrated.ts';
import { norm } from './nets.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** image [N, 3, 4, 4] → Conv "made" → … → "seen", and a Neg behind it, so that "seen" is no output. */
function behindConv(more: (b: ModelBuilder, made: string, image: string) => string, aside?: string): ModelBuilder {
  const b = new ModelBuilder();
  const image = b.input('image', 'float32', ['N', 3, 4, 4]);
  b.node('Conv', [image, b.weight('w', [3, 3, 1, 1]), b.vector('c', 3)], {}, { outputs: ['made'] });
  b.output(b.node('Neg', [more(b, 'made', image)]), 'float32');
  if (aside !== undefined) b.output(aside, 'float32');
  return b;
}

async function observed(b: ModelBuilder): Promise<{ model: Model; places: Observation[] }> {
  const model = await normalised(b.bytes(), child);
  const node = present(
    [...model.graph.nodes].find(({ outputs }) => outputs[0]?.name === 'made'),
    'the layer',
  );
  return { model, places: observationsOf(present(ruleOf(node).layer?.(node), 'a layer'), ruleOf) };
}

function bodyOf(b: ModelBuilder, x: string, y: string): GraphBuilder {
  const body = b.subgraph();
  body.output(body.node('Add', [x, y]), 'float32');
  return body;
}

const opTypes = (places: readonly Observation[]): (string | undefined)[] =>
  places.map(({ value }) => value.producer?.opType);

const add = (b: ModelBuilder, x: string, y: string): string => b.node('Add', [x, y]);

/** What stands behind the layer, and the operators whose outputs are looked at. */
const FOLLOWED: Readonly<Record<string, [(b: ModelBuilder, x: string, image: string) => string, string[]]>> = {
  nothing: [(_, x) => x, ['Conv']],
  'a normalization': [(b, x) => norm(b, x, 'n', 3), ['Conv', 'BatchNormalization']],
  'a residual sum': [add, ['Conv', 'Add']],
  'a residual sum, as the second': [(b, x, image) => add(b, image, x), ['Conv', 'Add']],
  'a sum of three': [(b, x, image) => b.node('Sum', [image, x, image]), ['Conv', 'Sum']],
  'a difference': [(b, x, image) => b.node('Sub', [x, image]), ['Conv', 'Sub']],
  'a difference, as the second': [(b, x, image) => b.node('Sub', [image, x]), ['Conv', 'Sub']],
  'an offset for each channel': [(b, x) => add(b, x, b.weight('offset', [3, 1, 1])), ['Conv', 'Add']],
  'a gain for each channel and what follows': [
    (b, x, image) => b.node('Sub', [image, add(b, norm(b, b.node('Sub', [image, norm(b, x, 'n', 3)]), 'm', 3), image)]),
    ['Conv', 'BatchNormalization', 'Sub', 'BatchNormalization', 'Add', 'Sub'],
  ],
  // Here it ends.
  'an activation': [(b, x, image) => add(b, b.node('Relu', [x]), image), ['Conv']],
  'two readers': [(b, x, image) => add(b, add(b, x, image), b.node('Relu', [x])), ['Conv']],
  'itself twice': [(b, x) => add(b, x, x), ['Conv']],
  'a product': [(b, x, image) => b.node('Mul', [x, image]), ['Conv']],
  'a sum that stretches it': [(b, x) => add(b, x, b.weight('wide', [2, 1, 1, 1, 1])), ['Conv']],
};

describe('the output of a layer is looked at', { timeout: 30_000 }, () => {
  test.each(Object.entries(FOLLOWED))('behind it: %s', async (_, [more, expected]) => {
    const { model, places } = await observed(behindConv(more));
    expect(opTypes(places)).toEqual(expected);
    const names = places.map(({ value }) => value.name);
    const feeds = inputsOf(model, 1);
    const outputsOf = (of: Model): Promise<Outputs> =>
      run(child, encodeModel(exportModel(withOutputs(of, names))), feeds, { outputs: names });
    const before = await outputsOf(model);
    const moved = cloneModel(model).model;
    const layer = present(
      [...moved.graph.nodes].find(({ outputs }) => outputs[0]?.name === 'made'),
      'the layer',
    );
    const amounts = Float64Array.of(1, -2, 0.5);
    ruleOf(layer).addBias?.(layer, amounts, moved.graph);
    const after = await outputsOf(moved);
    for (const { value, dim, gain } of places) {
      expect(dim).toBe(1);
      const [a, b] = [numbersOf(present(before[value.name], 'before')), numbersOf(present(after[value.name], 'after'))];
      a.forEach((each, i) => {
        const channel = Math.floor(i / 16) % 3;
        expect((b[i] as number) - each).toBeCloseTo((gain[channel] as number) * (amounts[channel] as number), 4);
      });
    }
  });

  test('not behind an output of the model', async () => {
    const { places } = await observed(behindConv(add, 'made'));
    expect(opTypes(places)).toEqual(['Conv']);
  });

  test('not inside a body that reads it', async () => {
    const b = behindConv((outer, made, image) => {
      const flag = outer.node('Greater', [
        outer.node('ReduceSum', [image], { keepdims: 0 }),
        outer.constant('zero', 'float32', [], [0]),
      ]);
      return outer.node('If', [flag], {
        then_branch: { graph: bodyOf(outer, made, image) },
        else_branch: { graph: bodyOf(outer, made, image) },
      });
    });
    expect(opTypes((await observed(b)).places)).toEqual(['Conv']);
  });

  test('nowhere where it counts for nothing', async () => {
    const b = new ModelBuilder();
    const x = b.input('rows', 'float32', ['N', 3]);
    b.node('Gemm', [x, b.weight('w', [3, 3]), b.vector('c', 3)], { alpha: { float: 0 } }, { outputs: ['made'] });
    b.output(b.node('Neg', ['made']), 'float32');
    expect((await observed(b)).places).toEqual([]);
  });
});
