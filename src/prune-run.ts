import { type CalibrationBatches, calibrationBatches } from './calibrate/batches.ts';
import { holdOutBatches } from './calibrate/hold-out.ts';
import { judgedByPart } from './changed-models.ts';
import { measureOriginal, resultParts } from './file-sizes.ts';
import { CheckFailed, failureOf } from './gates.ts';
import type { Storage } from './ir/export.ts';
import { cloneModel, exportModel, type Model } from './ir/model.ts';
import type { GzipMeasure } from './judge/gzip-size.ts';
import { innerRounding } from './judge/inner-rounding.ts';
import { inputSpecs, judgeInputs } from './judge/inputs.ts';
import { randomNodes } from './judge/random-nodes.ts';
import { type SampleSource, sampleSourceOf } from './judge/sample-source.ts';
import { measureSize, storedBytes } from './judge/size.ts';
import type { TestData } from './judge/test-data.ts';
import { judgeRun, UNSEEN } from './judge-run.ts';
import { type LoadedModel, loadModel } from './load.ts';
import { ModelFiles } from './model-files.ts';
import { once } from './once.ts';
import { sparseTensorsOf } from './onnx/all-tensors.ts';
import { plainModelFile } from './onnx/read.ts';
import { interimOf } from './onnx/replace-pair.ts';
import { dataPathOf, writeModelFile } from './onnx/write.ts';
import { checkUntimed } from './options/memory-option.ts';
import { checkCompressible, checkDataFile, checkOutput } from './options/output-path.ts';
import type { PruneHooks, SettledOptions } from './options/prune-options.ts';
import { channelsOf, outlineAfter, outlineBefore } from './outline.ts';
import { reportOf } from './prune-report.ts';
import { readyForIntegers } from './ready-for-integers.ts';
import type { ModelSize, Report } from './report/report.ts';
import { stagesOn, statisticsOn } from './run-calibration.ts';
import { RunGoals } from './run-goals.ts';
import { runTransforms } from './run-transforms.ts';
import { createEngine, type InputSpec, type RuntimeChild } from './runtime/index.ts';
import { Stopwatch } from './stopwatch.ts';

/** What is known of a model that is pruned many times. */
export interface KnownOriginal {
  readonly size: ModelSize;
  /** The model for one run, which changes it: read by `load`, or a copy of what that gave before. */
  readonly read: (load: () => Promise<LoadedModel>) => Promise<LoadedModel>;
}

/** One pruning run from file to file, of options that were checked; see `prune`. */
export class PruneRun {
  readonly #input: string;
  readonly #output: string;
  readonly #named: boolean;
  readonly #options: SettledOptions;
  readonly #hooks: PruneHooks;
  readonly #clock: Stopwatch;
  readonly #child: RuntimeChild;
  #calibration: SampleSource | undefined;

  /**
   * @param child stays open
   * @param output path of the result, and whether somebody named it
   */
  constructor(
    child: RuntimeChild,
    input: string,
    output: { readonly path: string; readonly isNamed: boolean },
    options: SettledOptions,
    hooks: PruneHooks,
  ) {
    this.#input = input;
    this.#output = output.path;
    this.#named = output.isNamed;
    this.#options = options;
    this.#hooks = hooks;
    this.#clock = new Stopwatch(hooks.onProgress, hooks.signal);
    this.#child = child;
  }

  /** Closes the calibration data, where a run opened them. */
  async closeData(): Promise<void> {
    await this.#calibration?.close();
  }

