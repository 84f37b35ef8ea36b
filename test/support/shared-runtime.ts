import { afterAll } from 'vitest';
import type { PruneHooks, PruneOptions, Report } from '../../src/index.ts';
import { pruneIn } from '../../src/pipeline.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';

/** One process for onnxruntime for all that a test file runs, since starting one takes longer than most runs in it. */
export const sharedChild: RuntimeChild = new RuntimeChild();
afterAll(() => sharedChild.close());

/** `prune` of the library, in that process. */
export function prune(input: string, options: PruneOptions, hooks: PruneHooks = {}): Promise<Report> {
  return pruneIn(sharedChild, input, options, hooks);
}
