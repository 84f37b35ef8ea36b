import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Progress, PruneHooks, PruneOptions, Report, SampleSource } from '../../src/index.ts';
import type { ModelBuilder } from '../support/build.ts';
import { prune } from '../support/shared-runtime.ts';
import { MIXED, mixedNet } from '../support/weight-nets.ts';
import { decodeWeights } from './decode.ts';
import { fixture, freshFolder } from './folder.ts';
import {
  allZeros,
  countWeights,
  countZeros,
  expectedZeros,
  groupsAlong,
  layerAdaptive,
  layerWeights,
  magnitude,
  timesRowNorm,
  type Weights,
} from './slow-sparsity.ts';

const QUICK = { bench: false, verify: false, lossless: false };

interface Outcome {
  readonly report: Report;
  readonly before: Weights;
  readonly after: Weights;
  readonly input: string;
  readonly output: string;
}

async function pruned(model: ModelBuilder | string, options: PruneOptions, hooks?: PruneHooks): Promise<Outcome> {
  const folder = freshFolder();
  const input = typeof model === 'string' ? model : folder.write('m.onnx', model.bytes());
  const output = folder.path('small.onnx');
  const report = await prune(input, { ...QUICK, output, ...options }, hooks);
  return { report, before: layerWeights(input), after: layerWeights(output), input, output };
}

const fileOf = async (...args: Parameters<typeof pruned>): Promise<Buffer> =>
  readFileSync((await pruned(...args)).output);

describe('the weights that become zero', { timeout: 60_000 }, () => {
  const scopes = [
    ['uniform', false, magnitude],
    ['global', true, magnitude],
    ['lamp', true, layerAdaptive],
  ] as const;
  const cases = scopes.flatMap(([scope, together, score]) =>
    [0.1, 0.37, 0.5, 0.93].map((amount) => ({ scope, together, score, amount })),
  );

  it.each(cases)('are $amount of all by sorting, scope $scope', async ({ scope, together, score, amount }) => {
    const { report, before, after } = await pruned(mixedNet(), { unstructured: amount, scope });
    expect([...after.keys()]).toEqual(Object.keys(MIXED));
    expect(allZeros(after)).toEqual(expectedZeros(before, amount, together, score));
    expect(report.weights?.zeros).toBe(countZeros(after));
    expect(report.weights?.weights).toBe(countWeights(after));
  });

  it.each([
    ['uniform', false],
    ['global', true],
  ] as const)(
    'are those of later tensors and of higher index where many are equally large, scope %s',
    async (scope, together) => {
      const { before, after } = await pruned(mixedNet({ grid: 0.5 }), { unstructured: '60%', scope });
      expect(allZeros(after)).toEqual(expectedZeros(before, 0.6, together));
    },
  );

  it('are the only ones that change', async () => {
    const { input, output } = await pruned(mixedNet(), { unstructured: '50%' });
    const [before, after] = [decodeWeights(input), decodeWeights(output)];
    for (const [name, { floats, dims }] of after) {
      const old = before.get(name);
      expect(dims).toEqual(old?.dims);
      expect(Array.from(floats, (value, i) => value === 0 || Object.is(value, old?.floats[i]))).not.toContain(false);
    }
  });

  it('are counted exactly on a trained net', async () => {
    const { report, after } = await pruned(fixture('mnist-mlp.onnx'), { unstructured: '90%', scope: 'global' });
    expect(countZeros(after)).toBe(Math.round(0.9 * countWeights(after)));
    expect(report.weights).toMatchObject({ zeros: countZeros(after), zeroed: countZeros(after) });
  });

  it('are those below a threshold, and none that is as large', async () => {
    const { before, after } = await pruned(mixedNet({ grid: 0.25 }), { threshold: '0.5' });
    const below = [...before].map(([name, { floats }]) => [name, Array.from(floats, (value) => Math.abs(value) < 0.5)]);
    expect(allZeros(after)).toEqual(Object.fromEntries(below));
  });
});

