import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compareModels, type PruneOptions, type Report } from '../../src/index.ts';
import { prune } from '../support/shared-runtime.ts';
import { mixedNet } from '../support/weight-nets.ts';
import { countParameters, decodeWeights } from './decode.ts';
import { fixture, freshFolder } from './folder.ts';
import { allZeros, countWeights, countZeros, expectedZeros, layerWeights } from './slow-sparsity.ts';

const QUICK = { bench: false, align: 'none' };

async function pruned(input: string, options: PruneOptions): Promise<{ report: Report; output: string }> {
  const output = freshFolder().path(options.gzip === true ? 'small.onnx.gz' : 'small.onnx');
  return { report: await prune(input, { ...QUICK, output, ...options }), output };
}

/** The number of elements of a file's float32 tensors that are not zero. */
function countNonZeros(path: string): number {
  return [...decodeWeights(path).values()].reduce(
    (sum, { floats }) => sum + floats.filter((each) => each !== 0).length,
    0,
  );
}

describe('channels and weights in one run', { timeout: 120_000 }, () => {
  const both = { structured: '30%', unstructured: '60%' };

  it.each([
    ['uniform', false],
    ['global', true],
  ] as const)('are pruned one after the other, and counted exactly, scope %s', async (scope, together) => {
    const input = fixture('mnist-mlp.onnx');
    const channels = await pruned(input, { structured: '30%', scope, lossless: false });
    const { report, output } = await pruned(input, { ...both, scope, lossless: false });
    expect(report.pruning).toEqual(channels.report.pruning);
    const [whole, after] = [layerWeights(channels.output), layerWeights(output)];
    expect(allZeros(after)).toEqual(expectedZeros(whole, 0.6, together));
    expect(report.weights).toMatchObject({ weights: countWeights(whole), zeros: countZeros(after) });
    expect(report.proof?.passed).toBe(true);
  });

  it('give what the two runs give that they stand for', async () => {
    const input = fixture('mnist-mlp.onnx');
    const once = await pruned(input, { ...both, lossless: false, verify: false });
    const first = await pruned(input, { structured: '30%', lossless: false, verify: false });
    const second = await pruned(first.output, { unstructured: '60%', lossless: false, verify: false });
    expect(readFileSync(second.output).equals(readFileSync(once.output))).toBe(true);
  });

  it('have one report, which counts what is in the file', async () => {
    const { report, output } = await pruned(fixture('mnist-cnn.onnx'), both);
    expect(report.options).toMatchObject({
      structured: 0.3,
      unstructured: 0.6,
      criterion: 'fan-out',
      weightCriterion: 'magnitude',
    });
    expect(report.size.after.parameters).toBe(countParameters(output));
    expect(report.size.after.nonZeros).toBe(countNonZeros(output));
    expect(report.size.after.fileBytes).toBe(readFileSync(output).length);
    expect(report.weights?.sparsity).toBeCloseTo(0.6, 3);
    expect(report.proof?.passed).toBe(true);
  });

  it('are both ranked by a formula', async () => {
    const folder = freshFolder();
    const input = folder.write('m.onnx', mixedNet().bytes());
    const { report } = await pruned(input, { ...both, criterion: 'abs(w) * row_norm' });
    expect(report.options).toMatchObject({ criterion: 'abs(w) * row_norm', weightCriterion: 'abs(w) * row_norm' });
    expect(report.pruning.removedChannels).toBeGreaterThan(0);
    expect(report.weights?.criterion).toBe('abs(w) * row_norm');
    expect(report.proof?.passed).toBe(true);
  });

  it('leave weights a pattern that holds along what stays', async () => {
    const { report, output } = await pruned(fixture('mnist-mlp.onnx'), { structured: '50%', pattern: '2:4' });
    expect(report.pruning.removedChannels).toBeGreaterThan(0);
    for (const { initializer, dims } of report.weights?.layers ?? []) {
      expect(layerWeights(output).get(initializer)?.dims).toEqual(dims);
    }
    expect(report.weights?.sparsity).toBe(0.5);
    expect(report.proof?.passed).toBe(true);
  });
});

describe('ways to store a result', { timeout: 120_000 }, () => {
  it.each<[string, PruneOptions, number]>([
    ['sparse', { sparseFormat: true }, 0],
    ['compressed', { gzip: true }, 0],
    ['half', { fp16Storage: true }, 1e-2],
    ['half and compressed', { fp16Storage: true, gzip: true }, 1e-2],
    ['all at once', { fp16Storage: true, gzip: true, sparseFormat: true }, 1e-2],
  ])('do not change what was pruned: %s', async (_, storage, tolerance) => {
    const input = fixture('mnist-cnn.onnx');
    const amounts = { structured: '30%', unstructured: '80%' };
    const plain = await pruned(input, { ...amounts, verify: false });
    const stored = await pruned(input, { ...amounts, ...storage });
    expect(stored.report.pruning).toEqual(plain.report.pruning);
    expect(stored.report.weights).toEqual(plain.report.weights);
    expect(readFileSync(stored.output).length).toBeLessThan(readFileSync(plain.output).length);
    const { fidelity } = await compareModels(plain.output, stored.output, { bench: false });
    for (const { relativeL2 } of fidelity.outputs) expect(relativeL2).toBeLessThanOrEqual(tolerance);
  });
});
