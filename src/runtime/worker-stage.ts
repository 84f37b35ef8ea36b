import type { StageParams } from './protocol.ts';
import { RunningSum, type StageSum } from './running-sum.ts';
import { Session } from './session.ts';
import { storeGone } from './store-faults.ts';
import type { TensorStore } from './tensor-store.ts';
import type { Feeds, HostTensor, ModelSource, SessionSettings } from './types.ts';
import { storeOf } from './worker-store.ts';

interface Stage {
  readonly params: StageParams;
  readonly session: Session;
  readonly sums: ReadonlyMap<string, RunningSum>;
}

const stages = new Map<string, Stage>();

function stageOf(key: string): Stage {
  const stage = stages.get(key);
  if (stage === undefined) throw storeGone();
  return stage;
}

/** Loads the model of a stage and keeps it, with its sums, under a name that the parent chose. */
export async function openStage(
  key: string,
  source: ModelSource,
  settings: SessionSettings,
  params: StageParams,
): Promise<undefined> {
  const session = await Session.open(source, settings);
  const sums = new Map(params.sum.map((output) => [output, new RunningSum(output, params.parts)]));
  stages.set(key, { params, session, sums });
}

/** Runs one batch of a stage: takes its inputs out of the store, keeps and sums its outputs. */
export async function runStageBatch(key: string, batch: number): Promise<undefined> {
  const { params, session, sums } = stageOf(key);
  const store = storeOf(params.store);
  const kept = Object.entries(params.keep);
  const wanted = new Set([...kept.map(([output]) => output), ...sums.keys()]);
  const outputs = await session.run(session.prepare(taken(store, batch, session, params.take)), [...wanted]);
  for (const [output, sum] of sums) {
    const tensor = outputs[output];
    if (tensor !== undefined) sum.add(batch, tensor);
  }
  for (const [output, name] of kept) {
    const tensor = outputs[output];
    if (tensor !== undefined) store.put(name, batch, tensor);
  }
}

/** What the batches so far add up to, by output. */
export async function stageSums(key: string): Promise<ReadonlyMap<string, readonly StageSum[]>> {
  return new Map([...stageOf(key).sums].map(([output, sum]) => [output, sum.result()]));
}

/** Gives a stage's model and sums up; nothing happens when they are gone already. */
export async function closeStage(key: string): Promise<undefined> {
  const stage = stages.get(key);
  stages.delete(key);
  await stage?.session.release();
}

/** The inputs of a batch. What several of them take is read once. */
function taken(store: TensorStore, batch: number, session: Session, take: Readonly<Record<string, string>>): Feeds {
  const read = new Map<string, HostTensor>();
  const feeds: [string, HostTensor][] = [];
  for (const { name } of session.info.inputs) {
    const stored = Object.hasOwn(take, name) ? take[name] : undefined;
    // An input that takes nothing is reported with all others that a batch lacks.
    if (stored === undefined) continue;
    const tensor = read.get(stored) ?? store.take(stored, batch);
    read.set(stored, tensor);
    feeds.push([name, tensor]);
  }
  return Object.fromEntries(feeds);
}
