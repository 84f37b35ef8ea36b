import { describe, expect, it } from 'vitest';
import { compareModels, inspect, OnnxPruneError, prune } from '../../src/index.ts';
import { smallNet } from '../cli/support/models.ts';
import { fixture, freshFolder } from './folder.ts';

const patient = { timeout: 60_000 };

describe('inspect as a function', patient, () => {
  it('foretells the groups that prune will find', async () => {
    const name = fixture('cifar-resnet20.onnx');
    const report = await inspect(name);
    const { pruning } = await prune(name, { structured: 0.5, bench: false, verify: false, dryRun: true });
    expect(pruning.groups.map((group) => [group.name, group.before, group.unit])).toEqual(
      report.groups.map((group) => [group.name, group.channels, group.unit]),
    );
    expect(report.kept).toEqual(pruning.kept);
  });

  it('draws the model, and says how its weights are distributed where somebody asks', async () => {
    const name = fixture('mnist-cnn.onnx');
    const [plain, whole] = [await inspect(name), await inspect(name, { weights: true })];
    expect(plain).toEqual({ ...whole, distributions: [], outline: null });
    expect(whole.distributions.length).toBeGreaterThan(2);
    const nodes = whole.outline?.nodes ?? [];
    for (const { node } of whole.distributions) expect(nodes.map((each) => each.name)).toContain(node);
    expect(nodes.reduce((sum, { before }) => sum + before.parameters, 0)).toBe(whole.parameters);
    for (const { before, after } of nodes) expect(after).toEqual(before);
    for (const { name: group, producers } of whole.groups)
      expect(nodes.find((each) => each.name === producers[0])?.group).toBe(group);
  });

  it('stops when its signal aborts', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(inspect(fixture('mnist-cnn.onnx'), { signal })).rejects.toThrow('enough');
  });
});

describe('compareModels as a function', patient, () => {
  it('refuses options out of range', async () => {
    const model = fixture('mnist-cnn.onnx');
    await expect(compareModels(model, model, { threads: 0 })).rejects.toThrow(OnnxPruneError);
    await expect(compareModels(model, model, { seed: -1 })).rejects.toThrow('--seed must be a whole number');
  });

  it('gives the same verdict every time for a seed', async () => {
    const folder = freshFolder();
    const a = folder.write('a.onnx', smallNet({ seed: 1 }).bytes());
    const b = folder.write('b.onnx', smallNet({ seed: 2 }).bytes());
    const options = { bench: false, seed: 7 };
    const [first, second] = [await compareModels(a, b, options), await compareModels(a, b, options)];
    expect(second.fidelity).toEqual(first.fidelity);
    expect(first.fidelity.outputs[0]?.identical).toBe(false);
  });
});
