/** The process that runs onnxruntime: see `RuntimeChild`. Nothing may import this file. */
import { messageOf, OnnxPruneError } from '../errors.ts';
import { onAttention } from './attention.ts';
import { learnLayouts } from './layout.ts';
import {
  type AttentionMessage,
  isRequest,
  type Params,
  type ProgressMessage,
  READY,
  type RequestKind,
  type RequestMessage,
  type Result,
  type Tell,
} from './protocol.ts';
import { measureBenchmark } from './worker-benchmark.ts';
import { compareModels } from './worker-compare.ts';
import { takeFootprint } from './worker-footprint.ts';
import { openModelAs, releaseModel, runOpen } from './worker-open.ts';
import { measureNodes, saveOptimized } from './worker-optimize.ts';
import { describeModel, probeTrials, runBatches } from './worker-run.ts';
import { compareSizes } from './worker-sizes.ts';
import { closeStage, openStage, runStageBatch, stageResults } from './worker-stage.ts';
import { closeStore, dropTensors, openStore, putTensors, storeUsage } from './worker-store.ts';
import { dieWithParent } from './worker-watchdog.ts';

const HANDLERS: { readonly [K in RequestKind]: (params: Params<K>, tell: Tell) => Promise<Result<K>> } = {
  info: (params) => describeModel(params.source, params.settings),
  run: (params, tell) => runBatches(params.source, params.batches, params.outputs, params.settings, tell),
  open: (params) => openModelAs(params.key, params.source, params.settings),
  runOpen: (params) => runOpen(params.key, params.feeds, params.outputs),
  release: (params) => releaseModel(params.key),
  storeOpen: (params) => openStore(params.key, params.folder, params.memoryLimit),
  storePut: (params) => putTensors(params.key, params.batch, params.tensors),
  storeDrop: (params) => dropTensors(params.key, params.names),
  storeUsage: (params) => storeUsage(params.key),
  storeClose: (params) => closeStore(params.key),
  stageOpen: (params) => openStage(params.key, params.source, params.settings, params.stage),
  stageRun: (params) => runStageBatch(params.key, params.batch),
  stageResults: (params) => stageResults(params.key),
  stageClose: (params) => closeStage(params.key),
  probe: (params) => probeTrials(params.source, params.specs, params.seed, params.trials),
  compare: compareModels,
  compareSizes,
  benchmark: (params, tell) => measureBenchmark(params.sources, params.batches, params.options, tell),
  footprint: (params, tell) => takeFootprint(params.source, params.feeds, params.budgetMs, params.settings, tell),
  optimize: (params) => saveOptimized(params.source, params.target, params.settings),
  profile: (params, tell) =>
    measureNodes(params.source, params.batches, params.runs, params.prefix, params.settings, tell),
};

function reply(message: unknown): void {
  process.send?.(message);
}

/** Tells how far a request is: at its end, and at most ten times a second before. */
function teller(id: number): Tell {
  let last = Number.NEGATIVE_INFINITY;
  return (done, total) => {
    const now = performance.now();
    if (done < total && now - last < 100) return;
    last = now;
    reply({ id, progress: { done, total } } satisfies ProgressMessage);
  };
}

async function answer<K extends RequestKind>({ id, kind, params, layouts }: RequestMessage<K>): Promise<void> {
  try {
    onAttention((about) => reply({ id, attention: { subject: about } } satisfies AttentionMessage));
    if (layouts !== undefined) learnLayouts(layouts);
    reply({ id, ok: true, kind, result: await HANDLERS[kind](params, teller(id)) });
  } catch (error) {
    const { code, subject } = error instanceof OnnxPruneError ? error : { code: 'internal', subject: kind };
    reply({ id, ok: false, code, subject, message: messageOf(error) });
  }
}

process.on('message', (message: unknown) => {
  if (isRequest(message)) void answer(message);
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C goes to every process of a terminal's job; the parent decides what becomes of this one.
process.on('SIGINT', () => undefined);
dieWithParent();
reply(READY);
