import { messageOf, OnnxPruneError } from '../errors.ts';
import { makeInputs } from './inputs.ts';
import type { ProbeResult, Tell, Trial } from './protocol.ts';
import { withSession } from './session.ts';
import type { Feeds, HostTensor, InputSpec, ModelInfo, ModelSource, SessionSettings } from './types.ts';

/** Loads a model and tells its inputs and outputs. */
export function describeModel(source: ModelSource, settings: SessionSettings): Promise<ModelInfo> {
  return withSession(source, settings, async (session) => session.info);
}

/** Runs every batch through one session and gives the outputs of each. */
export function runBatches(
  source: ModelSource,
  batches: readonly Feeds[],
  outputs: readonly string[] | undefined,
  settings: SessionSettings,
  tell: Tell,
): Promise<readonly Readonly<Record<string, HostTensor>>[]> {
  return withSession(source, settings, async (session) => {
    const results: Readonly<Record<string, HostTensor>>[] = [];
    for (const feeds of batches) {
      results.push(await session.run(session.prepare(feeds), outputs));
      tell(results.length, batches.length);
    }
    return results;
  });
}

/** Tries sizes one after the other until the model runs with inputs of those sizes. */
export function probeTrials(
  source: ModelSource,
  specs: readonly InputSpec[],
  seed: number,
  trials: readonly Trial[],
): Promise<ProbeResult> {
  // Whether a model runs does not depend on how it is optimised, and loading is fastest without.
  return withSession(source, { optimization: 'disabled' }, async (session) => {
    let lastError = 'there was nothing to try';
    for (const [found, trial] of trials.entries()) {
      try {
        await session.runRaw(session.prepare(makeInputs(specs, { seed, ...trial })));
        return { found };
      } catch (error) {
        // A wrong size makes onnxruntime refuse; anything else is no question of sizes.
        if (!(error instanceof OnnxPruneError) || error.code === 'internal') throw error;
        lastError = messageOf(error);
      }
    }
    return { found: undefined, lastError };
  });
}
