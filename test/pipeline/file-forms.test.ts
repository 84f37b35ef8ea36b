import { copyFileSync, existsSync, renameSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compareModels } from '../../src/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { prune } from '../support/shared-runtime.ts';
import { countNodes, countParameters, decodeWeights, headerOf, takeSlices } from './decode.ts';
import { fixture, freshFolder } from './folder.ts';

const patient = { timeout: 60_000 };
const half = { structured: 0.5, bench: false } as const;

describe('the report', patient, () => {
  it.each([
    'mnist-cnn.onnx',
    'cifar-resnet20.onnx',
    'structural/concat-dense.onnx',
    'structural/float16.onnx',
    'structural/ir3.onnx',
  ])('of %s counts what an independent decoder counts', async (name) => {
    const output = freshFolder().path('out.onnx');
    const { size } = await prune(fixture(name), { ...half, output, verify: false });
    expect(size.before).toMatchObject({
      parameters: countParameters(fixture(name)),
      fileBytes: statSync(fixture(name)).size,
    });
    expect(size.after).toMatchObject({
      parameters: countParameters(output),
      nodes: countNodes(output),
      fileBytes: statSync(output).size,
    });
  });

  it('has the kept indices from which the cut can be made again', async () => {
    const output = freshFolder().path('out.onnx');
    const report = await prune(fixture('mnist-cnn.onnx'), { ...half, output, verify: false });
    const [before, after] = [decodeWeights(fixture('mnist-cnn.onnx')), decodeWeights(output)];
    expect(report.pruning.groups.map(({ name }) => name)).toEqual(['0.weight', '4.weight', '9.weight']);
    const kept = new Map(report.pruning.groups.map((group) => [group.name, group.kept]));
    const bias = before.get('0.bias');
    const last = before.get('11.weight');
    if (bias === undefined || last === undefined) expect.fail('the fixture has changed');
    expect(takeSlices(bias, 0, kept.get('0.weight') ?? [])).toEqual(after.get('0.bias')?.floats);
    expect(takeSlices(last, 1, kept.get('9.weight') ?? [])).toEqual(after.get('11.weight')?.floats);
    // Both axes of the second convolution are cut, and each channel of the first fully connected layer owns 5·5 columns.
    const middle = before.get('4.weight');
    const wide = before.get('9.weight');
    if (middle === undefined || wide === undefined) expect.fail('the fixture has changed');
    const rows = { ...middle, dims: [32, 32, 3, 3], floats: takeSlices(middle, 0, kept.get('4.weight') ?? []) };
    expect(takeSlices(rows, 1, kept.get('0.weight') ?? [])).toEqual(after.get('4.weight')?.floats);
    const columns = (kept.get('4.weight') ?? []).flatMap((channel) =>
      Array.from({ length: 25 }, (_, i) => channel * 25 + i),
    );
    const cutRows = { ...wide, dims: [128, 1600], floats: takeSlices(wide, 0, kept.get('9.weight') ?? []) };
    expect(takeSlices(cutRows, 1, columns)).toEqual(after.get('9.weight')?.floats);
  });

  it('lists every axis that was cut with its lengths', async () => {
    const output = freshFolder().path('out.onnx');
    // With the lossless tier equal vectors would be stored once, under one of their names.
    const report = await prune(fixture('cifar-resnet20.onnx'), { ...half, output, verify: false, lossless: false });
    const [before, after] = [decodeWeights(fixture('cifar-resnet20.onnx')), decodeWeights(output)];
    const cuts = report.pruning.groups.flatMap((group) => group.cuts);
    expect(cuts.length).toBeGreaterThan(20);
    for (const cut of cuts) {
      // Vectors that the file makes by an Identity are no initializers there yet.
      expect(before.get(cut.initializer)?.dims[cut.axis] ?? cut.before).toBe(cut.before);
      expect(after.get(cut.initializer)?.dims[cut.axis]).toBe(cut.after);
    }
    expect(cuts.filter(({ initializer }) => before.has(initializer)).length).toBeGreaterThan(0.9 * cuts.length);
  });
});

