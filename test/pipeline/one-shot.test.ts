import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { PruneOptions, Report, TestData } from '../../src/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { digits } from '../support/digits.ts';
import { MIXED, mixedNet } from '../support/weight-nets.ts';
import { fixture } from './folder.ts';
import { type Lesson, learn, normalData } from './held-out.ts';
import { countZeros, groupsAlong, layerWeights, type Weights, zerosIn } from './slow-sparsity.ts';

const patient = { timeout: 120_000 };
const data = (count: number, seed: number): TestData => normalData(count, seed, { x: [4, 6, 6] });
const LESSONS = { calibration: data(96, 5), heldOut: data(64, 6) };
const METHODS = ['wanda', 'sparsegpt', 'alps', 'magnitude'] as const;

const mixed = (options: PruneOptions): Promise<Lesson> => learn(mixedNet(), { lossless: false, ...options }, LESSONS);
const zerosOf = (weights: Weights): Record<string, number> =>
  Object.fromEntries([...weights].map(([name, each]) => [name, zerosIn(each).filter(Boolean).length]));
const methodsOf = (report: Report): (string | undefined)[] =>
  (report.weights?.oneShot?.layers ?? []).map(({ method }) => method);

/** A net with a convolution of two groups of 8 channels each. */
function groupedNet(): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', ['N', 4, 6, 6]);
  const wide = b.node('Relu', [b.node('Conv', [x, b.weight('first', [16, 4, 1, 1])])]);
  const grouped = b.node('Conv', [wide, b.weight('grouped', [12, 8, 3, 3])], { group: 2 }, { name: 'grouped' });
  b.output(b.node('Conv', [grouped, b.weight('last', [4, 12, 1, 1])], {}, { outputs: ['y'] }));
  return b;
}

describe('zeros chosen on data', patient, () => {
  it.each(['uniform', 'global', 'lamp'])('are as many in each layer as without data, scope %s', async (scope) => {
    for (const unstructured of [0.37, 0.8]) {
      const plain = await mixed({ unstructured, scope });
      const chosen = await mixed({ unstructured, scope, oneShot: 'sparsegpt' });
      const counts = zerosOf(layerWeights(chosen.output));
      expect(counts).toEqual(zerosOf(layerWeights(plain.output)));
      const layers = chosen.report.weights?.layers ?? [];
      expect(Object.fromEntries(layers.map((each) => [each.initializer, each.zerosAfter]))).toEqual(counts);
      expect(chosen.report.weights?.zeros).toBe(countZeros(layerWeights(chosen.output)));
    }
  });

  it.each([
    ['2:4', 2, 4],
    ['1:4', 1, 4],
  ])('follow a pattern of %s along the channels that a layer sums over', async (pattern, keep, of) => {
    for (const oneShot of ['auto', ...METHODS]) {
      const weights = layerWeights((await mixed({ pattern, oneShot })).output);
      expect([...weights.keys()]).toEqual(Object.keys(MIXED));
      for (const [name, weight] of weights) {
        const fullest = fullestGroup(weight, MIXED[name]?.summed ?? -1, of);
        expect({ oneShot, name, fullest }).toEqual({ oneShot, name, fullest: keep });
      }
    }
  });

  it('follow a pattern in each group of a convolution', async () => {
    const { output, report } = await learn(groupedNet(), { pattern: '2:4', oneShot: true }, LESSONS);
    for (const [name, weight] of layerWeights(output))
      expect({ name, fullest: fullestGroup(weight, 1, 4) }).toEqual({ name, fullest: 2 });
    expect(report.weights?.oneShot?.layers.map(({ initializer }) => initializer)).toContain('grouped');
  });

  const fullestGroup = (weight: Parameters<typeof groupsAlong>[0], axis: number, of: number): number =>
    Math.max(...groupsAlong(weight, axis, of).map((group) => group.filter((i) => weight.floats[i] !== 0).length));

  it('cost less than those of the least magnitude', async () => {
    for (const unstructured of [0.5, 0.75]) {
      const plain = await mixed({ unstructured });
      const errors: Record<string, number> = {};
      for (const oneShot of METHODS) errors[oneShot] = (await mixed({ unstructured, oneShot })).error;
      for (const [oneShot, error] of Object.entries(errors))
        expect({ oneShot, better: error < 0.8 * plain.error }).toEqual({ oneShot, better: true });
      const auto = await mixed({ unstructured, oneShot: true });
      expect(auto.error).toBeLessThan(1.15 * Math.min(...Object.values(errors)));
      expect(auto.report.weights?.oneShot?.method).toBe('best');
    }
  });

  it('cost a trained net hardly anything where those of the least magnitude cost much', async () => {
    const lessons = { calibration: digits(5, 30, 256), heldOut: digits(0, 10, 500) };
    const run = (options: PruneOptions): Promise<Lesson> => learn(fixture('mnist-mlp.onnx'), options, lessons);
    const [plain, chosen] = [await run({ unstructured: 0.9 }), await run({ unstructured: 0.9, oneShot: 'sparsegpt' })];
    expect(chosen.error).toBeLessThan(0.8 * plain.error);
    expect(chosen.accuracy).toBeGreaterThanOrEqual(plain.accuracy);
    expect(methodsOf(chosen.report)).toEqual(['sparsegpt', 'sparsegpt', 'sparsegpt']);
  });
});

