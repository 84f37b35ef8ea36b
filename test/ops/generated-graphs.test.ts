import fc from 'fast-check';
import { expect, test } from 'vitest';
import { messageOf } from '../../src/errors.ts';
import { useCutEqualsMasked } from '../support/cut-equals-masked.ts';
import { buildNet, problems } from './generated-net.ts';

/** `ONNX_PRUNE_RUNS=5000` looks longer; `ONNX_PRUNE_SEED` looks elsewhere. */
const runs = Number(process.env['ONNX_PRUNE_RUNS'] ?? 60);
const seed = Number(process.env['ONNX_PRUNE_SEED'] ?? 1);

const cutEqualsMasked = useCutEqualsMasked();

test('in any net that the rules can wire, cut equals masked', { timeout: 60_000 + runs * 1000 }, async () => {
  let pruned = 0;
  const property = fc.asyncProperty(problems, fc.boolean(), fc.boolean(), async (problem, declared, toOne) => {
    try {
      const { removed } = await cutEqualsMasked(buildNet(problem), {
        seed: problem.seed,
        declared,
        mayBeConstant: true,
        ...(toOne ? { amount: 1 } : {}),
      });
      if (removed > 0) pruned++;
    } catch (error) {
      throw new Error(
        `${messageOf(error)}\ndeclared: ${declared}, toOne: ${toOne}, net: buildNet(${JSON.stringify(problem)})`,
        {
          cause: error,
        },
      );
    }
  });
  await fc.assert(property, { numRuns: runs, seed, includeErrorInReport: true });
  // Nets in which nothing can leave prove nothing.
  expect(pruned).toBeGreaterThan(runs * 0.7);
});
