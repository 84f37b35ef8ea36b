import { type RequestOptions, RuntimeChild, type RuntimeChildOptions } from './child.ts';
import { subjectOf } from './model-info.ts';
import type { Feeds, Footprint, ModelSource, SessionSettings } from './types.ts';

/** How a footprint is taken. */
export interface FootprintOptions extends RequestOptions, RuntimeChildOptions, SessionSettings {
  /** Stop timing loads once this long, in ms, has gone by, though never before the first. Default 5000. */
  readonly budgetMs?: number | undefined;
}

/**
 * Measures how much memory a model takes while it is loaded and run, and how long loading takes, in a process that is
 * started for it alone and ended afterwards.
 *
 * @param feeds one batch
 * @throws OnnxPruneError as `run` does
 */
export async function measureFootprint(
  source: ModelSource,
  feeds: Feeds,
  options: FootprintOptions = {},
): Promise<Footprint> {
  const { budgetMs = 5000, optimization, threads, dataFolder, ...rest } = options;
  const child = new RuntimeChild(rest);
  try {
    const settings = { optimization, threads, dataFolder };
    return await child.request('footprint', subjectOf(source), { source, feeds, budgetMs, settings }, rest);
  } finally {
    await child.close();
  }
}
