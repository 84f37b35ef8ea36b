import { describe, expect, test } from 'vitest';
import type { PruneOptions } from '../../src/index.ts';
import { prune } from '../support/shared-runtime.ts';
import { languageModel } from '../support/transformer.ts';
import { fixture, freshFolder } from './folder.ts';
import { replay, weightsOf } from './replay.ts';

/** Prunes and cuts the original by the report alone: the weights of both are the same, and so many of them were cut. */
async function replayed(input: string, options: PruneOptions): Promise<number> {
  const output = freshFolder().path('out.onnx');
  // With the lossless tier indices would count from what that left, and equal vectors be stored once.
  const wanted = { align: 'none', bench: false, verify: false, lossless: false, ...options, output } as const;
  const { pruning } = await prune(input, wanted);
  const [before, after] = [weightsOf(input), weightsOf(output)];
  const cut = new Set<string>();
  for (const { initializer, axis, before: length, kept } of pruning.axes) {
    const original = before.get(initializer);
    // Tidying may have made it; what is cut of it is in the result all the same.
    if (original === undefined) expect(after.get(initializer)?.dims[axis], initializer).toBe(kept.length);
    else expect(original.dims[axis], initializer).toBe(length);
    expect(new Set(kept).size).toBe(kept.length);
    expect(kept).toEqual(kept.toSorted((a, b) => a - b));
    cut.add(initializer);
  }
  for (const [name, weight] of after) {
    const original = before.get(name);
    if (original !== undefined) expect(replay(name, original, pruning.axes), name).toEqual(weight);
  }
  return [...cut].filter((name) => before.has(name) && after.has(name)).length;
}

describe('the axes of a report make the cut again', { timeout: 60_000 }, () => {
  test.each([
    ['mnist-cnn.onnx', 7],
    ['cifar-resnet20.onnx', 40],
    ['densenet-mini.onnx', 40],
    ['grouped-mini.onnx', 5],
    ['unet-mini.onnx', 9],
    ['yolo-c2f-mini.onnx', 20],
    ['structural/constant-weights.onnx', 5],
    ['structural/float16.onnx', 5],
    ['structural/if-subgraph.onnx', 5],
    ['structural/ir3.onnx', 5],
    ['structural/split-gate.onnx', 5],
    ['structural/squeeze-excite.onnx', 8],
    ['structural/tied-weights.onnx', 1],
  ])('of %s', async (name, fewest) => {
    expect(await replayed(fixture(name), { structured: '50%' })).toBeGreaterThanOrEqual(fewest);
  });

  test.each<[string, PruneOptions]>([
    ['heads', { heads: '50%' }],
    ['dimensions inside heads', { headDim: '50%' }],
    ['both, in the numbering of the file', { heads: '50%', headDim: '25%' }],
    ['everything', { structured: '50%', heads: '25%', headDim: '50%', allowApproximate: true }],
  ])('of a transformer: %s', async (_, options) => {
    const input = freshFolder().write('lm.onnx', languageModel().bytes());
    expect(await replayed(input, options)).toBeGreaterThanOrEqual(14);
  });
});

test('groups of a second pass say what stays of the original, and how much of what the first left', async () => {
  const input = freshFolder().write('lm.onnx', languageModel({ blocks: 1 }).bytes());
  const options = { heads: '50%', headDim: '50%', bench: false, verify: false, dryRun: true } as const;
  const { pruning } = await prune(input, options);
  const [heads, dims, values] = pruning.groups;
  expect(heads).toMatchObject({ name: '0.q', part: 'heads', before: 16, after: 8, unit: 4 });
  expect(dims).toMatchObject({ name: '0.q', part: 'head-dim', before: 8, after: 4, unit: 2 });
  expect(values).toMatchObject({ name: '0.v', part: 'head-dim', before: 8, after: 4 });
  for (const index of dims?.kept ?? []) expect(heads?.kept).toContain(index);
  const axis = pruning.axes.find(({ initializer, axis }) => initializer === '0.q' && axis === 1);
  expect(axis).toEqual({ initializer: '0.q', axis: 1, before: 16, kept: dims?.kept });
  expect(pruning.removedChannels).toBe(2 + 2 + 2);
});
