import { expect, it } from 'vitest';
import { prune } from '../support/shared-runtime.ts';
import { fixture } from './folder.ts';

it('keeps one of every group that the amount would empty, and says so', async () => {
  const options = { structured: '99%', align: 'none', bench: false, dryRun: true } as const;
  const { pruning, notes, proof } = await prune(fixture('structural/residual.onnx'), options);
  expect(pruning.groups.map(({ asked, after }) => [asked, after])).toEqual(pruning.groups.map(() => [0, 1]));
  expect(notes).toContainEqual(expect.stringMatching(/would have emptied stem\.weight, .*the least that can stay/));
  expect(proof?.passed).toBe(true);
});
