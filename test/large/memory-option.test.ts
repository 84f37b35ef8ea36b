import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { PruneOptions, Report, TestData } from '../../src/index.ts';
import { checkPruneOptions } from '../../src/options/prune-options.ts';
import { pruneIn } from '../../src/pipeline.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { fixture, freshFolder } from '../pipeline/folder.ts';
import { learn, normalData } from '../pipeline/held-out.ts';
import { layerWeights } from '../pipeline/slow-sparsity.ts';
import { mixedNet } from '../support/weight-nets.ts';

const child = new RuntimeChild();
const data = (count: number, seed: number): TestData => normalData(count, seed, { x: [4, 6, 6] });
afterAll(() => child.close());

interface Done {
  readonly report: Report;
  /** The files of the result, by name. */
  readonly files: Readonly<Record<string, string>>;
}

async function pruned(model: string, options: PruneOptions): Promise<Done> {
  const folder = freshFolder();
  const output = folder.path('out.onnx');
  const report = await pruneIn(child, fixture(model), { ...options, output, bench: false }, {});
  const names = readdirSync(folder.path('.')).filter((name) => name.startsWith('out.'));
  return {
    report,
    files: Object.fromEntries(names.map((name) => [name, readFileSync(folder.path(name)).toString('latin1')])),
  };
}

/** With weights in files and in memory, the result is the same to the byte. */
async function expectSame(model: string, options: PruneOptions): Promise<Report> {
  const inFiles = await pruned(model, { ...options, memory: '30KB' });
  const inMemory = await pruned(model, options);
  expect(Object.keys(inFiles.files)).toEqual(Object.keys(inMemory.files));
  for (const [name, bytes] of Object.entries(inFiles.files))
    expect({ name, same: bytes === inMemory.files[name] }).toEqual({ name, same: true });
  return inFiles.report;
}

describe('a model whose weights stay in files', { timeout: 120_000 }, () => {
  it.each<[string, string, PruneOptions]>([
    ['channels', 'cifar-resnet20.onnx', { structured: 0.5 }],
    ['channels in rounds', 'mnist-mlp.onnx', { structured: 0.5, scope: 'global' }],
    ['weights, each tensor by itself', 'mnist-mlp.onnx', { unstructured: 0.8 }],
    ['weights, all together', 'mnist-mlp.onnx', { unstructured: 0.8, scope: 'global' }],
    ['weights, layer-adaptive', 'mnist-mlp.onnx', { unstructured: 0.8, scope: 'lamp', verify: false }],
    ['weights in steps', 'mnist-mlp.onnx', { unstructured: 0.8, schedule: 'polynomial', steps: 3, verify: false }],
    ['weights by a pattern', 'mnist-mlp.onnx', { pattern: '2:4', verify: false }],
    [
      'weights by a formula',
      'mnist-mlp.onnx',
      { unstructured: 0.5, criterion: 'abs(w) * 2', scope: 'global', verify: false },
    ],
    ['int8 weights', 'mnist-mlp.onnx', { int8: 'weights' }],
    ['int8, as data come', 'mnist-mlp.onnx', { int8: 'dynamic' }],
    ['halves', 'mnist-mlp.onnx', { fp16Storage: true }],
    ['with bodies', 'structural/if-subgraph.onnx', { structured: 0.5 }],
    ['with external data', 'structural/external.onnx', { structured: 0.5 }],
  ])('is pruned to the same bytes: %s', async (_, model, options) => {
    const { proof, fidelity } = await expectSame(model, options);
    if (options.verify === false) return;
    expect(proof?.passed).toBe(true);
    expect(fidelity?.outputs.every(({ problem }) => problem === undefined)).toBe(true);
  });

  it.each<[string, PruneOptions]>([
    ['least squares', { structured: 0.5 }],
    ['one-shot', { unstructured: 0.6, oneShot: 'sparsegpt' }],
    ['statistics', { unstructured: 0.6, criterion: 'abs(w) * sqrt(mean_square_in)' }],
  ])('learns the same from data, but for rounding, node by node: %s', async (_, options) => {
    const lessons = { calibration: data(48, 5), heldOut: data(8, 6) };
    const weightsOf = async (memory: string | number): Promise<[string, Float64Array][]> => {
      const { output } = await learn(mixedNet(), { ...options, lossless: false, memory }, lessons);
      return [...layerWeights(output)].map(([name, { floats }]) => [name, Float64Array.from(floats)]);
    };
    const [inFiles, inMemory] = [await weightsOf(1), await weightsOf('1GB')];
    expect(inFiles.map(([name]) => name)).toEqual(inMemory.map(([name]) => name));
    for (const [i, [, floats]] of inFiles.entries()) {
      const other = inMemory[i]?.[1] ?? new Float64Array();
      expect(floats.length).toBe(other.length);
      const furthest = floats.reduce((most, each, at) => Math.max(most, Math.abs(each - (other[at] ?? Number.NaN))), 0);
      expect(furthest).toBeLessThan(1e-3);
    }
  });

  it('is measured as it is, and not timed', async () => {
    const small = await pruned('mnist-mlp.onnx', { structured: 0.5, memory: '30KB', gzip: false });
    const large = await pruned('mnist-mlp.onnx', { structured: 0.5 });
    expect({ ...small.report.size }).toEqual({ ...large.report.size });
    expect(small.report.latency).toBeNull();
  });

  it('is not asked how fast it is', async () => {
    for (const gate of [{ minSpeedup: 1 }, { maxLatency: '5ms' }, { target: 'latency=90%' }])
      await expect(
        pruneIn(
          child,
          fixture('mnist-mlp.onnx'),
          { ...('target' in gate ? {} : { structured: 0.5 }), memory: '30KB', dryRun: true, ...gate },
          {},
        ),
      ).rejects.toThrow(/has to measure speed, which is not done for models whose weights \(\d+ bytes\) are more than/);
  });

  it('leaves the model as it was, and nothing in the temporary folder', async () => {
    const before = readFileSync(fixture('mnist-mlp.onnx'));
    const temporary = freshFolder();
    const kept = process.env['TMPDIR'];
    process.env['TMPDIR'] = temporary.path('.');
    try {
      await pruned('mnist-mlp.onnx', { unstructured: 0.8, memory: 1 });
      expect(readdirSync(temporary.path('.')).filter((name) => name.startsWith('onnx-prune'))).toEqual([]);
    } finally {
      if (kept === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = kept;
    }
    expect(Buffer.compare(readFileSync(fixture('mnist-mlp.onnx')), before)).toBe(0);
  });
});

describe('--memory', () => {
  it.each<[string | number, number]>([
    ['512MB', 512e6],
    ['2GiB', 2 ** 31],
    [5e8, 5e8],
    ['1kb', 1000],
  ])('takes %s', (memory, bytes) => {
    expect(checkPruneOptions({ structured: 0.5, memory }).memory).toBe(bytes);
  });

  it.each([0, -1, '512', '50%', 'lots', '', Number.NaN])('refuses %s', (memory) => {
    expect(() => checkPruneOptions({ structured: 0.5, memory })).toThrow(/--memory must be the most bytes of weights/);
  });
});
