import { OnnxPruneError } from './errors.ts';
import { checkFusion } from './fusion-check.ts';
import type { Model } from './ir/model.ts';
import type { JudgeInputs } from './judge/inputs.ts';
import { blame, measureFidelity, measureLatency, type ProofModels, proveRewiring } from './judge/judge.ts';
import type { SettledOptions } from './options/prune-options.ts';
import type { Verdict } from './prune-report.ts';
import type { FusionReport } from './quantize/fusion.ts';
import type { Quantized } from './quantize-within.ts';
import type { RequestOptions, RuntimeChild } from './runtime/index.ts';
import type { Stopwatch } from './stopwatch.ts';

/** What a run is judged with. */
export interface JudgeTools {
  readonly child: RuntimeChild;
  readonly clock: Stopwatch;
  readonly request: RequestOptions;
  readonly options: Pick<SettledOptions, 'verify' | 'bench' | 'threads' | 'seed'>;
  /** Gives a path in a folder of the run's own. */
  readonly place: (name: string) => string;
}

/** What came of a run. */
export interface RunResult extends Omit<ProofModels, 'original'> {
  /** Path of the model that was read. */
  readonly original: () => Promise<string>;
  readonly model: Model;
  readonly quantization: Quantized | null;
  /** Path of the result. */
  readonly result: () => Promise<string>;
  readonly inputs: () => Promise<JudgeInputs>;
}

/** What running the models showed, and what the runtime makes of integers. */
export interface RunVerdict extends Verdict {
  /** Null where nobody looked, or there are none. */
  readonly fusion: FusionReport | null;
}

/** What is known of a result that nobody has run. */
export const UNSEEN: RunVerdict = { proof: null, fidelity: null, latency: null, fusion: null };

/** Proves the rewiring of a run, measures what it cost and gained, and looks at what the runtime makes of it, as far as is wanted. */
export async function judgeRun(tools: JudgeTools, run: RunResult): Promise<RunVerdict> {
  const { child, clock, request, options } = tools;
  const { verify, bench, threads, seed } = options;
  if (!verify && !bench) return UNSEEN;
  const { cleaned, passes, inner } = run;
  const original = await run.original();
  const [result, inputs] = [await run.result(), await run.inputs()];
  const proof = verify
    ? await clock.time('prove', () =>
        proveRewiring(child, { original, cleaned, passes, inner }, inputs, { ...request, seed }),
      )
    : null;
  // A wrong rewiring is a bug of ours: how far it is off and how fast it runs is nobody's concern.
  if (proof?.passed === false) return { ...UNSEEN, proof };
  const blamed = (error: unknown): Promise<never> =>
    blame(error, async () => {
      if (!(error instanceof OnnxPruneError) || error.subject !== result) throw error;
    });
  const fidelity = verify
    ? await clock
        .time('compare', (onProgress) => measureFidelity(child, original, result, inputs, { ...request, onProgress }))
        .catch(blamed)
    : null;
  const latency = bench
    ? await clock
        .time('benchmark', (onProgress) =>
          measureLatency(child, original, result, inputs, { ...request, threads, onProgress }),
        )
        .catch(blamed)
    : null;
  return { proof, fidelity, latency, fusion: verify ? await fusionOf(tools, run, result, inputs) : null };
}

async function fusionOf(
  { child, clock, request, options: { bench, threads }, place }: JudgeTools,
  { quantization, model }: RunResult,
  path: string,
  inputs: JudgeInputs,
): Promise<FusionReport | null> {
  if (quantization === null || quantization.layers.length === 0) return null;
  const left = new Map(quantization.floats.map(({ node, reason }) => [node, reason] as const));
  return checkFusion({ child, clock, request, threads, place }, path, model, bench ? [inputs.latency] : [], left);
}
