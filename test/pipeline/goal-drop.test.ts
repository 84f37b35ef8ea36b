import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  CheckFailed,
  type InputSpec,
  type PruneHooks,
  type PruneOptions,
  type Report,
  type TestData,
} from '../../src/index.ts';
import { prune } from '../support/shared-runtime.ts';
import { fixture, freshFolder } from './folder.ts';
import { digits, failure, found, JUDGE, LEARN, quick } from './goal-runs.ts';

const patient = { timeout: 120_000 };

describe('a drop', patient, () => {
  it('finds the most that keeps to it, by labels', async () => {
    const { goal, fidelity } = await found('mnist-mlp.onnx', { maxDrop: '2%', align: 'none', verify: true }, JUDGE);
    const { tries = [], amount = 0 } = goal?.sought ?? {};
    expect(goal).toMatchObject({
      target: null,
      sought: { of: 'channels', by: 'drop', found: true },
      drop: { limit: 0.02, met: true, by: 'accuracy', output: 'logits', on: 'test data', answers: 500 },
    });
    const { hitsA = 0, hitsB = 0 } = fidelity?.accuracy ?? {};
    expect(goal?.drop?.reached).toBe((hitsA - hitsB) / 500);
    expect(amount).toBeGreaterThan(0.02);
    expect(tries.length).toBeLessThanOrEqual(8);
    expect(tries.find((each) => each.amount === amount)).toMatchObject({ reached: goal?.drop?.reached, met: true });
    expect(tries.filter((each) => each.amount > amount).every(({ met }) => !met)).toBe(true);
  });

  it('is what the very result loses, after recovery', async () => {
    const { goal, recovery } = await found('mnist-mlp.onnx', { maxDrop: 0.02 }, { ...LEARN, ...JUDGE });
    expect(recovery?.samples).toBe(256);
    const { amount = 0, tries = [] } = goal?.sought ?? {};
    const plain = await prune(fixture('mnist-mlp.onnx'), { maxDrop: 0.02, dryRun: true, ...quick }, JUDGE);
    expect(amount).toBeGreaterThan(plain.goal?.sought?.amount ?? 1);
    expect(tries.find((each) => each.amount === amount)?.reached).toBe(goal?.drop?.reached);
  });

  it('goes without labels by answers of the original, on data that nothing has learnt from', async () => {
    const options = { maxDrop: '3%', dryRun: true, ...quick };
    const { goal, recovery } = await prune(fixture('mnist-mlp.onnx'), options, LEARN);
    expect(recovery?.samples).toBe(192);
    expect(goal?.drop).toMatchObject({ by: 'agreement', on: 'held-out calibration data', answers: 64, met: true });
    expect(goal?.sought?.found).toBe(true);
    // Data with labels are judged by them, and those for testing need not be held out.
    const labelled = await prune(
      fixture('mnist-mlp.onnx'),
      { ...options, samples: 40 },
      { calibration: digits(0, 256, true) },
    );
    expect(labelled.goal?.drop).toMatchObject({ by: 'accuracy', on: 'held-out calibration data', answers: 10 });
    const tested = await prune(fixture('mnist-mlp.onnx'), options, { testData: digits(0, 100, false) });
    expect(tested.goal?.drop).toMatchObject({ by: 'agreement', on: 'test data', answers: 100 });
  });

  it('finds the sparsity of weights', async () => {
    const { goal } = await found('mnist-mlp.onnx', { maxDrop: '1%', unstructured: 'auto' }, JUDGE);
    expect(goal?.sought).toMatchObject({ of: 'weights', by: 'drop' });
    expect(goal?.sought?.amount).toBeGreaterThan(0.5);
  });

  it('is a gate where the amount is given, or found by a target', async () => {
    const run = (options: PruneOptions): Promise<Report> =>
      prune(fixture('mnist-mlp.onnx'), { dryRun: true, ...quick, ...options }, JUDGE);
    const passed = await run({ structured: '10%', maxDrop: '5%' });
    expect(passed.goal).toMatchObject({ target: null, sought: null, drop: { met: true, answers: 500 } });
    const error = await failure(run({ structured: '90%', maxDrop: '1%' }));
    expect(error.message).toMatch(
      /^\d+\.\d\d points of right answers were lost \(on 500 answers of output "logits", test data\), \d+\.\d\d points more than --max-drop 1% allows, so nothing was written; remove less, or allow more\.$/,
    );
    expect(error).toBeInstanceOf(CheckFailed);
    expect((await run({ target: 'params=60%', maxDrop: '30%' })).goal).toMatchObject({
      target: { met: true },
      drop: { met: true },
      sought: { by: 'target' },
    });
    const both = await failure(run({ target: 'params=5%', maxDrop: 0 }));
    expect(both.message).toMatch(/points more than --max-drop 0% allows, so nothing was written; /);
  });

  it('that even the least amount exceeds fails, and nothing is written', async () => {
    const folder = freshFolder();
    const output = folder.path('small.onnx');
    const options = { maxDrop: 0, criterion: 'random', align: 'none', output };
    const error = await failure(prune(fixture('mobilenetv2-025.onnx'), options, { testData: noise }));
    expect(error.message).toMatch(
      /^\d+\.\d\d points of answers are not those of the original .*, so nothing was written; 2% is the least amount that is tried, so allow more, or leave sensitive layers out with --exclude\.$/,
    );
    expect(existsSync(output)).toBe(false);
    const report = error instanceof CheckFailed ? error.report : expect.fail(error.message);
    expect(report.goal).toMatchObject({
      drop: { met: false, by: 'agreement' },
      sought: { found: false, amount: 0.02 },
    });
  });

  it.each<[string, PruneHooks, PruneOptions, string, RegExp]>([
    [
      'no data',
      {},
      {},
      'bad-option',
      /^--max-drop has to see how many right answers are lost, and no data were given; add --test/,
    ],
    [
      'three samples',
      { calibration: digits(0, 3, false) },
      {},
      'bad-data',
      /holds out a quarter of the calibration samples to measure on, which of 3 is less than a batch of 1; give at least 4/,
    ],
    ['few samples in use', LEARN, { samples: 2 }, 'bad-data', /which of 2 is less than a batch of 1/],
  ])('is refused where nothing can be measured: %s', async (_, hooks, options, code, message) => {
    const error = await failure(prune(fixture('mnist-mlp.onnx'), { maxDrop: '1%', dryRun: true, ...options }, hooks));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });
});

/** Images that are nothing but noise. */
async function noise([input]: readonly InputSpec[]): Promise<TestData> {
  const dims = (input?.dims ?? []).map((length, axis) => (axis === 0 ? 32 : Number(length)));
  const size = dims.reduce((product, length) => product * length, 1);
  const data = Float32Array.from({ length: size }, (_, i) => Math.sin(i * i));
  return { count: 32, feeds: new Map([[input?.name ?? '', { type: 'float32', dims, data }]]), labels: undefined };
}