describe('a pattern', { timeout: 60_000 }, () => {
  it.each([
    ['2:4', 2, 4],
    ['1:4', 1, 4],
    ['1:2', 1, 2],
  ])('of %s keeps the largest of each group along the axis that a layer sums over', async (pattern, keep, of) => {
    const { report, before, after } = await pruned(mixedNet({ grid: 0.5 }), { pattern });
    expect([...after.keys()]).toEqual(Object.keys(MIXED));
    for (const [name, weight] of after) {
      const old = before.get(name) ?? weight;
      for (const group of groupsAlong(weight, MIXED[name]?.summed ?? -1, of)) {
        const ranked = [...group].sort((a, b) => size(old.floats, b) - size(old.floats, a) || a - b);
        const expected = group.map((i) => (ranked.indexOf(i) < keep ? (old.floats[i] ?? 0) : 0));
        expect(group.map((i) => (weight.floats[i] ?? 0) + 0)).toEqual(expected.map((value) => value + 0));
      }
    }
    expect(report.weights?.kept.flatMap(({ layers }) => layers.map(({ initializer }) => initializer))).not.toContain(
      'conv.weight',
    );
  });

  it('holds in the file under the defaults, too', async () => {
    const { after } = await pruned(fixture('mnist-cnn.onnx'), { pattern: '2:4', lossless: true });
    for (const name of ['4.weight', '9.weight', '11.weight']) {
      const weight = after.get(name);
      if (weight === undefined) expect.fail(`${name} is gone`);
      const fullest = Math.max(
        ...groupsAlong(weight, 1, 4).map((group) => group.filter((i) => weight.floats[i] !== 0).length),
      );
      expect({ name, fullest }).toEqual({ name, fullest: 2 });
    }
  });

  const size = (floats: Float32Array, i: number): number => Math.abs(floats[i] ?? 0);
});

describe('the choice of tensors', { timeout: 60_000 }, () => {
  const zeroed = ({ report }: Outcome): string[] =>
    (report.weights?.layers ?? []).filter(({ zerosAfter }) => zerosAfter > 0).map(({ initializer }) => initializer);

  it.each([
    ['exclude', ['gemm'], ['conv.weight', 'plain.weight', 'matmul.weight']],
    ['exclude', ['*.weight'], []],
    ['only', ['matmul', 'conv.weight'], ['conv.weight', 'matmul.weight']],
    ['include', ['conv.bias'], ['conv.weight', 'conv.bias', 'gemm.weight', 'plain.weight', 'matmul.weight']],
  ])('follows %s %j', async (option, patterns, expected) => {
    const outcome = await pruned(mixedNet(), { unstructured: '50%', [option]: patterns });
    expect(zeroed(outcome).sort()).toEqual([...expected].sort());
  });
});

