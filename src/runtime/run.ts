import { OnnxPruneError } from '../errors.ts';
import type { RequestOptions, RuntimeChild } from './child.ts';
import { subjectOf } from './model-info.ts';
import { seeing } from './seeing.ts';
import type {
  Benchmark,
  BenchmarkOptions,
  CompareOptions,
  Comparison,
  Feeds,
  HostTensor,
  ModelSource,
  SessionSettings,
} from './types.ts';

/** Settings of `run` and `runAll`. */
export interface RunOptions extends RequestOptions, SessionSettings {
  /** Outputs wanted, by name; default all that are tensors. */
  readonly outputs?: readonly string[] | undefined;
}

/** Outputs by name. */
export type Outputs = Readonly<Record<string, HostTensor>>;

/**
 * Runs a model on batches of data, loading it once, and gives the outputs of each batch. The outputs travel between
 * processes (5 to 10 ms per MB): to compare models use `compare`.
 *
 * @throws OnnxPruneError `runtime-refused` with onnxruntime's own words, `bad-data` for data that does not fit the
 * inputs
 */
export function runAll(
  child: RuntimeChild,
  source: ModelSource,
  batches: readonly Feeds[],
  options: RunOptions = {},
): Promise<readonly Outputs[]> {
  const { outputs, optimization, threads } = options;
  return child.request(
    'run',
    subjectOf(source),
    { source, batches, outputs, settings: { optimization, threads } },
    options,
  );
}

/** Runs a model on one batch; see `runAll`. */
export async function run(
  child: RuntimeChild,
  source: ModelSource,
  feeds: Feeds,
  options: RunOptions = {},
): Promise<Outputs> {
  const [outputs] = await runAll(child, source, [feeds], options);
  return outputs ?? {};
}

/**
 * Runs two models on the same batches, in the child, and says how far B's outputs are from A's; see `OutputComparison`.
 * Outputs that cannot be compared are reported, not thrown; those that are no tensors are compared in a copy of the model that
 * makes tensors of them, see `makeVisible`.
 *
 * @throws OnnxPruneError `runtime-refused` with onnxruntime's own words; `bad-data` without batches, or for data or
 * labels that
 * do not fit
 */
export function compare(
  child: RuntimeChild,
  a: ModelSource,
  b: ModelSource,
  batches: readonly Feeds[],
  options: CompareOptions & RequestOptions = {},
): Promise<Comparison> {
  const { a: settingsA, b: settingsB, labels } = options;
  const subject = `${subjectOf(a)} against ${subjectOf(b)}`;
  if (batches.length === 0) return Promise.reject(noData(subject));
  return seeing(a, b, { a: settingsA, b: settingsB }, ({ settings, ...sides }) =>
    child.request('compare', subject, { ...sides, batches, options: { ...settings, labels } }, options),
  );
}

/**
 * Times models on the same batches, each against the first; see `Benchmark`. Takes at most about `budgetMs`, or five
 * rounds,
 * besides loading and warming up; the request's time limit has to leave room for all of it.
 *
 * @throws OnnxPruneError `runtime-refused` with onnxruntime's own words; `bad-data` without models or batches, or for
 * data
 * that does not fit
 */
export function benchmark(
  child: RuntimeChild,
  sources: readonly ModelSource[],
  batches: readonly Feeds[],
  options: BenchmarkOptions & RequestOptions = {},
): Promise<Benchmark> {
  const { threads, optimization, rounds, minMs, budgetMs } = options;
  const subject = sources.map(subjectOf).join(', ');
  if (sources.length === 0 || batches.length === 0) return Promise.reject(noData(subject || 'a benchmark'));
  const settings = { threads, optimization, rounds, minMs, budgetMs };
  return child.request('benchmark', subject, { sources, batches, options: settings }, options);
}

function noData(subject: string): OnnxPruneError {
  return new OnnxPruneError(
    'bad-data',
    subject,
    `There is no data to run ${subject} on; give at least one model and one batch.`,
  );
}
