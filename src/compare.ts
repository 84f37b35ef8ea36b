import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { environment } from './environment.ts';
import { OnnxPruneError } from './errors.ts';
import { ComparisonFailed } from './gates.ts';
import { evaluateDrop, evaluateGates } from './judge/evaluate-gates.ts';
import { inputSpecs, type JudgeInputs, judgeInputs } from './judge/inputs.ts';
import { measureFidelity, measureLatency } from './judge/judge.ts';
import { trySizes } from './judge/sizes.ts';
import type { TestData } from './judge/test-data.ts';
import { loadModel } from './load.ts';
import { plainModelFile } from './onnx/read.ts';
import { checkCalibrationGiven, checkCalibrationOptions } from './options/calibration-options.ts';
import { checkHooks } from './options/check-hooks.ts';
import { checkGateOptions, GATE_KEYS, type GateLimits, type GateOptions } from './options/gate-options.ts';
import { parseDrop, parseFlag, parseModelPath, parseWhole, rejectUnknownKeys } from './options/parse.ts';
import { MOST_THREADS, PRUNE_DEFAULTS, type PruneHooks, type PruneOptions } from './options/prune-options.ts';
import { type RunData, readData } from './read-data.ts';
import { failedGates } from './report/gate-text.ts';
import { type CompareReport, type FidelityReport, type LatencyReport, SCHEMA_VERSION } from './report/report.ts';
import {
  createEngine,
  type Footprint,
  type InputSpec,
  measureFootprint,
  type RequestOptions,
  RuntimeChild,
} from './runtime/index.ts';
import { Stopwatch } from './stopwatch.ts';
import { withWorkspace } from './workspace.ts';

/** How two models are compared, and what the second must keep to. */
export type CompareOptions = Pick<PruneOptions, 'bench' | 'seed' | 'threads' | 'timeout' | 'maxDrop' | 'samples'> &
  GateOptions;

const KEYS: readonly (keyof CompareOptions)[] = [
  ...GATE_KEYS,
  'bench',
  'seed',
  'threads',
  'timeout',
  'maxDrop',
  'samples',
];

/**
 * Runs two models on the same inputs: are the outputs the same, how different, how fast, how much memory? And does the second keep to
 * the gates? Writes nothing. Outputs are compared on the test data, or on the calibration data, or on random inputs, whichever
 * there are first; where there are both kinds of data, on both.
 * @throws OnnxPruneError `bad-data` where the models take different inputs, and as reading and running do; `ComparisonFailed` where a
 *   gate fails
 */
export async function compareModels(
  a: string,
  b: string,
  options: CompareOptions = {},
  given: PruneHooks = {},
): Promise<CompareReport> {
  for (const path of [a, b]) parseModelPath(path);
  const hooks = checkHooks(given);
  const settled = settle(options, hooks);
  const clock = new Stopwatch(hooks.onProgress, hooks.signal);
  const child = new RuntimeChild({ deadlineMs: settled.timeout * 1000, deadlineHint: HINT });
  const request = { signal: hooks.signal };
  try {
    const modelOf = async (path: string): Promise<Compared> => {
      const loaded = await clock.time('read', () => loadModel(path, createEngine(child, request)));
      const files = await Promise.all([path, ...loaded.dataFiles].map((file) => stat(file)));
      return { path, specs: inputSpecs(loaded.model.graph), fileBytes: files.reduce((sum, { size }) => sum + size, 0) };
    };
    const [modelA, modelB] = [await modelOf(a), await modelOf(b)];
    const specs = sharedInputs(a, modelA.specs, b, modelB.specs);
    const { measured, labelled } = await withWorkspace(async (place) => {
      const data = await clock.time('read data', () => readData(hooks, specs, place, settled));
      return {
        measured: await measure(modelA, modelB, specs, data, { ...settled, child, clock, request, place }),
        labelled: data.test?.labels !== undefined,
      };
    });
    const { fidelity, latency, footprints } = measured;
    const gates = [
      ...(settled.maxDrop === undefined ? [] : [evaluateDrop(settled.maxDrop, fidelity, labelled)]),
      ...evaluateGates(settled.gates, {
        fidelity,
        latency,
        bytes: { before: modelA.fileBytes, after: modelB.fileBytes },
      }),
    ];
    const report: CompareReport = {
      schemaVersion: SCHEMA_VERSION,
      a: { path: a, fileBytes: modelA.fileBytes, footprint: footprints?.a ?? null },
      b: { path: b, fileBytes: modelB.fileBytes, footprint: footprints?.b ?? null },
      fidelity,
      onCalibration: measured.onCalibration,
      sizes: measured.sizes,
      latency,
      latencyAllCores: measured.latencyAllCores,
      gates,
      environment: environment(),
      seconds: clock.seconds,
    };
    const failed = failedGates(gates);
    if (failed !== undefined) throw new ComparisonFailed(b, `${b}: ${failed}.`, report);
    return report;
  } finally {
    child.close();
  }
}

