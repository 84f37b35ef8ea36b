import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { exportModel, type Model } from '../../src/ir/model.ts';
import { segmentModel } from '../../src/ir/segment.ts';
import { encodeModel } from '../../src/onnx/codec.ts';
import { type HostTensor, RuntimeChild, run } from '../../src/runtime/index.ts';
import { buildNet, problems } from '../ops/generated-net.ts';
import { canBeFed, expectAlike, inputsOf, normalised } from '../support/model-parts.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

const bytesOf = (model: Model): Uint8Array => encodeModel(exportModel(model, 'embed'));

/** Runs parts one after the other, each on what those before it gave. */
async function runParts(
  parts: readonly Model[],
  feeds: Readonly<Record<string, HostTensor>>,
): Promise<Record<string, HostTensor>> {
  let values: Record<string, HostTensor> = { ...feeds };
  for (const part of parts) {
    const outputs = await run(child, bytesOf(part), values, { optimization: 'disabled' });
    values = { ...values, ...outputs };
  }
  return values;
}

describe('a model in parts', { timeout: 60_000 }, () => {
  it('gives what the whole gives, however small the parts are', async () => {
    let most = 0;
    const property = fc.asyncProperty(
      problems,
      fc.nat({ max: 9999 }),
      fc.integer({ min: 0, max: 4000 }),
      async (problem, seed, bytes) => {
        const model = await normalised(buildNet(problem), child);
        const feeds = inputsOf(model, seed);
        const parts = segmentModel(model, bytes, canBeFed);
        most = Math.max(most, parts.length);
        const whole = await run(child, bytesOf(model), feeds, { optimization: 'disabled' });
        const values = await runParts(parts, feeds);
        for (const [name, tensor] of Object.entries(whole)) expectAlike(values[name], tensor, name);
      },
    );
    await fc.assert(property, { numRuns: 12 });
    expect(most).toBeGreaterThan(3);
  });

  it('is whole where nothing can be handed on', async () => {
    const property = fc.asyncProperty(problems, async (problem) => {
      const model = await normalised(buildNet(problem), child);
      expect(segmentModel(model, 0, () => false)).toHaveLength(1);
    });
    await fc.assert(property, { numRuns: 2 });
  });
});
