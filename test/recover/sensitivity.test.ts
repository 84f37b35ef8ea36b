import { afterAll, describe, expect, test } from 'vitest';
import { CalibrationStages } from '../../src/calibrate/stages.ts';
import { buildChannelMap } from '../../src/channels/build.ts';
import type { Group } from '../../src/channels/group.ts';
import type { UnitRanking } from '../../src/criteria/criterion.ts';
import { present } from '../../src/errors.ts';
import { importModel, type Model } from '../../src/ir/model.ts';
import { inputSpecs } from '../../src/judge/inputs.ts';
import { normalise } from '../../src/normalise/normalise.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import type { Activations, Spread, SpreadStage, Stage } from '../../src/recover/activations.ts';
import { rankUnits } from '../../src/recover/rank-units.ts';
import { measureReadings } from '../../src/recover/readings.ts';
import { measureSensitivity } from '../../src/recover/sensitivity.ts';
import { createEngine, makeInputs, RuntimeChild } from '../../src/runtime/index.ts';
import { freshFolder } from '../pipeline/folder.ts';
import { ModelBuilder, type ModelOptions } from '../support/build.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

const BATCHES = 4;
const SAMPLES = 16;

/** Runs stages, and notes what is kept and how often a node of a kind is run. */
class Watched implements Activations {
  readonly kept = new Set<string>();
  readonly runs: string[][] = [];
  readonly samples: number;
  readonly #stages: CalibrationStages;

  constructor(stages: CalibrationStages) {
    this.#stages = stages;
    this.samples = stages.samples;
  }

  run(stage: Stage): ReturnType<Activations['run']> {
    for (const name of stage.keep.values()) this.kept.add(name);
    this.runs.push([...stage.model.graph.nodes].map(({ name }) => name));
    return this.#stages.run(stage);
  }

  spread(stage: SpreadStage): Promise<Spread> {
    return this.#stages.spread(stage);
  }

  async drop(names: readonly string[]): Promise<void> {
    for (const name of names) this.kept.delete(name);
    await this.#stages.drop(names);
  }
}

interface Measured {
  readonly model: Model;
  readonly rankings: ReadonlyMap<Group, UnitRanking>;
  /** By the name of the group, what was ranked and what was measured. */
  readonly losses: ReadonlyMap<string, { readonly own: Float64Array; readonly measured: Float64Array }> | undefined;
  readonly watched: Watched;
}

/** Ranks all groups of a net on random data and measures what they cost. */
async function measure(b: ModelBuilder): Promise<Measured> {
  const model = importModel(decodeModel(b.bytes()));
  await normalise(model, createEngine(child));
  const stages = await CalibrationStages.open(
    {
      samples: BATCHES * SAMPLES,
      count: BATCHES,
      labelled: false,
      async *read() {
        for (let seed = 0; seed < BATCHES; seed++) {
          const feeds = makeInputs(inputSpecs(model.graph), { seed, batch: SAMPLES, dims: new Map() });
          yield { feeds, labels: undefined, size: SAMPLES };
        }
      },
    },
    { child, place: freshFolder().path, memoryLimit: 2 ** 28 },
  );
  const map = buildChannelMap(model.graph, ruleOf);
  const readings = await measureReadings(model, map, stages, ruleOf);
  const rankings = new Map(map.groups.map((group) => [group, present(rankUnits(group, map, readings), group.name)]));
  const watched = new Watched(stages);
  const found = await measureSensitivity(model, { map, readings, rankings }, { activations: watched, ruleOf });
  await stages.close();
  const losses =
    found &&
    new Map(
      [...rankings].map(([group, { losses: own }]) => [
        group.name,
        { own, measured: present(found.get(group), group.name) },
      ]),
    );
  return { model, rankings, losses, watched };
}

const relu = (b: ModelBuilder, x: string): string => b.node('Relu', [x]);

function conv(b: ModelBuilder, x: string, name: string, dims: readonly number[], group = 1): string {
  const weight = b.weight(name, dims);
  return b.node('Conv', [x, weight, b.vector(`${name}.bias`, dims[0] ?? 0)], { pads: [1, 1, 1, 1], group }, { name });
}

/** Two hidden layers side by side, whose outputs are added: one as it is, one divided by 100. */
function unequal(options: ModelOptions = {}): ModelBuilder {
  const b = new ModelBuilder({ seed: 3, ...options });
  const type = b.elementType;
  const x = b.input('x', type, ['N', 6]);
  const [loud, quiet] = ['loud', 'quiet'].map((name) => {
    const hidden = relu(b, b.node('MatMul', [x, b.weight(`${name}.in`, [6, 16], { fanIn: 6 })]));
    return b.node('MatMul', [hidden, b.weight(`${name}.out`, [16, 3], { fanIn: 16 })]);
  });
  const small = b.node('Mul', [quiet ?? '', b.constant('small', type, [], [0.01])]);
  b.output(b.node('Add', [loud ?? '', small], {}, { outputs: ['y'] }), type);
  return b;
}

