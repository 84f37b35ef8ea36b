import { OnnxPruneError } from '../errors.ts';
import type { FidelityReport, LatencyReport, ProofReport } from '../report/report.ts';
import {
  type BenchmarkOptions,
  benchmark,
  compare,
  type InnerRounding,
  type InputSpec,
  type OutputProof,
  outputBehind,
  prove,
  type RequestOptions,
  type RuntimeChild,
  RuntimeCrash,
  RuntimeTimeout,
  runAll,
  type UnsteadyOutput,
  unsteadyOutputs,
} from '../runtime/index.ts';
import { type JudgeInputs, judgeInputs } from './inputs.ts';

/** Paths of the models that a proof runs. */
export interface ProofModels {
  readonly original: string;
  /** The tidied model before the cut; absent where tidying rewired nothing. */
  readonly cleaned: string | undefined;
  readonly passes: readonly ProofPass[];
  /** How coarsely the original rounds inside. */
  readonly inner: ReadonlySet<InnerRounding>;
}

/** A pass of pruning: the model before it with the channels masked that left, and the model after it. */
export interface ProofPass {
  readonly masked: string;
  readonly cut: string;
  /** Inputs of their own, where both are parts of models; absent where they read what the original reads. */
  readonly specs?: readonly InputSpec[] | undefined;
  readonly witnesses: WitnessModels;
}

/**
 * The same two models with further outputs, for where the outputs cannot speak for themselves: because one failed, maybe by
 * a rounding error that made another decision, or because it is the same whatever the input.
 */
export interface WitnessModels {
  /** Values that enter the end of the graph which stays as it is: where they are equal, so is what follows. */
  readonly frontier: readonly string[];
  /** Values before the first decisions: they are equal whatever is decided behind. */
  readonly horizon: readonly string[];
  /** Outputs that hang on a decision. */
  readonly decided: readonly string[];
  /** Writes both and gives their paths. */
  write(): Promise<{ readonly masked: string; readonly cut: string }>;
}

/**
 * Proves that tidying kept the outputs and that the cut model gives what the masked one gives. Where an output fails, or
 * is the same whatever the input, witnesses inside the graph are heard: failed outputs are excused where all values agree
 * that enter its unchanged end, or, if each of them hangs on a decision, all values before the first decisions.
 */
export async function proveRewiring(
  child: RuntimeChild,
  models: ProofModels,
  inputs: JudgeInputs,
  request: RequestOptions & { readonly seed: number },
): Promise<ProofReport> {
  const options = { ...request, inner: models.inner };
  let passed = true;
  const [cut, witnesses, excused]: [OutputProof[], OutputProof[], string[]] = [[], [], []];
  for (const pass of models.passes) {
    const own = pass.specs && (await judgeInputs(child, pass.masked, pass.specs, undefined, { ...request, few: true }));
    const runOriginal = (optimization: 'disabled' | 'all'): Promise<unknown> =>
      runAll(child, models.original, inputs.proof, { ...request, optimization });
    const { outputs } = await prove(child, pass.masked, pass.cut, (own ?? inputs).proof, options).catch(
      (error: unknown) => blame(error, runOriginal),
    );
    const failed = outputs.filter((output) => !output.passed).map(({ name }) => name);
    const isSettled = outputs.every((output) => output.passed && output.informative);
    const { frontier, horizon } = isSettled ? NOT_HEARD : await hear(child, pass.witnesses, inputs, options);
    const isExcused =
      isProven(frontier) ||
      (isProven(horizon) && failed.every((name) => pass.witnesses.decided.includes(outputBehind(name))));
    if (isExcused) excused.push(...failed);
    passed &&= (failed.length === 0 || isExcused) && horizon.every((each) => each.passed);
    cut.push(...outputs);
    // A difference at the frontier may come of another decision before it: by itself it says nothing.
    witnesses.push(...horizon, ...(isProven(frontier) || !isExcused ? frontier : []));
  }
  const cleaned =
    models.cleaned === undefined
      ? undefined
      : await prove(child, models.original, models.cleaned, inputs.proof, options);
  const allPassed = passed && (cleaned?.passed ?? true);
  const unsteady = allPassed ? [] : await whatIsUnsteady(child, models, inputs, options);
  return {
    passed: allPassed,
    ...(unsteady.length > 0 && { unsteady }),
    cut: worstOf(cut),
    frontier: worstOf(witnesses),
    judgedByFrontier: [...new Set(excused)],
    cleaned: cleaned?.outputs ?? [],
    inputs: inputs.on,
  };
}

