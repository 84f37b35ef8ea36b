import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { OnnxPruneError } from '../errors.ts';
import { nodeTimes } from './node-times.ts';
import type { Tell } from './protocol.ts';
import { Session } from './session.ts';
import type { Feeds, ModelSource, NodeTime, SessionSettings } from './types.ts';

/** First runs allocate, and bring weights into the layout that kernels want. */
const WARM_UP_RUNS = 3;

/** Loads a model and has onnxruntime save the graph that it makes of it. */
export async function saveOptimized(
  source: ModelSource,
  target: string,
  settings: SessionSettings,
): Promise<undefined> {
  const session = await Session.open(source, settings, { optimizedTo: target });
  await session.release();
}

/** Runs a model with every node timed. */
export async function measureNodes(
  source: ModelSource,
  batches: readonly Feeds[],
  runs: number,
  prefix: string,
  settings: SessionSettings,
  tell: Tell,
): Promise<readonly NodeTime[]> {
  const session = await Session.open(source, settings, { profileTo: prefix });
  try {
    const feeds = batches.map((batch) => session.prepare(batch));
    const all = WARM_UP_RUNS + runs;
    for (let run = 0; run < all; run++) {
      await session.runRaw(feeds[run % feeds.length] ?? {});
      tell(run + 1, all);
    }
    session.endProfiling();
  } finally {
    await session.release();
  }
  return nodeTimes(JSON.parse(readFileSync(profileOf(prefix), 'utf8')), WARM_UP_RUNS);
}

/** onnxruntime puts the date behind the prefix, and does not say what came of it. */
function profileOf(prefix: string): string {
  const folder = dirname(prefix);
  const name = readdirSync(folder).find((file) => file.startsWith(basename(prefix)));
  if (name === undefined)
    throw new OnnxPruneError(
      'internal',
      'the profile',
      'onnxruntime wrote no times of nodes to the temporary folder; check that it has space left.',
    );
  return join(folder, name);
}
