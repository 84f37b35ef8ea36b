import fc from 'fast-check';
import { expect, test } from 'vitest';
import { messageOf } from '../../src/errors.ts';
import { buildNet, problems } from '../ops/generated-net.ts';
import { Workshop } from './calibrated.ts';

/** `ONNX_PRUNE_RUNS=500` looks longer; `ONNX_PRUNE_SEED` looks elsewhere. */
const runs = Number(process.env['ONNX_PRUNE_RUNS'] ?? 25);
const seed = Number(process.env['ONNX_PRUNE_SEED'] ?? 1);

const workshop = Workshop.open();

test('any net that can be pruned can be recovered, in rounds', { timeout: 60_000 + runs * 4000 }, async () => {
  let better = 0;
  let worse = 0;
  const property = fc.asyncProperty(problems, async (problem) => {
    try {
      const wishes = { criterion: 'reconstruction', batches: 4, rounds: 2, amount: 0.5 } as const;
      const { cut, recovered, layers } = await workshop.prune(buildNet(problem), wishes);
      for (const { before, after } of layers) expect(after).toBeLessThanOrEqual(before);
      if (layers.length === 0 || !(cut > 1e-6)) return;
      if (recovered < cut) better++;
      else worse++;
    } catch (error) {
      throw new Error(`${messageOf(error)}\nbuildNet(${JSON.stringify(problem)})`, { cause: error });
    }
  });
  await fc.assert(property, { numRuns: runs, seed, includeErrorInReport: true });
  expect(better).toBeGreaterThan(2 * worse);
});
