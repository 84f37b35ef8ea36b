import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OnnxPruneError } from '../errors.ts';
import { makeTemporaryFolder } from '../temporary-folder.ts';
import type { RequestOptions, RuntimeChild } from './child.ts';
import { subjectOf } from './model-info.ts';
import type { Feeds, ModelSource, NodeTime, ProfileOptions } from './types.ts';

/** Runs that count unless the caller says otherwise. */
const RUNS = 20;

/**
 * Runs a model on batches of data, one after the other and over again, and says how long each node of the graph that
 * onnxruntime made of it takes.
 * @throws OnnxPruneError `runtime-refused` with onnxruntime's own words; `bad-data` without batches, or for data that does
 * not fit; `bad-file` where there is no temporary folder for the profile
 */
export async function profileModel(
  child: RuntimeChild,
  source: ModelSource,
  batches: readonly Feeds[],
  options: ProfileOptions & RequestOptions = {},
): Promise<readonly NodeTime[]> {
  const { runs = RUNS, threads } = options;
  const subject = subjectOf(source);
  if (batches.length === 0) {
    throw new OnnxPruneError('bad-data', subject, `There is no data to time ${subject} on; give at least one batch.`);
  }
  // Ours to remove: the process that writes the profile may be killed at any time.
  const folder = await makeTemporaryFolder('profile');
  try {
    const params = { source, batches, runs, prefix: join(folder, 'run'), settings: { threads } };
    return await child.request('profile', subject, params, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
