import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { environment } from './environment.ts';
import { ComparisonFailed } from './gates.ts';
import { evaluateDrop, evaluateGates } from './judge/evaluate-gates.ts';
import { inputSpecs, type JudgeInputs, judgeInputs } from './judge/inputs.ts';
import { measureFidelity, measureLatency } from './judge/judge.ts';
import { trySizes } from './judge/sizes.ts';
import type { TestData } from './judge/test-data.ts';
import { loadModel } from './load.ts';
import { ModelFiles } from './model-files.ts';
import { plainModelFile } from './onnx/read.ts';
import { checkCalibrationGiven, checkCalibrationOptions } from './options/calibration-options.ts';
import { checkHooks } from './options/check-hooks.ts';
import { checkGateOptions, GATE_KEYS, type GateLimits, type GateOptions } from './options/gate-options.ts';
import { checkUntimed, parseMemory } from './options/memory-option.ts';
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
  unsteadyOutputs,
} from './runtime/index.ts';
import { sharedInputs } from './shared-inputs.ts';
import { Stopwatch } from './stopwatch.ts';
import { withWorkspace } from './workspace.ts';

/** How two models are compared, and what the second must keep to. */
export type CompareOptions = Pick<PruneOptions, 'bench' | 'seed' | 'threads' | 'timeout' | 'maxDrop' | 'samples'> &
  GateOptions & {
    /**
     * Bytes of weights of one model that may be in memory, a number or such as "512MB": a model with more is run part by part, and neither timed,
     * nor weighed, nor tried at other sizes. No limit where it is left out.
     */
    readonly memory?: number | string | undefined;
  };

const KEYS: readonly (keyof CompareOptions)[] = [
  ...GATE_KEYS,
  'bench',
  'seed',
  'threads',
  'timeout',
  'maxDrop',
  'samples',
  'memory',
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
    const { measured, labelled, modelA, modelB } = await withWorkspace(async (place) => {
      const tools = { ...settled, child, clock, request, place };
      const [first, second] = [await openCompared(a, 'a', tools), await openCompared(b, 'b', tools)];
      const specs = sharedInputs(a, first.specs, b, second.specs);
      const data = await clock.time('read data', () => readData(hooks, specs, place, settled));
      return {
        measured: await measure(first, second, specs, data, tools),
        labelled: data.test?.labels !== undefined,
        modelA: first,
        modelB: second,
      };
    });
    const { fidelity, sizes, latency, footprints } = measured;
    const gates = [
      ...(settled.maxDrop === undefined ? [] : [evaluateDrop(settled.maxDrop, { fidelity, sizes }, labelled)]),
      ...evaluateGates(settled.gates, {
        fidelity,
        sizes,
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
      sizes,
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
  /** Bytes. */
  readonly memory: number;
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
    memory: options.memory === undefined ? Number.POSITIVE_INFINITY : parseMemory('--memory', options.memory),
  };
}

/** One of the two models. */
interface Compared {
  readonly path: string;
  readonly specs: readonly InputSpec[];
  /** Of all its files. */
  readonly fileBytes: number;
  /** A path under which the runtime, which cannot read compressed files, reads it, or one that stands for its parts. */
  readonly plain: string;
  /** Whether it has more weights than may be in memory, so that it runs part by part. */
  readonly isStored: boolean;
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

/** Reads a model, and writes it as the runtime can take it. @param name what files of it in the workspace are called */
async function openCompared(
  path: string,
  name: string,
  { child, clock, request, place, ...options }: Tools,
): Promise<Compared> {
  const { memory } = options;
  const room = Number.isFinite(memory) ? { memory, scratch: place(`${name}.weights`) } : undefined;
  const loaded = await clock.time('read', () => loadModel(path, createEngine(child, request), room));
  const files = await Promise.all([path, ...loaded.dataFiles].map((file) => stat(file)));
  const { asRead, model, weightBytes } = loaded;
  if (asRead !== undefined) checkUntimed({ ...options, target: undefined }, weightBytes);
  const plain =
    asRead === undefined
      ? await plainModelFile(path, place(`${name}.onnx`))
      : await new ModelFiles(place, clock, { child, memory }).write(`${name}.onnx`, asRead);
  return {
    path,
    specs: inputSpecs(model.graph),
    fileBytes: files.reduce((sum, { size }) => sum + size, 0),
    plain,
    isStored: asRead !== undefined,
  };
}

async function measure(
  modelA: Compared,
  modelB: Compared,
  specs: readonly InputSpec[],
  { test, calibration }: RunData,
  { child, clock, request, seed, threads, timeout, bench }: Tools,
): Promise<Measured> {
  const [plainA, plainB] = [modelA.plain, modelB.plain];
  const stored = [modelA, modelB].filter(({ isStored }) => isStored).map(({ path }) => path);
  const inputsOf = (data: TestData | undefined, on: 'test data' | 'calibration data'): Promise<JudgeInputs> =>
    clock.time('find inputs', () =>
      judgeInputs(child, plainA, specs, data, { ...request, seed, few: stored.length > 0 }, on),
    );
  const compare = async (inputs: JudgeInputs): Promise<FidelityReport> => {
    const found = await clock.time('compare', (onProgress) =>
      measureFidelity(child, plainA, plainB, inputs, { ...request, onProgress }),
    );
    const notes = [...(found.notes ?? [])];
    if (stored.length > 0) notes.push(storedText(stored));
    else if (!found.outputs.every(({ identical }) => identical)) {
      // Outputs travel between processes here, so that a single sample has to do.
      const batches = [inputs.latency];
      for (const { path, plain } of [modelA, modelB]) {
        const outputs = await unsteadyOutputs(child, plain, batches, { ...request, optimizations: ['all'] });
        notes.push(...outputs.map(({ name }) => unsteadyText(path, name)));
      }
    }
    return notes.length === 0 ? found : { ...found, notes };
  };
  const inputs = await (test === undefined ? inputsOf(calibration, 'calibration data') : inputsOf(test, 'test data'));
  const fidelity = await compare(inputs);
  const onCalibration =
    test === undefined || calibration === undefined
      ? null
      : await compare(await inputsOf(calibration, 'calibration data'));
  const untimed = { fidelity, onCalibration, latency: null, latencyAllCores: null, footprints: null };
  if (stored.length > 0) return { ...untimed, sizes: [] };
  const sizes = await clock.time('try sizes', (onProgress) =>
    trySizes(child, plainA, plainB, specs, { ...request, seed, onProgress }),
  );
  if (!bench) return { ...untimed, sizes };
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

function storedText(paths: readonly string[]): string {
  return `${paths.join(' and ')} ${paths.length === 1 ? 'has' : 'have'} more weights than --memory, so that speed, memory and other sizes were not looked at`;
}

function unsteadyText(path: string, output: string): string {
  return `${path} gives other numbers when it runs again on the same inputs (output "${output}"), so that figures of it say little: it draws random numbers, or an operator leaves memory unwritten`;
}
