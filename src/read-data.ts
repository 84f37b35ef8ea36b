import { materialise } from './calibrate/materialise.ts';
import { sampleSourceOf } from './judge/sample-source.ts';
import type { TestData } from './judge/test-data.ts';
import type { PruneHooks } from './options/prune-options.ts';
import type { InputSpec } from './runtime/index.ts';

/** All data of a run in memory. */
export interface RunData {
  readonly test: TestData | undefined;
  readonly calibration: TestData | undefined;
}

/** Which samples of calibration data are used: see `calibrationBatches`. */
interface Choice {
  readonly samples: number | undefined;
  readonly seed: number;
}

/**
 * Reads all data that a caller offers, calibration data no further than they are used.
 * @throws OnnxPruneError as the caller's hooks and `calibrationBatches` do
 */
export async function readData(
  hooks: PruneHooks,
  specs: readonly InputSpec[],
  place: (name: string) => string,
  choice: Choice,
): Promise<RunData> {
  const test = await hooks.testData?.(specs);
  const opened = await hooks.calibration?.(specs, { place, onProgress: () => hooks.signal?.throwIfAborted() });
  if (opened === undefined) return { test, calibration: undefined };
  const source = sampleSourceOf(opened);
  try {
    return { test, calibration: await materialise(source, specs, choice) };
  } finally {
    await source.close();
  }
}
