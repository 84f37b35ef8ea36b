import type { StageParams, StageResults } from './protocol.ts';
import { RunningHistogram, RunningMost } from './running-spread.ts';
import { RunningSum } from './running-sum.ts';
import { Session } from './session.ts';
import { storeGone } from './store-faults.ts';
import type { TensorStore } from './tensor-store.ts';
import type { Feeds, HostTensor, ModelSource, SessionSettings } from './types.ts';
import { storeOf } from './worker-store.ts';

interface Stage {
  readonly params: StageParams;
  readonly session: Session;
  readonly sums: ReadonlyMap<string, RunningSum>;
  readonly histograms: ReadonlyMap<string, RunningHistogram>;
  readonly most: ReadonlyMap<string, RunningMost>;
}

const stages = new Map<string, Stage>();

function stageOf(key: string): Stage {
  const stage = stages.get(key);
  if (stage === undefined) throw storeGone();
  return stage;
}

/** Loads the model of a stage and keeps it, with what it is to find, under a name that the parent chose. */
export async function openStage(
  key: string,
  source: ModelSource,
  settings: SessionSettings,
  params: StageParams,
): Promise<undefined> {
  const session = await Session.open(source, settings);
  const sums = new Map(params.sum.map((output) => [output, new RunningSum(output, params.parts)]));
  const histograms = new Map(params.spread.map((output) => [output, new RunningHistogram(output)]));
  const most = new Map(params.most.map((output) => [output, new RunningMost(output)]));
  stages.set(key, { params, session, sums, histograms, most });
}

/** Runs one batch of a stage: takes its inputs out of the store, keeps its outputs and takes what is wanted of them. */
export async function runStageBatch(key: string, batch: number): Promise<undefined> {
  const { params, session, sums, histograms, most } = stageOf(key);
  const store = storeOf(params.store);
  const kept = Object.entries(params.keep);
  const wanted = new Set([...kept.map(([output]) => output), ...sums.keys(), ...histograms.keys(), ...most.keys()]);
  const outputs = await session.run(session.prepare(taken(store, batch, session, params.take)), [...wanted]);
  for (const [output, running] of [...sums, ...histograms, ...most]) {
    const tensor = outputs[output];
    if (tensor !== undefined) running.add(batch, tensor);
  }
  for (const [output, name] of kept) {
    const tensor = outputs[output];
    if (tensor !== undefined) store.put(name, batch, tensor);
  }
}

/** What the batches so far have given, by output. */
export async function stageResults(key: string): Promise<StageResults> {
  const { sums, histograms, most } = stageOf(key);
  return {
    sums: new Map([...sums].map(([output, running]) => [output, running.result()])),
    histograms: new Map([...histograms].map(([output, running]) => [output, running.result()])),
    most: new Map([...most].map(([output, running]) => [output, running.result()])),
  };
}

/** Gives a stage's model and what it found up; nothing happens when they are gone already. */
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
