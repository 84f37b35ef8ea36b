import { expect, it } from 'vitest';
import { ModelBuilder } from '../support/build.ts';
import { prune } from '../support/shared-runtime.ts';
import { freshFolder } from './folder.ts';

/** A different whole number out of the last bits of each of seven scores, as a detector's sorting and suppression may make. */
function sensitiveScores(b: ModelBuilder): string {
  const x = b.input('x', 'float32', ['N', 300]);
  const hidden = b.node('Relu', [b.node('MatMul', [x, b.weight('first', [300, 4000])])]);
  const scores = b.node('MatMul', [hidden, b.weight('second', [4000, 7])]);
  const large = b.node('Mul', [scores, b.constant('large', 'float32', [], [1e7])]);
  return b.node('Mod', [b.node('Floor', [large]), b.constant('two', 'float32', [], [2])], { fmod: 1 });
}

function sensitiveNet(): ModelBuilder {
  const b = new ModelBuilder({ seed: 5 });
  b.output(sensitiveScores(b), 'float32', ['N', 7]);
  return b;
}

/** The same with layers behind it that are pruned as well, as the second stage of a detector. */
function twoStages(): ModelBuilder {
  const b = new ModelBuilder({ seed: 5 });
  const hidden = b.node('Tanh', [b.node('MatMul', [sensitiveScores(b), b.weight('third', [7, 16])])]);
  b.output(b.node('MatMul', [hidden, b.weight('fourth', [16, 3])]), 'float32', ['N', 3]);
  return b;
}

it('judges outputs that hang on rounding by the tensors before the operators that make them so', async () => {
  const folder = freshFolder();
  sensitiveNet().write(folder.path('sensitive.onnx'));
  const report = await prune(folder.path('sensitive.onnx'), { structured: 0.5, align: 'none', bench: false });
  const [output] = report.proof?.cut ?? [];
  expect(output?.passed).toBe(false);
  expect(report.proof?.judgedByFrontier).toEqual([output?.name]);
  expect(report.proof?.frontier.map(({ passed, informative }) => [passed, informative])).toContainEqual([true, true]);
  expect(report.proof?.passed).toBe(true);
  expect(report.output).not.toBeNull();
});

it('judges outputs behind decisions in the midst of pruned layers by the tensors before the first decision', async () => {
  const folder = freshFolder();
  twoStages().write(folder.path('stages.onnx'));
  const options = { structured: 0.5, align: 'none', bench: false, exclude: ['second'] } as const;
  const report = await prune(folder.path('stages.onnx'), options);
  const [output] = report.proof?.cut ?? [];
  expect(output?.passed).toBe(false);
  expect(report.proof?.judgedByFrontier).toEqual([output?.name]);
  expect(report.proof?.frontier).toMatchObject([{ passed: true, informative: true }]);
  expect(report.proof?.passed).toBe(true);
});
