import { OnnxPruneError } from '../errors.ts';
import type { FidelityReport, LatencyReport, ProofReport } from '../report/report.ts';
import {
  benchmark,
  compare,
  type InnerRounding,
  type OutputProof,
  prove,
  type RequestOptions,
  type RuntimeChild,
  RuntimeTimeout,
} from '../runtime/index.ts';
import type { JudgeInputs } from './inputs.ts';

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
  readonly frontier: Frontier;
}

/** Where outputs fail: the same two models with further outputs, and the names of those. */
export interface Frontier {
  readonly names: readonly string[];
  /** Writes both and gives their paths. */
  write(): Promise<{ readonly masked: string; readonly cut: string }>;
}

/**
 * Proves that tidying kept the outputs and that the cut model gives what the masked one gives. Where an output fails, or
 * is the same whatever the input, the values are compared that enter the unchanged end of the graph: if those are equal, what follows is the same function
 * of the same numbers.
 */
export async function proveRewiring(
  child: RuntimeChild,
  models: ProofModels,
  inputs: JudgeInputs,
  request: RequestOptions,
): Promise<ProofReport> {
  const options = { ...request, inner: models.inner };
  let passed = true;
  const [cut, atFrontier, excused]: [OutputProof[], OutputProof[], string[]] = [[], [], []];
  for (const pass of models.passes) {
    const { outputs } = await prove(child, pass.masked, pass.cut, inputs.proof, options).catch((error: unknown) =>
      blameUs(error),
    );
    const failed = outputs.filter((output) => !output.passed).map(({ name }) => name);
    const isSettled = outputs.every((output) => output.passed && output.informative);
    const ends =
      isSettled || pass.frontier.names.length === 0 ? [] : await proveFrontier(child, pass.frontier, inputs, options);
    const isExcused = ends.length > 0 && ends.every((end) => end.passed);
    if (isExcused) excused.push(...failed);
    passed &&= failed.length === 0 || isExcused;
    cut.push(...outputs);
    // Where outputs passed but say little, a difference there may be another decision before: it says nothing either way.
    if (failed.length > 0 || isExcused) atFrontier.push(...ends);
  }
  const cleaned =
    models.cleaned === undefined
      ? undefined
      : await prove(child, models.original, models.cleaned, inputs.proof, options);
  return {
    passed: passed && (cleaned?.passed ?? true),
    cut: worstOf(cut),
    frontier: worstOf(atFrontier),
    judgedByFrontier: [...new Set(excused)],
    cleaned: cleaned?.outputs ?? [],
    inputs: inputs.on,
  };
}

/** The original ran on these very inputs, so a model of ours that does not run is our fault. */
function blameUs(error: unknown): never {
  if (!(error instanceof OnnxPruneError) || error.code !== 'runtime-refused' || error instanceof RuntimeTimeout)
    throw error;
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

async function proveFrontier(
  child: RuntimeChild,
  frontier: Frontier,
  inputs: JudgeInputs,
  options: RequestOptions & { readonly inner: ReadonlySet<InnerRounding> },
): Promise<readonly OutputProof[]> {
  const { masked, cut } = await frontier.write();
  const wanted = new Set(frontier.names);
  const { outputs } = await prove(child, masked, cut, inputs.proof, options);
  return outputs.filter(({ name }) => wanted.has(name));
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
  const { outputs, accuracy } = await compare(child, a, b, feeds, { ...options, ...(labels.length > 0 && { labels }) });
  return { on: inputs.on, samples, outputs, accuracy: accuracy ?? null };
}

/** Times two models in turn. */
export async function measureLatency(
  child: RuntimeChild,
  a: string,
  b: string,
  inputs: JudgeInputs,
  options: RequestOptions & { readonly threads: number },
): Promise<LatencyReport | null> {
  const { models, rounds, threads } = await benchmark(child, [a, b], [inputs.latency], options);
  const [before, after] = models;
  if (before === undefined || after === undefined) return null;
  return { threads, batch: inputs.latencyBatch, rounds, before, after };
}
