import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CheckFailed, type ModelSize, type PruneHooks, type PruneOptions } from '../../src/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { prune } from '../support/shared-runtime.ts';
import { fixture, freshFolder } from './folder.ts';
import { failure, found, LEARN, quick } from './goal-runs.ts';

const patient = { timeout: 120_000 };

/** What a report says of a model in the unit of a target. */
function sizeIn(kind: string, size: ModelSize, gzip = false): number {
  if (kind === 'params') return size.parameters;
  return kind === 'macs' ? size.macs : gzip ? (size.gzipBytes ?? Number.NaN) : size.fileBytes;
}

describe('a target', patient, () => {
  it.each<[string, string, PruneOptions]>([
    ['mnist-cnn.onnx', 'params=30%', {}],
    ['mnist-cnn.onnx', 'macs=30%', { align: 'none' }],
    ['mnist-cnn.onnx', 'size=500KB', { align: 'none' }],
    ['mnist-cnn.onnx', 'size=50%', { fp16Storage: true, align: 'none' }],
    ['mnist-cnn.onnx', 'size=30%', { gzip: true, align: 'none' }],
    ['mnist-mlp.onnx', 'params=100k', { scope: 'global', align: 'none' }],
    ['mnist-mlp.onnx', 'size=40%', { unstructured: 'auto', gzip: true }],
    ['mnist-mlp.onnx', 'size=40%', { unstructured: 'auto', sparseFormat: true }],
    ['mnist-mlp.onnx', 'params=50%', { unstructured: '80%' }],
    ['mobilenetv3-mini.onnx', 'macs=60%', { criterion: 'l1' }],
    ['regnet-mini.onnx', 'params=50%', { scope: 'global', lossless: false }],
    ['structural/residual.onnx', 'macs=70%', { align: 'none' }],
    ['structural/external.onnx', 'params=70%', { align: 'none' }],
  ])('%s is met: %s, %j', async (name, target, options) => {
    const { goal, size, options: said } = await found(name, { ...options, target });
    const [kind = '', limit = ''] = target.split('=');
    const original = sizeIn(kind, size.before, options.gzip);
    expect(goal?.target).toMatchObject({ kind, original, reached: sizeIn(kind, size.after, options.gzip), met: true });
    expect(goal?.target?.reached).toBeLessThanOrEqual(goal?.target?.limit ?? 0);
    if (limit.endsWith('%')) expect(goal?.target?.limit).toBeCloseTo((original * Number.parseFloat(limit)) / 100, 6);
    // The next smaller amount that was tried misses.
    const { tries = [], amount = 0 } = goal?.sought ?? {};
    const smaller = tries.filter((each) => each.amount < amount);
    expect(smaller.length).toBeGreaterThan(0);
    expect(smaller.every(({ met }) => !met)).toBe(true);
    expect(amount - Math.max(...smaller.map((each) => each.amount))).toBeCloseTo(0.001, 9);
    expect(tries.find((each) => each.amount === amount)?.reached).toBe(goal?.target?.reached);
    expect(said).toMatchObject({ [options.unstructured === 'auto' ? 'unstructured' : 'structured']: amount });
  });

  it.each<[string, PruneOptions]>([
    ['params=40%', {}],
    ['macs=40%', { align: 'none', scope: 'global' }],
    ['params=40%', { align: 'none', steps: 2 }],
    ['macs=50%', { align: 'none', steps: 2, recover: 'bias', scope: 'global' }],
    ['size=40%', { align: 'none', gzip: true }],
  ])('%s is met after recovery too, %j', async (target, options) => {
    const { goal, recovery } = await found('mnist-mlp.onnx', { ...options, target }, LEARN);
    expect(recovery?.layers.length).toBeGreaterThan(0);
    const { reached, met } = goal?.target ?? {};
    const { tries = [], amount } = goal?.sought ?? {};
    expect(met).toBe(true);
    expect(tries.find((each) => each.amount === amount)?.reached).toBe(reached);
  });

  it('counts the biases that recovery will add', async () => {
    const folder = freshFolder();
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 3, 8, 8]);
    const hidden = b.node('Relu', [b.node('Conv', [x, b.weight('a', [16, 3, 1, 1])])]);
    const next = b.node('Relu', [b.node('Conv', [hidden, b.weight('b', [16, 16, 1, 1])])]);
    b.output(b.node('Conv', [next, b.weight('c', [4, 16, 1, 1])], {}, { outputs: ['y'] }), 'float32', ['N', 4, 8, 8]);
    const input = folder.write('m.onnx', b.bytes());
    const data = Float32Array.from({ length: 64 * 192 }, (_, i) => Math.sin(i * i));
    const calibration: PruneHooks['calibration'] = async () => ({
      count: 64,
      feeds: new Map([['x', { type: 'float32', dims: [64, 3, 8, 8], data }]]),
      labels: undefined,
    });
    const report = await prune(input, { target: 'params=50%', align: 'none', ...quick }, { calibration });
    const { reached = 0, limit = 0 } = report.goal?.target ?? {};
    const weights = report.pruning.groups.map(({ after }) => after);
    const [first = 0, second = 0] = weights;
    expect(reached).toBe(3 * first + first * second + 4 * second + second + 4);
    expect(reached).toBeLessThanOrEqual(limit);
  });

  it('is met without removing anything where the model is as small already', async () => {
    const { goal, pruning } = await found('mnist-mlp.onnx', { target: 'params=1M' });
    expect(pruning.removedChannels).toBe(0);
    expect(goal?.sought).toMatchObject({ amount: 0, found: true, tries: [{ amount: 0, met: true }] });
  });

  it('of latency is met as it is measured in the end', async () => {
    const folder = freshFolder();
    const output = folder.path('fast.onnx');
    const report = await prune(fixture('mnist-cnn.onnx'), { target: 'latency=2s', output, verify: false });
    expect(report.goal?.target).toMatchObject({ kind: 'latency', limit: 2000, met: true });
    expect(report.goal?.target?.reached).toBe(report.latency?.after.median);
  });

  it('of latency may be a share of what the original takes at the same time', async () => {
    const options = { target: 'latency=80%', dryRun: true, verify: false };
    // How fast things are is not for a test to say.
    const report = await prune(fixture('mnist-cnn.onnx'), options).catch((error: unknown) =>
      error instanceof CheckFailed ? error.report : expect.fail(String(error)),
    );
    const { limit = 0, original = 0, reached = 0, met } = report.goal?.target ?? {};
    expect(limit).toBeCloseTo(original * 0.8, 9);
    expect(original).toBe(report.latency?.before.median ?? original);
    expect(met).toBe(report.goal?.sought?.found === true && reached <= limit);
    expect(report.goal?.sought?.tries.length).toBeGreaterThan(1);
  });

  it.each([
    [
      'macs=1k',
      /^--target macs= cannot be met: at the largest amount of channels, 99\.9%, [\d,]+ multiplications of 2,837,120 stay, more than 1,000, so nothing was written; .*\.$/,
    ],
    ['size=1KB', /^--target size= cannot be met: .* bytes of 1,726,323 stay, more than 1,000, /],
    [
      'latency=0.001us',
      /^--target latency= cannot be met: at the largest amount of channels, 99%, \S+ ms per run of \S+ stay, more than 0\.000001, /,
    ],
  ])('that cannot be reached fails, and nothing is written: %s', async (target, message) => {
    const folder = freshFolder();
    const output = folder.path('small.onnx');
    const error = await failure(prune(fixture('mnist-cnn.onnx'), { target, output }));
    expect(error.message).toMatch(message);
    const report = error instanceof CheckFailed ? error.report : expect.fail(error.message);
    expect(report.goal).toMatchObject({ target: { met: false }, sought: { found: false } });
    expect(report.output).toBeNull();
    expect(existsSync(output)).toBe(false);
  });

  it.each([
    ['macs=50%', /^--target macs= has nothing to bring down: the model has no convolution/],
    ['params=50%', /^--target params= has nothing to bring down: no tensor of the model holds weights\.$/],
  ])('that counts nothing is refused: %s', async (target, message) => {
    const error = await failure(prune(fixture('structural/nothing-to-prune.onnx'), { target, dryRun: true }));
    expect(error).toMatchObject({ code: 'bad-option', subject: '--target' });
    expect(error.message).toMatch(message);
  });

  it('tells how many tries there were', async () => {
    const steps: string[] = [];
    const options = { target: 'macs=50%', dryRun: true, ...quick };
    await prune(fixture('mnist-cnn.onnx'), options, { onProgress: ({ step }) => steps.push(step) });
    expect(steps).toContain('find the amount (1 of at most 13)');
    expect(steps).toContain('find the amount (2 of at most 13)');
  });
});