describe('the order of weights', { timeout: 60_000 }, () => {
  it('is drawn by seed under the criterion random', async () => {
    const random = { unstructured: '50%', criterion: 'random' };
    const [one, again, other] = [
      await pruned(mixedNet(), { ...random, seed: 1 }),
      await pruned(mixedNet(), { ...random, seed: 1 }),
      await pruned(mixedNet(), { ...random, seed: 2 }),
    ];
    expect(allZeros(again.after)).toEqual(allZeros(one.after));
    expect(allZeros(other.after)).not.toEqual(allZeros(one.after));
    expect(countZeros(other.after)).toBe(countZeros(one.after));
    expect(allZeros(one.after)).not.toEqual(expectedZeros(one.before, 0.5, false));
  });

  it('is that of a formula', async () => {
    const only = ['conv', 'gemm'];
    const { before, after, report } = await pruned(mixedNet(), {
      unstructured: '50%',
      criterion: 'abs(w) * row_norm',
      only,
    });
    const expected = expectedZeros(before, 0.5, false, timesRowNorm);
    for (const name of only) expect(allZeros(after)[`${name}.weight`]).toEqual(expected[`${name}.weight`]);
    expect(report.weights?.criterion).toBe('abs(w) * row_norm');
  });

  it('is that of a formula which reads what calibration data measured', async () => {
    // The four channels of the image are constants, so that their mean squares are known.
    const levels = [0.5, 3, 1, 2];
    const data = Float32Array.from({ length: 3 * 4 * 36 }, (_, i) => levels[Math.floor(i / 36) % 4] ?? 0);
    const calibration = async () => ({
      count: 3,
      feeds: new Map([['x', { type: 'float32', dims: [3, 4, 6, 6], data }]]),
      labels: undefined,
    });
    const options = { unstructured: '50%', criterion: 'abs(w) * sqrt(mean_square_in)', only: ['conv'] };
    const { before, after } = await pruned(mixedNet(), options, { calibration });
    const expected = expectedZeros(before, 0.5, false, ({ floats }) =>
      Array.from(floats, (value, i) => Math.abs(value) * (levels[Math.floor(i / 9) % 4] ?? 0)),
    );
    expect(allZeros(after)['conv.weight']).toEqual(expected['conv.weight']);
    expect(expected['conv.weight']).not.toEqual(expectedZeros(before, 0.5, false)['conv.weight']);
  });

  it('reads a source batch by batch, as often as it has to, and closes it however the run ends', async () => {
    const asked: number[][] = [];
    let closed = 0;
    const source: SampleSource = {
      count: 100,
      labelled: false,
      batch: async (samples) => {
        expect(closed).toBe(0);
        asked.push([...samples]);
        const data = new Float32Array(samples.length * 144).fill(samples[0] === 99 ? Number.NaN : 1);
        return { feeds: { x: { type: 'float32', dims: [samples.length, 4, 6, 6], data } }, labels: undefined };
      },
      close: async () => {
        closed += 1;
      },
    };
    const calibration = async (): Promise<SampleSource> => source;
    const options = { unstructured: '50%', criterion: 'abs(w) * mean_square_in', batch: 7 };
    const { report } = await pruned(mixedNet(), { ...options, samples: 20 }, { calibration });
    expect(asked.map((samples) => samples.length)).toEqual([7, 7, 6]);
    expect(report.options).toMatchObject({ samples: 20, batch: 7 });
    expect(closed).toBe(1);

    closed = 0;
    await expect(pruned(mixedNet(), { ...options, batch: 1 }, { calibration })).rejects.toMatchObject({
      code: 'bad-data',
    });
    expect(closed).toBe(1);
    await expect(pruned(mixedNet(), { ...options, samples: 5 })).rejects.toMatchObject({
      code: 'bad-option',
      message: '--samples belongs to --calibration, which was not given; give it data, or leave --samples out.',
    });
  });

  it('lends those who read its data a place for files, which is gone afterwards', async () => {
    let path = '';
    const calibration: PruneHooks['calibration'] = async (_, { place, onProgress }) => {
      path = place('copy');
      writeFileSync(path, 'something');
      onProgress(1, 2);
      const x = { type: 'float32', dims: [1, 4, 6, 6], data: new Float32Array(144).fill(1) };
      return { count: 1, feeds: new Map([['x', x]]), labels: undefined };
    };
    const told: Progress[] = [];
    const onProgress = (progress: Progress): number => told.push(progress);
    await pruned(mixedNet(), { unstructured: '50%' }, { calibration, onProgress });
    expect(told).toContainEqual({ step: 'open calibration data', done: 1, total: 2 });
    expect(existsSync(path)).toBe(false);
  });
});

describe('a file', { timeout: 60_000 }, () => {
  const half = { unstructured: '50%', scope: 'global' };

  it('does not change when it is pruned again by the same amount', async () => {
    for (const options of [half, { unstructured: '50%' }, { unstructured: '70%', scope: 'lamp' }, { pattern: '2:4' }]) {
      const { output } = await pruned(mixedNet({ grid: 0.5 }), options);
      const again = await pruned(output, options);
      expect(again.report.weights?.zeroed).toBe(0);
      expect(readFileSync(again.output).equals(readFileSync(output))).toBe(true);
    }
  });

  it('is the same for every run and any number of threads', async () => {
    const [one, again, two] = [
      await fileOf(fixture('mnist-mlp.onnx'), { ...half, lossless: true, threads: 1, verify: true }),
      await fileOf(fixture('mnist-mlp.onnx'), { ...half, lossless: true, threads: 1, verify: true }),
      await fileOf(fixture('mnist-mlp.onnx'), { ...half, lossless: true, threads: 2, verify: false }),
    ];
    expect(again.equals(one)).toBe(true);
    expect(two.equals(one)).toBe(true);
  });

  it('is the same at the end of a schedule, whose steps are reported', async () => {
    const schedule = { schedule: 'polynomial', steps: 5, initial: '20%' };
    const gradual = await pruned(mixedNet(), { unstructured: '80%', ...schedule });
    const steps = gradual.report.weights?.steps ?? [];
    // s = 0.8 - 0.6 (1 - t / 5)³
    const expected = [0.4928, 0.6704, 0.7616, 0.7952, 0.8];
    expect(steps).toHaveLength(5);
    for (const [i, step] of steps.entries()) expect(step).toBeCloseTo(expected[i] ?? 0, 12);
    expect(readFileSync(gradual.output).equals(await fileOf(mixedNet(), { unstructured: '80%' }))).toBe(true);
  });
});