/** How whoever waits too long may wait longer. */
const HINT = 'raise --timeout';

/** Options after checking. */
interface Settled {
  readonly seed: number;
  readonly threads: number;
  /** Seconds. */
  readonly timeout: number;
  readonly bench: boolean;
  readonly samples: number | undefined;
  readonly maxDrop: number | undefined;
  readonly gates: GateLimits;
}

/** @throws OnnxPruneError `bad-option` */
function settle(options: CompareOptions, hooks: PruneHooks): Settled {
  rejectUnknownKeys(options, KEYS);
  const { samples } = checkCalibrationOptions({ samples: options.samples });
  checkCalibrationGiven({ samples, batch: undefined }, hooks.calibration !== undefined);
  const bench = parseFlag('bench', options.bench ?? PRUNE_DEFAULTS.bench);
  return {
    seed: parseWhole('--seed', options.seed ?? PRUNE_DEFAULTS.seed, 0),
    threads: parseWhole('--threads', options.threads ?? PRUNE_DEFAULTS.threads, 1, MOST_THREADS),
    timeout: parseWhole('--timeout', options.timeout ?? PRUNE_DEFAULTS.timeout, 1),
    bench,
    samples,
    maxDrop: options.maxDrop === undefined ? undefined : parseDrop('--max-drop', options.maxDrop),
    gates: checkGateOptions(options, { verify: true, bench }),
  };
}

/** One of the two models. */
interface Compared {
  readonly path: string;
  readonly specs: readonly InputSpec[];
  /** Of all its files. */
  readonly fileBytes: number;
}

/** What a comparison has at hand. */
interface Tools extends Settled {
  readonly child: RuntimeChild;
  readonly clock: Stopwatch;
  readonly request: RequestOptions;
  readonly place: (name: string) => string;
}

/** What running both models showed. */
interface Measured extends Pick<CompareReport, 'fidelity' | 'onCalibration' | 'sizes' | 'latency' | 'latencyAllCores'> {
  readonly footprints: { readonly a: Footprint; readonly b: Footprint } | null;
}

async function measure(
  { path: a }: Compared,
  { path: b }: Compared,
  specs: readonly InputSpec[],
  { test, calibration }: RunData,
  { child, clock, request, place, seed, threads, timeout, bench }: Tools,
): Promise<Measured> {
  // The runtime cannot read compressed files.
  const [plainA, plainB] = [await plainModelFile(a, place('a.onnx')), await plainModelFile(b, place('b.onnx'))];
  const inputsOf = (data: TestData | undefined, on: 'test data' | 'calibration data'): Promise<JudgeInputs> =>
    clock.time('find inputs', () => judgeInputs(child, plainA, specs, data, { ...request, seed }, on));
  const compare = (inputs: JudgeInputs): Promise<FidelityReport> =>
    clock.time('compare', (onProgress) => measureFidelity(child, plainA, plainB, inputs, { ...request, onProgress }));
  const inputs = await (test === undefined ? inputsOf(calibration, 'calibration data') : inputsOf(test, 'test data'));
  const fidelity = await compare(inputs);
  const onCalibration =
    test === undefined || calibration === undefined
      ? null
      : await compare(await inputsOf(calibration, 'calibration data'));
  const sizes = await clock.time('try sizes', (onProgress) =>
    trySizes(child, plainA, plainB, specs, { ...request, seed, onProgress }),
  );
  if (!bench) return { fidelity, onCalibration, sizes, latency: null, latencyAllCores: null, footprints: null };
  const timed = (count: number): Promise<LatencyReport | null> =>
    clock.time('benchmark', (onProgress) =>
      measureLatency(child, plainA, plainB, inputs, { ...request, threads: count, onProgress }),
    );
  const cores = availableParallelism();
  const weigh = (path: string): Promise<Footprint> =>
    clock.time('weigh', (onProgress) =>
      measureFootprint(path, inputs.latency, {
        ...request,
        threads,
        deadlineMs: timeout * 1000,
        deadlineHint: HINT,
        onProgress,
      }),
    );
  return {
    fidelity,
    onCalibration,
    sizes,
    latency: await timed(threads),
    latencyAllCores: cores === threads ? null : await timed(cores),
    footprints: { a: await weigh(plainA), b: await weigh(plainB) },
  };
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
