import { describe, expect, test } from 'vitest';
import { exportModel, type Model } from '../../src/ir/model.ts';
import { initializersIn } from '../../src/ir/node.ts';
import { encodeModel } from '../../src/onnx/codec.ts';
import { type Feeds, runAll } from '../../src/runtime/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { inputsOf, normalised } from '../support/model-parts.ts';
import { createRandom } from '../support/random.ts';
import { languageModel } from '../support/transformer.ts';
import { numbersOf, Workshop } from './calibrated.ts';
import {
  bare,
  branched,
  grouped,
  mixer,
  mobile,
  plain,
  recurrent,
  residual,
  scaled,
  shared,
  transposed,
  unet,
} from './nets.ts';

const workshop = Workshop.open();
const patient = { timeout: 60_000 };

const words = (seed: number): Feeds => {
  const random = createRandom(seed);
  const data = BigInt64Array.from({ length: 16 * 6 }, () => BigInt(random.below(11)));
  return { ids: { type: 'int64', dims: [16, 6], data } };
};

const inputs = (net: ModelBuilder) => async (seed: number) =>
  inputsOf(await normalised(net.bytes(), workshop.child), seed, 8);

describe('layers make up for channels that left', patient, () => {
  test.each<[string, ModelBuilder, number]>([
    ['plain', plain(), 0.2],
    ['residual', residual(), 0.1],
    ['mobile', mobile(), 0.05],
    ['bare', bare(), 0.6],
    ['grouped', grouped(), 0.1],
    ['mixer', mixer(), 0.6],
    ['unet', unet(), 0.4],
    ['transposed', transposed(), 0.7],
    ['recurrent', recurrent(), 0.5],
    ['shared', shared(), 0.2],
    ['half', plain({ dtype: 'float16' }), 0.2],
    ['branched', branched(), 0.2],
  ])('of a net: %s', async (_, net, most) => {
    const { cut, recovered, layers } = await workshop.prune(net);
    const bias = await workshop.prune(net, { kind: 'bias' });
    expect(bias.cut).toBe(cut);
    expect(recovered).toBeLessThan(most * cut);
    expect(bias.recovered).toBeLessThan(cut);
    for (const { before, after, extra } of [...layers, ...bias.layers]) {
      if (after !== null) expect(after).toBeLessThanOrEqual(before);
      expect(extra).toBe(0);
    }
    for (const { ridge } of bias.layers) expect(ridge).toBeNull();
  });

  test('of a transformer with its heads', async () => {
    const { cut, recovered, layers, report } = await workshop.prune(languageModel(), { feeds: words, batches: 16 });
    expect(report.groups.map(({ part }) => part)).toContain('heads');
    expect(recovered).toBeLessThan(0.7 * cut);
    expect(layers.map(({ initializer }) => initializer)).toContain('0.out');
  });

  test('in rounds', async () => {
    for (const net of [residual(), bare(), unet()]) {
      // What a layer is corrected by in one round it has learnt from in the one before: that takes more data.
      const { cut, recovered } = await workshop.prune(net, { rounds: 3, batches: 32 });
      expect(recovered).toBeLessThan(cut);
    }
  });

  test('learning from one batch alone', async () => {
    const { cut, recovered } = await workshop.prune(residual(), { batches: 1 });
    expect(recovered).toBeLessThan(0.5 * cut);
  });

  test('and say how far outputs were off on the batches that nothing was learnt from', async () => {
    const net = scaled();
    const feeds = await Promise.all([0, 1, 2, 3].map(inputs(net)));
    const wishes = { batches: 4, options: { exclude: ['two'] } };
    const { layers, model } = await workshop.prune(net, wishes);
    const cut = await workshop.prune(net, { ...wishes, kind: 'none' });
    const dense = await normalised(net.bytes(), workshop.child);
    const outputsOf = async (of: Model): Promise<Float32Array[]> =>
      (await runAll(workshop.child, encodeModel(exportModel(of)), feeds)).flatMap((each) =>
        Object.values(each).map(numbersOf),
      );
    const [wanted, before, after] = [await outputsOf(dense), await outputsOf(cut.model), await outputsOf(model)];
    const errorOf = (found: readonly Float32Array[]): number =>
      [1, 3].reduce((sum, batch) => {
        const [a, b] = [Array.from(wanted[batch] ?? []), found[batch] ?? []];
        return sum + a.reduce((part, each, i) => part + (each - (b[i] as number)) ** 2, 0);
      }, 0) /
      (2 * 8 * 64);
    expect(layers).toHaveLength(1);
    expect(layers[0]?.before).toBeCloseTo(errorOf(before), 4);
    // What is written is learnt from all batches.
    expect(errorOf(after)).toBeLessThan(layers[0]?.after ?? 0);
    expect(errorOf(after)).toBeGreaterThan(0.5 * (layers[0]?.after ?? 0));
    const channels = Array.from({ length: 4 }, (_, channel) =>
      wanted.flatMap((batch) => [...batch].filter((_, i) => Math.floor(i / 64) % 4 === channel)),
    );
    const variance = (of: readonly number[]): number => {
      const mean = of.reduce((sum, each) => sum + each, 0) / of.length;
      return of.reduce((sum, each) => sum + (each - mean) ** 2, 0) / of.length;
    };
    expect(layers[0]?.energy).toBeCloseTo(
      channels.reduce((sum, each) => sum + variance(each), 0),
      2,
    );
  });

  test('and leave what they share and what is in bodies as it is', async () => {
    const floats = (model: Model, name: string): ArrayLike<number> | undefined =>
      initializersIn(model.graph)
        .find((value) => value.name === name)
        ?.tensor?.floats();
    for (const [net, names] of [
      [shared(), ['twice']],
      [branched(), ['yes', 'no']],
    ] as const) {
      const cut = await workshop.prune(net, { kind: 'none' });
      const { model } = await workshop.prune(net);
      for (const name of names) {
        expect(floats(model, name)).toEqual(floats(cut.model, name));
        expect(floats(model, name)?.length).toBeGreaterThan(0);
      }
    }
  });

  test('behind a body whose layers sum over less, though as many channels come out of it', async () => {
    const { layers, cut, recovered } = await workshop.prune(branched(), {
      options: { exclude: ['yes', 'no', 'three'] },
    });
    expect(layers.map(({ initializer }) => initializer)).toEqual(['three', 'head']);
    expect(recovered).toBeLessThan(0.5 * cut);
  });

  test('whatever an input of the model is called', async () => {
    for (const name of ['target', 'moments_flat']) {
      const b = new ModelBuilder({ seed: 3 });
      const x = b.input(name, 'float32', ['N', 10]);
      const wide = b.node('Relu', [b.node('MatMul', [x, b.weight('one', [10, 24])])]);
      const back = b.node('MatMul', [wide, b.weight('two', [24, 10])]);
      const again = b.node('Relu', [b.node('MatMul', [b.node('Add', [back, x]), b.weight('three', [10, 24])])]);
      b.output(b.node('MatMul', [again, b.weight('four', [24, 3])]), 'float32');
      const { cut, recovered } = await workshop.prune(b);
      expect(recovered).toBeLessThan(0.8 * cut);
    }
  });
});
