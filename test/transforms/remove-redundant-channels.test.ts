import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { messageOf } from '../../src/errors.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { Planted } from '../support/plant.ts';
import { buildChannelNet, type ChannelNet, STEPS } from './channel-nets.ts';

/** `ONNX_PRUNE_RUNS=5000` looks longer; `ONNX_PRUNE_SEED` looks elsewhere. */
const runs = Number(process.env['ONNX_PRUNE_RUNS'] ?? 600);
const seed = Number(process.env['ONNX_PRUNE_SEED'] ?? 1);

const child = new RuntimeChild();
afterAll(() => child.close());

const nets: fc.Arbitrary<ChannelNet> = fc.record({
  seed: fc.nat(100_000),
  steps: fc.array(fc.constantFrom(...Object.keys(STEPS)), { minLength: 1, maxLength: 6 }),
  head: fc.constantFrom('conv', 'gemm', 'matmul'),
});

test('in any net of few small numbers, what leaves changes no output', { timeout: 60_000 + runs * 500 }, async () => {
  const left = { unread: 0, zero: 0, constant: 0, duplicate: 0 };
  const property = fc.asyncProperty(nets, async (net) => {
    // Doubling and powers of powers outgrow float32.
    const count = (name: string): number => net.steps.filter((step) => step === name).length;
    fc.pre(count('both') <= 2 && count('square') + count('power') <= 2);
    try {
      const { report } = await (await Planted.in(buildChannelNet(net), child)).clean();
      for (const reason of ['unread', 'zero', 'constant', 'duplicate'] as const)
        left[reason] += report.byReason[reason];
    } catch (error) {
      throw new Error(`${messageOf(error)}\nbuildChannelNet(${JSON.stringify(net)})`, { cause: error });
    }
  });
  await fc.assert(property, { numRuns: runs, seed, includeErrorInReport: true });
  // No weight of the last layer is zero, so that only what lies before it can be unread.
  for (const count of Object.values(left)) expect(count).toBeGreaterThan(0);
});