describe('choosing zeros on data', patient, () => {
  it('goes by a schedule, and ends at as many', async () => {
    const schedule = { schedule: 'polynomial', steps: 3, initial: '20%' };
    const { output, report } = await mixed({ unstructured: 0.8, oneShot: 'wanda', ...schedule });
    const at = await mixed({ unstructured: 0.8 });
    expect(zerosOf(layerWeights(output))).toEqual(zerosOf(layerWeights(at.output)));
    expect(report.weights?.steps).toHaveLength(3);
    expect(report.weights?.zeroed).toBe(countZeros(layerWeights(output)));
  });

  it('comes after channels have left, with the whole model as the target', async () => {
    const both = { structured: 0.25, unstructured: 0.5, align: 'none' };
    const [cut, chosen] = [await mixed({ ...both, recover: 'none' }), await mixed({ ...both, oneShot: true })];
    expect(chosen.error).toBeLessThan(0.8 * cut.error);
    expect(chosen.report.recovery?.layers.length).toBeGreaterThan(0);
    expect(chosen.report.proof?.passed).toBe(true);
  });

  it.each<[PruneOptions, readonly string[], readonly string[]]>([
    [{ exclude: ['gemm'] }, ['conv.weight', 'plain.weight', 'matmul.weight'], []],
    [{ only: ['matmul', 'conv.weight'] }, ['conv.weight', 'matmul.weight'], []],
    [{ include: ['conv.bias'] }, Object.keys(MIXED), ['conv.bias']],
  ])('follows %j, and names what fell back to magnitude', async (options, seen, fallen) => {
    const { report } = await mixed({ unstructured: 0.5, oneShot: 'wanda', ...options });
    expect(report.weights?.oneShot?.layers.map(({ initializer }) => initializer)).toEqual(seen);
    expect(report.weights?.oneShot?.byMagnitude.map(({ initializer }) => initializer)).toEqual(fallen);
  });

  it('leaves shared weights to magnitude, and says so', async () => {
    const b = new ModelBuilder();
    const shared = b.weight('shared', [4, 4, 1, 1]);
    const first = b.node('Relu', [b.node('Conv', [b.input('x', 'float32', ['N', 4, 6, 6]), shared])]);
    const second = b.node('Relu', [b.node('Conv', [first, shared])]);
    b.output(b.node('Conv', [second, b.weight('own', [4, 4, 1, 1])], {}, { outputs: ['y'] }));
    const { report, output } = await learn(b, { unstructured: 0.5, oneShot: true, lossless: false }, LESSONS);
    expect(report.weights?.oneShot?.byMagnitude).toEqual([
      { initializer: 'shared', reason: 'other nodes read its weight "shared" too' },
    ]);
    expect(zerosOf(layerWeights(output))).toEqual({ shared: 8, own: 8 });
  });

  it.each<PruneOptions>([{ fp16Storage: true }, { sparseFormat: true }, { gzip: true, output: undefined }])(
    'goes with %j',
    async (storage) => {
      const [plain, stored] = [
        await mixed({ unstructured: 0.8, oneShot: 'wanda' }),
        await mixed({ unstructured: 0.8, oneShot: 'wanda', ...storage, ...(storage.gzip && { dryRun: true }) }),
      ];
      expect(stored.report.weights?.zeros).toBe(plain.report.weights?.zeros);
      expect(Math.abs(stored.error - plain.error)).toBeLessThan(1e-2);
    },
  );
});

describe('what is learnt from data', patient, () => {
  const ways: readonly PruneOptions[] = [
    { structured: 0.5 },
    { structured: 0.5, recover: 'bias' },
    { unstructured: 0.6, oneShot: true },
    { structured: 0.25, unstructured: 0.6, oneShot: true },
  ];
  const bytes = ({ output }: Lesson): string => readFileSync(output).toString('base64');
  const told = ({ report: { seconds: _, output: __, input: ___, options: ____, ...rest } }: Lesson): unknown => rest;

  it.each(ways)('is the same every time, with any number of threads: %j', async (options) => {
    const [one, again, two] = [
      await mixed({ ...options, threads: 1 }),
      await mixed({ ...options, threads: 1 }),
      await mixed({ ...options, threads: 2 }),
    ];
    expect(bytes(again)).toBe(bytes(one));
    expect(told(again)).toEqual(told(one));
    expect(bytes(two)).toBe(bytes(one));
  });

  it('depends on which samples the seed draws', async () => {
    const few = { structured: 0.5, samples: 40 };
    const [one, again, other] = [
      await mixed({ ...few, seed: 1 }),
      await mixed({ ...few, seed: 1 }),
      await mixed({ ...few, seed: 2 }),
    ];
    expect(bytes(again)).toBe(bytes(one));
    expect(bytes(other)).not.toBe(bytes(one));
  });
});
