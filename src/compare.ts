import { stat } from 'node:fs/promises';
import { environment } from './environment.ts';
import { OnnxPruneError } from './errors.ts';
import { inputSpecs, judgeInputs } from './judge/inputs.ts';
import { measureFidelity, measureLatency } from './judge/judge.ts';
import { loadModel } from './load.ts';
import { parseWhole } from './options.ts';
import { PRUNE_DEFAULTS, type PruneHooks, type PruneOptions } from './prune-options.ts';
import { type CompareReport, SCHEMA_VERSION } from './report/report.ts';
import { createEngine, type InputSpec, RuntimeChild } from './runtime/index.ts';
import { Stopwatch } from './stopwatch.ts';

/** How two models are compared. */
export type CompareOptions = Pick<PruneOptions, 'bench' | 'seed' | 'threads' | 'timeout'>;

/**
 * Runs two models on the same inputs: are the outputs the same, how different, how fast? Writes nothing.
 * @throws OnnxPruneError `bad-data` where the models take different inputs, and as reading and running do
 */
export async function compareModels(
  a: string,
  b: string,
  options: CompareOptions = {},
  hooks: PruneHooks = {},
): Promise<CompareReport> {
  const seed = parseWhole('--seed', options.seed ?? PRUNE_DEFAULTS.seed, 0);
  const threads = parseWhole('--threads', options.threads ?? PRUNE_DEFAULTS.threads, 1);
  const timeout = parseWhole('--timeout', options.timeout ?? PRUNE_DEFAULTS.timeout, 1);
  const clock = new Stopwatch(hooks.onProgress, hooks.signal);
  const child = new RuntimeChild({ deadlineMs: timeout * 1000, deadlineHint: 'raise --timeout' });
  const request = { signal: hooks.signal };
  try {
    const specsOf = async (path: string): Promise<InputSpec[]> =>
      inputSpecs((await clock.time('read', () => loadModel(path, createEngine(child, request)))).model.graph);
    const specs = await specsOf(a);
    checkSameInputs(a, specs, b, await specsOf(b));
    const data = await hooks.testData?.(specs);
    const inputs = await clock.time('find inputs', () => judgeInputs(child, a, specs, data, { ...request, seed }));
    const fidelity = await clock.time('compare', () => measureFidelity(child, a, b, inputs, request));
    const latency =
      options.bench === false
        ? null
        : await clock.time('benchmark', () => measureLatency(child, a, b, inputs, { ...request, threads }));
    return {
      schemaVersion: SCHEMA_VERSION,
      a: { path: a, fileBytes: (await stat(a)).size },
      b: { path: b, fileBytes: (await stat(b)).size },
      fidelity,
      latency,
      environment: environment(),
    };
  } finally {
    child.close();
  }
}

function checkSameInputs(a: string, ofA: readonly InputSpec[], b: string, ofB: readonly InputSpec[]): void {
  const describe = (specs: readonly InputSpec[]): string =>
    specs.map(({ name, type, dims }) => `"${name}" ${type}[${dims.map((dim) => dim ?? '?').join(', ')}]`).join(', ');
  const missing = ofB.find((spec) => !ofA.some((other) => other.name === spec.name && other.type === spec.type));
  if (missing === undefined && ofA.length === ofB.length) return;
  throw new OnnxPruneError(
    'bad-data',
    b,
    `The models take different inputs, so they cannot be compared: ${a} takes ${describe(ofA)}; ${b} takes ${describe(ofB)}.`,
  );
}