describe('what outputs lose when a group loses channels', () => {
  test('is what its reader loses where that makes the output', async () => {
    const b = new ModelBuilder({ seed: 5 });
    const hidden = relu(
      b,
      b.node('Gemm', [b.input('x', 'float32', ['N', 5]), b.weight('in', [12, 5]), b.vector('in.bias', 12)], {
        transB: 1,
      }),
    );
    b.output(b.node('Gemm', [hidden, b.weight('out', [1, 12]), b.vector('out.bias', 1)], { transB: 1 }), 'float32');
    const { losses } = await measure(b);
    const { own, measured } = present(losses?.get('in'), 'the losses');
    // Apart from the damping, which the ranking counts.
    for (const gone of [3, 6]) {
      expect(own[gone]).toBeGreaterThan(0.001);
      expect((measured[gone] ?? 0) / (own[gone] ?? 0)).toBeCloseTo(1, 1);
    }
  });

  test.each(['float32', 'float16'] as const)('is less where less of it arrives, in %s', async (dtype) => {
    const { losses } = await measure(unequal({ dtype }));
    const [loud, quiet] = ['loud.in', 'quiet.in'].map((name) => present(losses?.get(name), name));
    const ratioOf = (each: typeof loud): number => (each?.measured[8] ?? 0) / (each?.own[8] ?? 0);
    expect(ratioOf(loud)).toBeGreaterThan(0.1);
    expect(ratioOf(loud)).toBeLessThan(10);
    expect(ratioOf(quiet)).toBeLessThan(0.01);
  });

  test('never falls as more units leave, and runs only what is behind a group', async () => {
    const b = new ModelBuilder({ seed: 7 });
    let x = relu(b, conv(b, b.input('x', 'float32', ['N', 3, 6, 6]), 'one', [8, 3, 3, 3]));
    x = relu(b, conv(b, x, 'two', [8, 4, 3, 3], 2));
    x = relu(b, conv(b, x, 'three', [10, 8, 3, 3]));
    b.output(conv(b, x, 'four', [2, 10, 3, 3]), 'float32');
    const { losses, watched } = await measure(b);
    expect([...(losses?.keys() ?? [])].length).toBeGreaterThan(1);
    for (const { own, measured } of losses?.values() ?? []) {
      expect(measured.length).toBe(own.length);
      expect(measured[0]).toBe(0);
      for (let k = 1; k < measured.length; k++) expect(measured[k]).toBeGreaterThanOrEqual(measured[k - 1] ?? 0);
    }
    expect(watched.runs[0]).toContain('one');
    expect(watched.runs.at(-1)).toContain('four');
    expect(watched.runs.at(-1)).not.toContain('three');
    expect([...watched.kept]).toEqual([]);
  });

  test('is told apart for two layers that apply one weight', async () => {
    const b = new ModelBuilder({ seed: 9 });
    const x = b.input('x', 'float32', ['N', 6]);
    const out = b.weight('out', [16, 3], { fanIn: 16 });
    const [one, two] = ['one', 'two'].map((name) =>
      b.node('MatMul', [relu(b, b.node('MatMul', [x, b.weight(name, [6, 16], { fanIn: 6 })])), out]),
    );
    b.output(b.node('Add', [one ?? '', b.node('Mul', [two ?? '', b.constant('c', 'float32', [], [3])])]), 'float32');
    const { losses } = await measure(b);
    // One weight, so that the channels of both layers leave together.
    expect(losses?.size).toBe(1);
    for (const { measured } of losses?.values() ?? []) expect(measured[8]).toBeGreaterThan(0.001);
  });

  test('is unknown where an output is infinite', async () => {
    const b = unequal();
    b.output(b.node('Log', [b.node('Sub', ['y', 'y'])]), 'float32');
    const { losses, watched } = await measure(b);
    expect(losses).toBeUndefined();
    expect([...watched.kept]).toEqual([]);
  });

  test('is unknown where no output holds numbers that vary', async () => {
    const b = new ModelBuilder({ seed: 11 });
    const hidden = relu(
      b,
      b.node('MatMul', [b.input('x', 'float32', ['N', 6]), b.weight('in', [6, 16], { fanIn: 6 })]),
    );
    const y = b.node('MatMul', [hidden, b.weight('out', [16, 3], { fanIn: 16 })]);
    b.output(b.node('ArgMax', [y], { axis: 1 }), 'int64');
    b.output(b.node('Mul', [y, b.constant('zero', 'float32', [], [0])]), 'float32');
    const { losses, watched } = await measure(b);
    expect(losses).toBeUndefined();
    expect([...watched.kept]).toEqual([]);
  });
});
