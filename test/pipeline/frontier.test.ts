import { expect, it } from 'vitest';
import { prune } from '../../src/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { freshFolder } from './folder.ts';

/** Makes a different whole number out of the last bits of every score, as a detector's sorting and suppression may. */
function sensitiveNet(): ModelBuilder {
  const b = new ModelBuilder({ seed: 5 });
  const x = b.input('x', 'float32', ['N', 300]);
  const hidden = b.node('Relu', [b.node('MatMul', [x, b.weight('first', [300, 4000])])]);
  const scores = b.node('MatMul', [hidden, b.weight('second', [4000, 7])]);
  const large = b.node('Mul', [scores, b.constant('large', 'float32', [], [1e7])]);
  b.output(b.node('Mod', [b.node('Floor', [large]), b.constant('two', 'float32', [], [2])], { fmod: 1 }), 'float32', [
    'N',
    7,
  ]);
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