describe('a model with external data', patient, () => {
  it('may keep short lists of whole numbers there', async () => {
    const b = new ModelBuilder({ opset: 17, seed: 3 });
    const x = b.input('x', 'float32', ['N', 4]);
    const hidden = b.node('Gemm', [x, b.weight('w', [8, 4]), b.vector('b', 8)], { transB: 1 });
    const order = b.constant('order', 'int64', [8], [7, 6, 5, 4, 3, 2, 1, 0]);
    const turned = b.node('Gather', [b.node('Relu', [hidden]), order], { axis: 1 });
    b.output(b.node('Gemm', [turned, b.weight('v', [3, 8])], { transB: 1 }), 'float32', ['N', 3]);
    const { model, data } = b.externalBytes('all.data');
    const folder = freshFolder();
    folder.write('all.data', data);
    const report = await prune(folder.write('all.onnx', model), { ...half, align: 'none' });
    expect(report.proof?.passed).toBe(true);
    expect(report.pruning.removedChannels).toBeGreaterThan(0);
  });

  it('gives a result with external data of its own, which stands alone in another folder', async () => {
    const folder = freshFolder();
    const output = folder.path('out.onnx');
    const report = await prune(fixture('structural/external.onnx'), { ...half, output });
    const files = ['out.onnx', 'out.onnx.data'];
    expect(report.size.after.fileBytes).toBe(files.reduce((sum, file) => sum + statSync(folder.path(file)).size, 0));
    for (const file of files) renameSync(folder.path(file), folder.path(`elsewhere/${file}`));
    const moved = folder.path('elsewhere/out.onnx');
    const { fidelity } = await compareModels(moved, moved, { bench: false });
    expect(fidelity.outputs.every(({ identical }) => identical)).toBe(true);
    expect(report.proof?.passed).toBe(true);
  });

  it('leaves the data file of the input as it was', async () => {
    const folder = freshFolder();
    for (const file of ['external.onnx', 'external.data']) {
      copyFileSync(fixture(`structural/${file}`), folder.path(file));
    }
    const before = statSync(folder.path('external.data'));
    await prune(folder.path('external.onnx'), { ...half, verify: false });
    const after = statSync(folder.path('external.data'));
    expect([after.size, after.mtimeMs, after.ino]).toEqual([before.size, before.mtimeMs, before.ino]);
    expect(existsSync(folder.path('external.pruned.onnx.data'))).toBe(true);
  });
});

describe('a model of IR version 3', patient, () => {
  it('keeps its version, and its initializers among its inputs', async () => {
    const output = freshFolder().path('out.onnx');
    const report = await prune(fixture('structural/ir3.onnx'), { ...half, output });
    expect(report.proof?.passed).toBe(true);
    expect(report.pruning.removedChannels).toBeGreaterThan(0);
    const { irVersion, inputs } = headerOf(output);
    const weights = [...decodeWeights(output).keys()];
    expect(irVersion).toBe(3);
    expect(inputs[0]).toBe('image');
    expect([...inputs.slice(1)].sort()).toEqual(weights.sort());
  });
});

describe('a model in float16', patient, () => {
  it('is proven within the tolerance of its type, and stays in it', async () => {
    const output = freshFolder().path('out.onnx');
    const report = await prune(fixture('structural/float16.onnx'), { ...half, output });
    expect(report.proof?.cut).toMatchObject([{ type: 'float16', passed: true, informative: true }]);
    const types = (path: string): number[] => [...decodeWeights(path).values()].map(({ dataType }) => dataType);
    expect(new Set(types(output))).toEqual(new Set(types(fixture('structural/float16.onnx'))));
  });
});

/** Word numbers below 11 and 8 features per sample; two outputs. */
function bagOfWords(): ModelBuilder {
  const b = new ModelBuilder();
  const ids = b.input('ids', 'int64', ['N', 'T']);
  const features = b.input('features', 'float32', ['N', 8]);
  const words = b.node('Gather', [b.weight('embedding', [11, 16]), ids]);
  const mean = b.node('ReduceMean', [words], { axes: [1], keepdims: 0 });
  const both = b.node('Concat', [mean, features], { axis: 1 });
  const dense = [both, b.weight('dense.weight', [32, 24]), b.vector('dense.bias', 32)];
  const hidden = b.node('Relu', [b.node('Gemm', dense, { transB: 1 })]);
  const scores = b.node('Gemm', [hidden, b.weight('scores.weight', [5, 32])], { transB: 1 }, { outputs: ['scores'] });
  const size = b.node('Gemm', [hidden, b.weight('size.weight', [1, 32])], { transB: 1 }, { outputs: ['size'] });
  b.output(scores, 'float32', ['N', 5]);
  b.output(size, 'float32', ['N', 1]);
  return b;
}

describe('a model with several inputs and outputs', patient, () => {
  it('is run on word numbers that its embedding has, at lengths that it leaves open', async () => {
    const folder = freshFolder();
    const report = await prune(folder.write('m.onnx', bagOfWords().bytes()), half);
    expect(report.proof?.passed).toBe(true);
    expect(report.proof?.cut.map(({ name }) => name)).toEqual(['scores', 'size']);
    expect(report.fidelity?.outputs.map(({ name }) => name)).toEqual(['scores', 'size']);
    const cuts = report.pruning.groups.flatMap((group) => group.cuts);
    expect(cuts).toContainEqual({ initializer: 'embedding', axis: 1, before: 16, after: 8 });
    expect(decodeWeights(folder.path('m.pruned.onnx')).get('embedding')?.dims).toEqual([11, 8]);
  });
});
