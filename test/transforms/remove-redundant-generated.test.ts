import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { messageOf } from '../../src/errors.ts';
import { initializersIn } from '../../src/ir/node.ts';
import { isFloatType } from '../../src/numeric/float-bytes.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { buildNet, problems } from '../ops/generated-net.ts';
import { Planted } from '../support/plant.ts';
import { createRandom, type Random } from '../support/random.ts';

/** `ONNX_PRUNE_RUNS=5000` looks longer; `ONNX_PRUNE_SEED` looks elsewhere. */
const runs = Number(process.env['ONNX_PRUNE_RUNS'] ?? 150);
const seed = Number(process.env['ONNX_PRUNE_SEED'] ?? 1);

const child = new RuntimeChild();
afterAll(() => child.close());

/**
 * Makes slices of constants zero, or multiples of others, at random: along any axis, of some constants, or at the same position of all
 * that have as many, or of all but vectors.
 */
function plant(net: Planted, random: Random): void {
  const constants = initializersIn(net.model.graph).filter(
    ({ tensor, uses }) =>
      tensor !== undefined &&
      isFloatType(tensor.type) &&
      tensor.size > 1 &&
      // Factors of sizes are no weights.
      ![...uses].some(({ opType }) => opType === 'Resize' || opType === 'Upsample'),
  );
  const lengths = [...new Set(constants.flatMap(({ tensor }) => tensor?.dims ?? []))].filter((length) => length > 2);
  for (const length of lengths) {
    const [to, of] = [random.below(length), random.below(length)];
    const factor = [0, 1, 2, 1.7, -1.5][random.below(5)] ?? 1;
    const which = ['all', 'all', 'matrices', 'some'][random.below(4)];
    for (const { name, tensor } of constants) {
      const dims = tensor?.dims ?? [];
      const isChosen = which === 'all' || (which === 'matrices' ? dims.length > 1 : random.uniform() < 0.3);
      for (const [axis, own] of dims.entries())
        if (own === length && isChosen) net.multiple(name, axis, to, of, factor);
    }
  }
}

test('in any net with any slices planted, what leaves changes no output', {
  timeout: 60_000 + runs * 2000,
}, async () => {
  const left = { unread: 0, zero: 0, constant: 0, duplicate: 0 };
  const property = fc.asyncProperty(problems, async (problem) => {
    // A matrix with planted rows has no inverse.
    fc.pre(!JSON.stringify(problem).includes('"inverse"'));
    try {
      const net = await Planted.in(buildNet(problem), child);
      plant(net, createRandom(problem.seed + 7));
      const { report } = await net.clean();
      for (const reason of ['unread', 'zero', 'constant', 'duplicate'] as const)
        left[reason] += report.byReason[reason];
    } catch (error) {
      throw new Error(`${messageOf(error)}\nbuildNet(${JSON.stringify(problem)})`, { cause: error });
    }
  });
  await fc.assert(property, { numRuns: runs, seed, includeErrorInReport: true });
  // Each kind has to occur, or nothing was shown of it; constants that can be folded are rare by chance.
  const { constant, ...frequent } = left;
  for (const count of [...Object.values(frequent), ...(runs >= 1000 ? [constant] : [])])
    expect(count).toBeGreaterThan(0);
});
