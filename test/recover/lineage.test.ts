import { afterAll, describe, expect, test } from 'vitest';
import { buildChannelMap } from '../../src/channels/build.ts';
import { Cut } from '../../src/channels/cut.ts';
import { shrink } from '../../src/channels/shrink.ts';
import { present } from '../../src/errors.ts';
import { cloneModel, type Model } from '../../src/ir/model.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { Lineage } from '../../src/recover/lineage.ts';
import { stopsOf } from '../../src/recover/stops.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { normalised, valueNamed } from '../support/model-parts.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** rows → one → two → three, with a name for every value. */
async function chain(): Promise<Model> {
  const b = new ModelBuilder();
  let x = b.input('rows', 'float32', ['N', 4]);
  for (const [name, from, to] of [
    ['one', 4, 6],
    ['two', 6, 5],
    ['three', 5, 3],
  ] as const) {
    b.node('Gemm', [x, b.weight(`w.${name}`, [to, from])], { transB: 1 }, { outputs: [name] });
    x = b.node('Relu', [name], {}, { outputs: [`${name}.relu`] });
  }
  b.output(x, 'float32');
  return normalised(b.bytes(), child);
}

/** Takes units out of the group of a weight, by their numbers in it. */
function cutOut(
  model: Model,
  lineage: Lineage,
  weight: string,
  units: readonly number[],
  allowApproximate = false,
): void {
  const map = buildChannelMap(model.graph, ruleOf, { allowApproximate });
  const group = present(
    map.groups.find(({ name }) => name === weight),
    weight,
  );
  const removed = new Uint8Array(map.unitCount);
  for (const unit of units) removed[group.first + unit] = 1;
  const cut = new Cut(map, removed);
  lineage.add(cut);
  shrink(model.graph, cut, ruleOf);
}

describe('what a pruned model has of the one that it was', { timeout: 30_000 }, () => {
  test('are positions in the numbering before the first cut', async () => {
    const model = await chain();
    const lineage = new Lineage(cloneModel(model).model);
    const kept = (name: string): readonly number[] | undefined =>
      lineage.kept({ value: valueNamed(model, name), dim: 1 });
    expect(kept('one')).toBeUndefined();
    cutOut(model, lineage, 'w.one', [1, 4]);
    expect(kept('one')).toEqual([0, 2, 3, 5]);
    cutOut(model, lineage, 'w.one', [0, 2]);
    expect(kept('one')).toEqual([2, 5]);
    expect(kept('one.relu')).toEqual([2, 5]);
    expect(kept('two')).toBeUndefined();
    cutOut(model, lineage, 'w.two', [4]);
    expect(kept('two')).toEqual([0, 1, 2, 3]);
    expect(kept('one')).toEqual([2, 5]);
  });

  test('are values that may hold other numbers, behind what sums over less', async () => {
    const model = await chain();
    const lineage = new Lineage(cloneModel(model).model);
    const changed = (): string[] =>
      [...model.graph.values].filter((value) => lineage.isChanged(value)).map(({ name }) => name);
    const stops = (): string[] => stopsOf(model, lineage, ruleOf, 'changed').map(({ layer }) => layer.weight.name);
    expect([changed(), stops()]).toEqual([[], []]);
    cutOut(model, lineage, 'w.two', [0]);
    expect(changed()).toEqual(['three', 'three.relu']);
    expect(stops()).toEqual(['w.three']);
    cutOut(model, lineage, 'w.one', [0]);
    expect(changed()).toEqual(['two', 'two.relu', 'three', 'three.relu']);
    expect(stops()).toEqual(['w.two', 'w.three']);
  });

  test('are values that statistics were taken over less of', async () => {
    const b = new ModelBuilder();
    const x = b.input('tokens', 'float32', ['N', 3, 4]);
    const wide = b.node('MatMul', [x, b.weight('wide', [4, 6])], {}, { outputs: ['made'] });
    const normed = b.node('LayerNormalization', [wide, b.vector('scale', 6)], {}, { outputs: ['normed'] });
    b.output(b.node('MatMul', [normed, b.weight('back', [6, 2])], {}, { outputs: ['y'] }), 'float32');
    const model = await normalised(b.bytes(), child);
    const lineage = new Lineage(cloneModel(model).model);
    cutOut(model, lineage, 'wide', [1], true);
    expect(['made', 'normed', 'y'].map((name) => lineage.isChanged(valueNamed(model, name)))).toEqual([
      false,
      true,
      true,
    ]);
  });
});
