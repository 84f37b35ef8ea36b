/** The process that prunes and judges one model after the other for a study: see `Workers`. Nothing may import this file. */
import { type ErrorCode, messageOf, OnnxPruneError } from '../errors.ts';
import { cloneModel } from '../ir/model.ts';
import type { LoadedModel } from '../load.ts';
import { parseWhole } from '../options/parse.ts';
import { PRUNE_DEFAULTS } from '../options/prune-defaults.ts';
import type { PruneHooks } from '../options/prune-options.ts';
import { pruneIn } from '../pipeline.ts';
import type { RunData } from '../read-data.ts';
import type { ModelSize, Report } from '../report/report.ts';
import { dieWithParent, RuntimeChild } from '../runtime/index.ts';
import type { Job, Outcome } from './job.ts';
import { qualityOf } from './quality.ts';
import { readWrittenData } from './study-data.ts';

/** What a worker is told: the model, the file of data that all jobs share, and the job. */
export interface Task {
  readonly input: string;
  readonly data: string;
  readonly job: Job;
  /** Measured once for all jobs, since compressing the original takes as long as all else of a point together. */
  readonly before: ModelSize;
  /** Where the model is written; null where nobody reads it. */
  readonly output: string | null;
}

/** How a job ended; errors do not survive the way between processes as they are. */
export type Ended =
  | { readonly ok: true; readonly outcome: Outcome }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

/** Read once, since all jobs have the same. */
let known: { readonly path: string; readonly data: RunData } | undefined;

/** Kept between jobs, since it knows what the original gives for the data. */
let child: RuntimeChild | undefined;

/** As it was read: each job prunes a copy, since reading evaluates what is constant and sees shapes in runs. */
let original: LoadedModel | undefined;

/** Models whose weights stay in files are read each time, since these are the files of one run. */
async function readOnce(load: () => Promise<LoadedModel>): Promise<LoadedModel> {
  if (original === undefined) {
    const found = await load();
    if (found.asRead !== undefined) return found;
    original = found;
  }
  return { ...original, model: cloneModel(original.model).model };
}

/** All jobs of a study have the same time limit. */
function childFor({ options }: Job): RuntimeChild {
  const seconds = parseWhole('--timeout', options.timeout ?? PRUNE_DEFAULTS.timeout, 1);
  child ??= new RuntimeChild({ deadlineMs: seconds * 1000, deadlineHint: 'raise --timeout' });
  return child;
}

async function run({ input, data: path, job, before, output }: Task): Promise<Ended> {
  try {
    if (known?.path !== path) known = { path, data: readWrittenData(path) };
    const { test, calibration } = known.data;
    const hooks: PruneHooks = {
      ...(test !== undefined && { testData: async () => test }),
      ...(calibration !== undefined && { calibration: async () => calibration }),
    };
    const written = output === null ? { dryRun: true } : { output, force: true };
    const options = { ...job.options, ...written };
    const report = await pruneIn(childFor(job), input, options, hooks, { size: before, read: readOnce });
    return { ok: true, outcome: outcomeOf(job, report) };
  } catch (error) {
    return {
      ok: false,
      code: error instanceof OnnxPruneError ? error.code : 'internal',
      message: messageOf(error),
    };
  }
}

function outcomeOf({ of, weight }: Job, { size, fidelity, pruning, weights }: Report): Outcome {
  const nothing = { accuracy: null, top5: null, loss: null, agreement: null, cosine: null };
  return {
    size: size.after,
    quality: fidelity === null ? nothing : qualityOf(fidelity),
    reached: of === 'channels' ? shareRemoved(pruning.groups) : sparsityOf(weights, weight),
  };
}

function sparsityOf(weights: Report['weights'], name: string | undefined): number {
  if (name === undefined) return weights?.sparsity ?? 0;
  return weights?.layers.find(({ initializer }) => initializer === name)?.sparsity ?? 0;
}

function shareRemoved(groups: Report['pruning']['groups']): number {
  const before = groups.reduce((sum, group) => sum + group.before, 0);
  const removed = groups.reduce((sum, group) => sum + group.before - group.after, 0);
  return before === 0 ? 0 : removed / before;
}

/** Both ends are this program, so that one field is proof enough. */
function isTask(message: unknown): message is Task {
  return typeof message === 'object' && message !== null && 'job' in message;
}

// Ctrl-C goes to every process of a terminal's job; the parent decides what becomes of this one.
process.on('SIGINT', () => undefined);
dieWithParent();
process.on('message', (message: unknown) => {
  if (isTask(message)) void run(message).then((ended) => process.send?.(ended));
});
process.on('disconnect', () => process.exit(0));