  /**
   * Runs, once.
   * @param workspace gives the path of a temporary file of this name
   * @throws OnnxPruneError, CheckFailed as `prune` does
   */
  async execute(workspace: (name: string) => string, known: KnownOriginal | undefined): Promise<Report> {
    const options = this.#options;
    if (!options.dryRun) checkOutput(this.#named ? '-o' : 'The output', this.#output, this.#input, options.force);
    const engine = createEngine(this.#child, this.#request);
    const room = { memory: options.memory, scratch: workspace('weights') };
    const load = (): Promise<LoadedModel> => loadModel(this.#input, engine, room);
    const read = await this.#clock.time('read', () => known?.read(load) ?? load());
    const { asRead } = read;
    const { changedOnly } = options;
    if (asRead !== undefined) checkUntimed(options, read.weightBytes);
    const stored = asRead && { child: this.#child, memory: options.memory };
    const files = new ModelFiles(workspace, this.#clock, stored);
    const { model, opset } =
      options.int8 === undefined ? { model: read.model, opset: null } : readyForIntegers(read.model);
    const loaded = { ...read, model, rewired: read.rewired || opset !== null };
    const external = loaded.dataFiles.length > 0;
    if (external && options.gzip) checkCompressible(this.#input, loaded.dataFiles, this.#output);
    if (external && !options.dryRun) {
      const dataFile = interimOf(this.#output, loaded.dataFiles) ?? dataPathOf(this.#output);
      checkDataFile(this.#output, dataFile, loaded.dataFiles, options.force);
    }
    const untouched = changedOnly ? cloneModel(model).model : undefined;
    const specs = inputSpecs(model.graph);
    const testData = await this.#hooks.testData?.(specs);
    const storage: Storage = { sparse: options.sparseFormat ?? loaded.sparse };
    const original = once(() =>
      asRead === undefined
        ? plainModelFile(this.#input, workspace('original.onnx'))
        : files.write('original.onnx', asRead),
    );
    const inputs = once(async () => {
      const path = await original();
      const request = { ...this.#request, seed: options.seed, few: stored !== undefined };
      return this.#clock.time('find inputs', () => judgeInputs(this.#child, path, specs, testData, request));
    });
    const before =
      known?.size ??
      (await this.#clock.time('measure size', (tell) => measureOriginal(loaded, this.#gzipMeasure(tell))));
    const draft = outlineBefore(model.graph);

    // What changes in place is seen through small tensors, which are shared.
    if (stored !== undefined && options.verify) await original();
    const inner = innerRounding(model.graph);
    const cleaned =
      options.verify && loaded.rewired && !changedOnly ? await files.write('cleaned.onnx', model) : undefined;
    const { batches, held } = await this.#batches(specs, workspace, testData);
    const lessons = batches && { batches, files, child: this.#child, clock: this.#clock, request: this.#request };
    const statistics = lessons && statisticsOn(lessons, options.threads);
    const stages = lessons && stagesOn(lessons);
    const goals = new RunGoals(options, {
      child: this.#child,
      clock: this.#clock,
      request: this.#request,
      files,
      before,
      packed: options.gzip || options.fp16Storage || storage.sparse === true,
      fileBytes: (each) =>
        storedBytes(resultParts(exportModel(each, 'embed', storage), this.#output, external), options.gzip),
      original,
      inputs,
      held,
    });
    const tools = {
      files,
      clock: this.#clock,
      evaluator: engine,
      statistics,
      stages: stages?.open,
      dropOf: goals.dropOf,
    };
    const done = await runTransforms(model, options, {
      ...tools,
      settle: (each) => goals.settle(each, tools),
      rankings: goals.rankings,
    });
    await stages?.close();

    const result = once(() =>
      storage.sparse ? this.#writeStored(workspace('result.onnx'), model, storage) : files.fileOf(model),
    );
    // Of models in parts, loading them is what takes the time.
    const judged = stored === undefined ? options : { ...options, bench: false };
    const judge = { child: this.#child, clock: this.#clock, request: this.#request, options: judged, place: workspace };
    const quantization = stored === undefined ? done.quantization : null;
    const whole = { original, cleaned, passes: done.passes, inner, model, quantization, result, inputs };
    const { fusion, ...verdict } = goals.isAbandoned
      ? UNSEEN
      : await judgeRun(judge, untouched === undefined ? whole : judgedByPart(whole, untouched, files, judge));
    const exported = exportModel(model, 'embed', storage);
    const after = await this.#clock.time('measure size', (tell) =>
      measureSize(model.graph, resultParts(exported, this.#output, external), undefined, {
        ...this.#gzipMeasure(tell),
        // A size that there is nothing to compare with is not worth the time.
        ...(before.gzipBytes === null && { gzipLimit: 0 }),
      }),
    );
    const report = reportOf({
      ...verdict,
      input: this.#input,
      options: goals.settled,
      loaded,
      done,
      outline: outlineAfter(draft, model.graph, channelsOf(done.pruning)),
      goal: await goals.conclude(after, verdict, result),
      sparseTensors: storage.sparse ? [...sparseTensorsOf(exported)].length : null,
      size: { before, after },
      testData,
      calibrated: statistics !== undefined,
      fusion,
      opset,
      seconds: this.#clock.seconds,
    });
    const failure = failureOf(report, {
      input: this.#input,
      random: randomNodes(model.graph),
      requireChange: options.requireChange,
      keep: options.keep && !options.dryRun,
    });
    if (failure?.isKept === false) throw new CheckFailed(this.#input, failure.message, report);
    if (options.dryRun) return report;
    await this.#clock.time('write', (tell) =>
      writeModelFile(this.#output, exported, {
        externalData: external,
        gzip: options.gzip,
        onProgress: tell,
        signal: this.#hooks.signal,
      }),
    );
    const written = { ...report, output: { path: this.#output }, seconds: this.#clock.seconds };
    if (failure !== undefined) throw new CheckFailed(this.#input, failure.message, written);
    return written;
  }

  get #request(): { readonly signal: AbortSignal | undefined } {
    return { signal: this.#hooks.signal };
  }

  /** Compressing a big file takes longer than all else, so that its size is measured only where it is compressed anyway. */
  #gzipMeasure(onProgress: (done: number, total: number) => void): GzipMeasure {
    return { onProgress, ...(this.#options.gzip && { gzipLimit: Number.POSITIVE_INFINITY }) };
  }

  async #writeStored(path: string, model: Model, storage: Storage): Promise<string> {
    await this.#clock.time('write for checking', () =>
      writeModelFile(path, exportModel(model, 'embed', storage), { temporary: true }),
    );
    return path;
  }

  /** The calibration data in batches, where there are any. */
  async #batches(
    specs: readonly InputSpec[],
    place: (name: string) => string,
    testData: TestData | undefined,
  ): Promise<{ readonly batches?: CalibrationBatches; readonly held?: CalibrationBatches }> {
    const { calibration } = this.#hooks;
    if (calibration === undefined) return {};
    const data = await this.#clock.time('open calibration data', (onProgress) =>
      calibration(specs, { place, onProgress }),
    );
    this.#calibration = sampleSourceOf(data);
    // What one half of the data teaches is judged by the other, and a batch is not cut.
    const choice = { ...this.#options, least: 2 };
    if (this.#options.maxDrop !== undefined && testData === undefined)
      return holdOutBatches(this.#calibration, specs, choice);
    return { batches: calibrationBatches(this.#calibration, specs, choice) };
  }
}
