import { stat } from 'node:fs/promises';
import { environment } from './environment.ts';
import { OnnxPruneError } from './errors.ts';
import { inputSpecs, judgeInputs } from './judge/inputs.ts';
import { measureFidelity, measureLatency } from './judge/judge.ts';
import { loadModel } from './load.ts';
import { plainModelFile } from './onnx/read.ts';
import { parseWhole } from './options/parse.ts';
import { MOST_THREADS, PRUNE_DEFAULTS, type PruneHooks, type PruneOptions } from './options/prune-options.ts';
import { type CompareReport, SCHEMA_VERSION } from './report/report.ts';
import { createEngine, type InputSpec, RuntimeChild } from './runtime/index.ts';
import { Stopwatch } from './stopwatch.ts';
import { withWorkspace } from './workspace.ts';

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
  const threads = parseWhole('--threads', options.threads ?? PRUNE_DEFAULTS.threads, 1, MOST_THREADS);
  const timeout = parseWhole('--timeout', options.timeout ?? PRUNE_DEFAULTS.timeout, 1);
  const clock = new Stopwatch(hooks.onProgress, hooks.signal);
  const child = new RuntimeChild({ deadlineMs: timeout * 1000, deadlineHint: 'raise --timeout' });
  const request = { signal: hooks.signal };
  try {
    const specsOf = async (path: string): Promise<InputSpec[]> =>
      inputSpecs((await clock.time('read', () => loadModel(path, createEngine(child, request)))).model.graph);
    const specs = sharedInputs(a, await specsOf(a), b, await specsOf(b));
    const data = await hooks.testData?.(specs);
    const { fidelity, latency } = await withWorkspace(async (workspace) => {
      // The runtime cannot read compressed files.
      const [plainA, plainB] = [
        await plainModelFile(a, workspace('a.onnx')),
        await plainModelFile(b, workspace('b.onnx')),
      ];
      const inputs = await clock.time('find inputs', () =>
        judgeInputs(child, plainA, specs, data, { ...request, seed }),
      );
      return {
        fidelity: await clock.time('compare', (onProgress) =>
          measureFidelity(child, plainA, plainB, inputs, { ...request, onProgress }),
        ),
        latency:
          options.bench === false
            ? null
            : await clock.time('benchmark', (onProgress) =>
                measureLatency(child, plainA, plainB, inputs, { ...request, threads, onProgress }),
              ),
      };
    });
    return {
      schemaVersion: SCHEMA_VERSION,
      a: { path: a, fileBytes: (await stat(a)).size, footprint: null },
      b: { path: b, fileBytes: (await stat(b)).size, footprint: null },
      fidelity,
      onCalibration: null,
      sizes: [],
      latency,
      latencyAllCores: null,
      gates: [],
      environment: environment(),
      seconds: clock.seconds,
    };
  } finally {
    child.close();
  }
}

/** The inputs of both models: a length that only one of them fixes is fixed for both. */
function sharedInputs(a: string, ofA: readonly InputSpec[], b: string, ofB: readonly InputSpec[]): InputSpec[] {
  const pairs = ofA.map((spec) => ({ spec, twin: ofB.find(({ name }) => name === spec.name) }));
  if (ofA.length !== ofB.length || !pairs.every(({ spec, twin }) => twin !== undefined && agree(spec, twin))) {
    throw new OnnxPruneError(
      'bad-data',
      b,
      `The models take different inputs, so they cannot be compared: ${a} takes ${listed(ofA)}; ${b} takes ${listed(ofB)}.`,
    );
  }
  return pairs.map(({ spec, twin }) => ({
    ...spec,
    dims: spec.dims.map((dim, axis) => (typeof dim === 'number' ? dim : fixedOr(dim, twin?.dims[axis]))),
  }));
}

/** Whether one tensor fits both inputs; no dims are dims that nobody declared. */
function agree(a: InputSpec, b: InputSpec): boolean {
  if (a.type !== b.type) return false;
  if (a.dims.length === 0 || b.dims.length === 0) return true;
  return (
    a.dims.length === b.dims.length &&
    a.dims.every((dim, axis) => typeof dim !== 'number' || typeof b.dims[axis] !== 'number' || dim === b.dims[axis])
  );
}

function fixedOr(dim: InputSpec['dims'][number], other: InputSpec['dims'][number]): InputSpec['dims'][number] {
  return typeof other === 'number' ? other : dim;
}

function listed(specs: readonly InputSpec[]): string {
  const each = specs.map(({ name, type, dims }) => `"${name}" ${type}[${dims.map((dim) => dim ?? '?').join(', ')}]`);
  return each.length === 0 ? 'none' : each.join(', ');
}