/**
 * What of the original is not the same each time; where it seems steady, of the masked models, which do what it does in other memory.
 */
async function whatIsUnsteady(
  child: RuntimeChild,
  { original, passes }: ProofModels,
  { proof }: JudgeInputs,
  options: RequestOptions & { readonly inner: ReadonlySet<InnerRounding> },
): Promise<readonly UnsteadyOutput[]> {
  const asked = { ...options, optimizations: ['disabled', 'disabled', 'all'] } as const;
  for (const model of [original, ...passes.filter(({ specs }) => specs === undefined).map(({ masked }) => masked)]) {
    const found = await unsteadyOutputs(child, model, proof, asked);
    if (found.length > 0) return found;
  }
  return [];
}

/**
 * Says whose fault it is that a model of ours does not run: ours, unless the original does not run on these very inputs either,
 * as one may of which a branch is broken. Where it crashes onnxruntime, nobody can tell, but the result is none.
 * @param runOriginal throws where it does not
 */
export async function blame(
  error: unknown,
  runOriginal: (optimization: 'disabled' | 'all') => Promise<unknown>,
): Promise<never> {
  const isRefusal = error instanceof OnnxPruneError && error.code === 'runtime-refused';
  if (!isRefusal || error instanceof RuntimeTimeout) throw error;
  await runOriginal('disabled');
  await runOriginal('all');
  if (error instanceof RuntimeCrash) {
    throw new OnnxPruneError(
      'check-failed',
      error.subject,
      `onnxruntime crashes over the pruned model and not over the original, so nothing was written; leave layers out with --exclude, or try another version of onnxruntime. ${error.message}`,
      error,
    );
  }
  throw new OnnxPruneError(
    'internal',
    error.subject,
    `The pruned model does not run, so nothing was written; this is a bug of onnx-prune, please report it with the model, and leave layers out with --exclude meanwhile. ${error.message}`,
    error,
  );
}

/** Of each output, the proof that came nearest to failing. */
function worstOf(proofs: readonly OutputProof[]): OutputProof[] {
  const worst = new Map<string, OutputProof>();
  const badness = ({ passed, error, limit }: OutputProof): number =>
    passed ? error / (limit || 1) : Number.POSITIVE_INFINITY;
  for (const proof of proofs) {
    const known = worst.get(proof.name);
    if (known === undefined || badness(proof) > badness(known)) worst.set(proof.name, proof);
  }
  return [...worst.values()];
}

/** What witnesses say. */
interface Testimony {
  readonly frontier: readonly OutputProof[];
  readonly horizon: readonly OutputProof[];
}

const NOT_HEARD: Testimony = { frontier: [], horizon: [] };

function isProven(proofs: readonly OutputProof[]): boolean {
  return proofs.length > 0 && proofs.every((proof) => proof.passed);
}

async function hear(
  child: RuntimeChild,
  { frontier, horizon, write }: WitnessModels,
  inputs: JudgeInputs,
  options: RequestOptions & { readonly inner: ReadonlySet<InnerRounding> },
): Promise<Testimony> {
  if (frontier.length + horizon.length === 0) return NOT_HEARD;
  const { masked, cut } = await write();
  const { outputs } = await prove(child, masked, cut, inputs.proof, options);
  const among = (names: readonly string[]): OutputProof[] => outputs.filter(({ name }) => names.includes(name));
  return { frontier: among(frontier), horizon: among(horizon) };
}

/** Compares all outputs of two models, and their right answers where the data have labels. */
export async function measureFidelity(
  child: RuntimeChild,
  a: string,
  b: string,
  inputs: JudgeInputs,
  options: RequestOptions,
): Promise<FidelityReport> {
  const { feeds, samples } = inputs.fidelity;
  const labels = inputs.fidelity.labels.filter((label) => label !== undefined);
  const {
    accuracy = null,
    regression = null,
    notes,
    ...rest
  } = await compare(child, a, b, feeds, {
    ...options,
    ...(labels.length > 0 && { labels }),
  });
  return { on: inputs.on, samples, ...rest, accuracy, regression, ...(notes.length > 0 && { notes }) };
}

/** Times two models in turn. */
export async function measureLatency(
  child: RuntimeChild,
  a: string,
  b: string,
  inputs: JudgeInputs,
  options: RequestOptions & BenchmarkOptions & { readonly threads: number },
): Promise<LatencyReport | null> {
  const { models, rounds, threads } = await benchmark(child, [a, b], [inputs.latency], options);
  const [before, after] = models;
  if (before === undefined || after === undefined) return null;
  return { threads, batch: inputs.latencyBatch, rounds, before, after };
}
