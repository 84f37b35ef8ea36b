import fc from 'fast-check';
import { expect, test } from 'vitest';
import { messageOf } from '../../src/errors.ts';
import { type CutOptions, useCutEqualsMasked } from '../support/cut-equals-masked.ts';
import { buildNet, problems } from './generated-net.ts';

/** `ONNX_PRUNE_RUNS=5000` looks longer; `ONNX_PRUNE_SEED` looks elsewhere. */
const runs = Number(process.env['ONNX_PRUNE_RUNS'] ?? 100);
const seed = Number(process.env['ONNX_PRUNE_SEED'] ?? 1);

const cutEqualsMasked = useCutEqualsMasked();

/** How to cut: most of each group, types declared, dimensions inside heads, axes that statistics are taken over. */
const ways = fc.record({
  toOne: fc.boolean(),
  declared: fc.boolean(),
  inside: fc.boolean(),
  allowApproximate: fc.boolean(),
});

test('in any net that the rules can wire, cut equals masked', { timeout: 60_000 + runs * 1000 }, async () => {
  let pruned = 0;
  const property = fc.asyncProperty(problems, ways, async (problem, { toOne, declared, inside, allowApproximate }) => {
    const options: CutOptions = {
      seed: problem.seed,
      declared,
      mayBeConstant: true,
      ...(toOne ? { amount: 1 } : {}),
      build: { prefer: inside ? 'head-dim' : 'heads', allowApproximate },
    };
    try {
      const { removed } = await cutEqualsMasked(buildNet(problem), options);
      if (removed > 0) pruned++;
    } catch (error) {
      throw new Error(
        `${messageOf(error)}\ncutEqualsMasked(buildNet(${JSON.stringify(problem)}), ${JSON.stringify(options)})`,
        { cause: error },
      );
    }
  });
  await fc.assert(property, { numRuns: runs, seed, includeErrorInReport: true });
  // Nets in which nothing can leave prove nothing.
  expect(pruned).toBeGreaterThan(runs * 0.7);
});
