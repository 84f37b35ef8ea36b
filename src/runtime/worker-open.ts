import { OnnxPruneError } from '../errors.ts';
import { Session } from './session.ts';
import type { Feeds, HostTensor, ModelInfo, ModelSource, SessionSettings } from './types.ts';

const open = new Map<string, Session>();

/** Loads a model and keeps it under a name that the parent chose. */
export async function openModelAs(key: string, source: ModelSource, settings: SessionSettings): Promise<ModelInfo> {
  const session = await Session.open(source, settings);
  open.set(key, session);
  return session.info;
}

/** Runs one batch through a model that was kept. */
export async function runOpen(
  key: string,
  feeds: Feeds,
  outputs: readonly string[] | undefined,
): Promise<Readonly<Record<string, HostTensor>>> {
  const session = open.get(key);
  if (session === undefined) {
    throw new OnnxPruneError(
      'internal',
      'the model',
      'The model is not open any more, because its process was stopped or it was closed; open it again.',
    );
  }
  return session.run(session.prepare(feeds), outputs);
}

/** Gives up a model that was kept; nothing happens when it is gone already. */
export async function releaseModel(key: string): Promise<undefined> {
  const session = open.get(key);
  open.delete(key);
  await session?.release();
}
