import { afterAll, expect, test } from 'vitest';
import { CalibrationStages } from '../src/calibrate/stages.ts';
import { pruneInRounds } from '../src/channel-rounds.ts';
import { importModel } from '../src/ir/model.ts';
import { inputSpecs } from '../src/judge/inputs.ts';
import { normalise } from '../src/normalise/normalise.ts';
import { decodeModel } from '../src/onnx/codec.ts';
import { checkPruneOptions, withAmount } from '../src/options/prune-options.ts';
import { createEngine, makeInputs, RuntimeChild } from '../src/runtime/index.ts';
import { Stopwatch } from '../src/stopwatch.ts';
import { freshFolder } from './pipeline/folder.ts';
import { ModelBuilder } from './support/build.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** Two hidden layers side by side, of which one reads ten times as many numbers and matters ten times as much. */
function lopsided(): Uint8Array {
  const b = new ModelBuilder({ seed: 3 });
  const [small, large] = (
    [
      ['small', 4],
      ['large', 40],
    ] as const
  ).map(([name, from]) => {
    const x = b.input(name, 'float32', ['N', from]);
    const hidden = b.node('Relu', [b.node('MatMul', [x, b.weight(`${name}.in`, [from, 20], { fanIn: from })])]);
    return b.node('MatMul', [hidden, b.weight(`${name}.out`, [20, 3], { fanIn: 20 })]);
  });
  const quiet = b.node('Mul', [small ?? '', b.constant('tenth', 'float32', [], [0.1])]);
  b.output(b.node('Add', [quiet, large ?? ''], {}, { outputs: ['y'] }), 'float32', ['N', 3]);
  return b.bytes();
}

/** Units that leave each hidden layer for a target, at an amount of 30%. */
async function goneFor(options: Parameters<typeof checkPruneOptions>[0]): Promise<Record<string, number>> {
  const model = importModel(decodeModel(lopsided()));
  await normalise(model, createEngine(child));
  const data = Array.from({ length: 4 }, (_, seed) =>
    makeInputs(inputSpecs(model.graph), { seed, batch: 32, dims: new Map() }),
  );
  const stages = await CalibrationStages.open(
    {
      samples: 128,
      count: 4,
      labelled: false,
      async *read() {
        for (const feeds of data) yield { feeds, labels: undefined, size: 32 };
      },
    },
    { child, place: freshFolder().path, memoryLimit: 2 ** 28 },
  );
  const { report } = await pruneInRounds(
    model,
    withAmount(checkPruneOptions({ scope: 'global', align: 'none', recover: 'none', ...options }, true), 0.3),
    {
      clock: new Stopwatch(),
      stages: async () => stages,
      formula: async () => undefined,
      map: undefined,
      trial: undefined,
      rankings: undefined,
      onPass: async () => undefined,
    },
  );
  await stages.close();
  return Object.fromEntries(report.groups.map(({ name, before, after }) => [name, before - after]));
}

test('an amount that a target seeks is one of what the target counts', { timeout: 60_000 }, async () => {
  const units = await goneFor({ structured: 0.3 });
  expect((units['small.in'] ?? 0) + (units['large.in'] ?? 0)).toBe(12);
  expect(units['large.in']).toBeLessThan(3);
  // A unit of the large layer has 43 parameters, and as many multiplications, one of the small layer 7: of 1,000 in all, 300 leave.
  for (const target of ['params=70%', 'macs=70%', 'size=70%', 'latency=70%']) {
    const gone = await goneFor({ target });
    const cost = 43 * (gone['large.in'] ?? 0) + 7 * (gone['small.in'] ?? 0);
    expect(cost).toBeGreaterThanOrEqual(300);
    expect(cost).toBeLessThan(300 + 43);
  }
});
