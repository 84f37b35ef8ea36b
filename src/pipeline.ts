import { basename } from 'node:path';
import { present } from './errors.ts';
import { checkGates } from './gates.ts';
import { cloneModel, exportModel, type Model, withOutputs } from './ir/model.ts';
import { graphsIn, initializersIn } from './ir/node.ts';
import { innerRounding } from './judge/inner-rounding.ts';
import { inputSpecs, type JudgeInputs, judgeInputs } from './judge/inputs.ts';
import {
  measureFidelity,
  measureLatency,
  type ProofModels,
  type ProofPass,
  proveRewiring,
  type WitnessModels,
} from './judge/judge.ts';
import { randomNodes } from './judge/random-nodes.ts';
import { bytesOf, measureSize } from './judge/size.ts';
import { type LoadedModel, loadModel } from './load.ts';
import { retieVectors } from './normalise/shared-vectors.ts';
import { encodeModelParts } from './onnx/codec.ts';
import { dataPathOf, modelParts, writeModelFile } from './onnx/write.ts';
import { checkDataFile, checkOutput, defaultOutput } from './output-path.ts';
import { joinReports, type PassOptions, passesOf } from './passes.ts';
import { checkPruneOptions, type PruneHooks, type PruneOptions, type SettledOptions } from './prune-options.ts';
import { reportOf, type Verdict } from './prune-report.ts';
import type { ModelSize, Report } from './report/report.ts';
import { createEngine, kernelBlock, RuntimeChild } from './runtime/index.ts';
import { Stopwatch } from './stopwatch.ts';
import {
  type PruneChannelsOptions,
  type PruneChannelsReport,
  type PrunedChannels,
  pruneChannels,
} from './transforms/prune-channels.ts';
import { withWorkspace } from './workspace.ts';

/**
 * Prunes an ONNX file: reads it, removes the least important channels, proves that the rewiring is right, measures what
 * it cost and gained, and writes the smaller file.
 *
 * @param input path of the .onnx file, which is never touched
 * @returns the report; its `output` says where the result is
 * @throws OnnxPruneError `bad-option`, `bad-file`, `bad-model`, `bad-data` for what the caller can mend, `runtime-refused`
 *   where onnxruntime does not run the model; `CheckFailed` when the proof fails or nothing changed under
 *   `requireChange`. Nothing is written then.
 *
 * @example
 * const report = await prune('model.onnx', { structured: 0.5 });
 */
export async function prune(input: string, options: PruneOptions, hooks: PruneHooks = {}): Promise<Report> {
  const settled = checkPruneOptions(options);
  const output = options.output ?? defaultOutput(input);
  const run = new PruneRun(input, output, options.output !== undefined, settled, hooks);
  try {
    return await withWorkspace((path) => run.execute(path));
  } finally {
    run.close();
  }
}

/** One pruning run from file to file. */
class PruneRun {
  readonly #input: string;
  readonly #output: string;
  readonly #named: boolean;
  readonly #options: SettledOptions;
  readonly #hooks: PruneHooks;
  readonly #clock: Stopwatch;
  readonly #child: RuntimeChild;

  constructor(input: string, output: string, named: boolean, options: SettledOptions, hooks: PruneHooks) {
    this.#input = input;
    this.#output = output;
    this.#named = named;
    this.#options = options;
    this.#hooks = hooks;
    this.#clock = new Stopwatch(hooks.onProgress, hooks.signal);
    this.#child = new RuntimeChild({ deadlineMs: options.timeout * 1000, deadlineHint: 'raise --timeout' });
  }

  close(): void {
    this.#child.close();
  }

  async execute(workspace: (name: string) => string): Promise<Report> {
    const options = this.#options;
    if (!options.dryRun) checkOutput(this.#named ? '-o' : 'The output', this.#output, this.#input, options.force);
    const loaded = await this.#clock.time('read', () =>
      loadModel(this.#input, createEngine(this.#child, this.#request)),
    );
    const { model } = loaded;
    const external = loaded.dataFiles.length > 0;
    if (external && !options.dryRun) checkDataFile(dataPathOf(this.#output), loaded.dataFiles, options.force);
    const specs = inputSpecs(model.graph);
    const testData = await this.#hooks.testData?.(specs);
    const before = await this.#clock.time('measure size', () => measureOriginal(loaded));

    const inner = innerRounding(model.graph);
    if (options.verify && loaded.rewired) await this.#write(workspace('cleaned.onnx'), model);
    const { report: pruning, passes } = await this.#prune(model, workspace);
    const cut = workspace('cut.onnx');
    if (options.verify || options.bench) await this.#write(cut, model);

    let verdict: Verdict = { proof: null, fidelity: null, latency: null };
    if (options.verify || options.bench) {
      const request = { ...this.#request, seed: options.seed };
      const inputs = await this.#clock.time('find inputs', () =>
        judgeInputs(this.#child, this.#input, specs, testData, request),
      );
      const cleaned = loaded.rewired ? workspace('cleaned.onnx') : undefined;
      verdict = await this.#judge({ original: this.#input, cleaned, passes, inner }, cut, inputs);
    }
    const after = await this.#clock.time('measure size', () =>
      measureSize(model.graph, resultParts(model, this.#output, external)),
    );
    const report = reportOf({
      ...verdict,
      input: this.#input,
      options,
      loaded,
      pruning,
      size: { before, after },
      testData,
      seconds: this.#clock.seconds,
    });
    checkGates(report, {
      input: this.#input,
      random: randomNodes(model.graph),
      requireChange: options.requireChange,
    });
    if (options.dryRun) return report;
    await this.#clock.time('write', () =>
      writeModelFile(this.#output, exportModel(model, 'embed'), { externalData: external }),
    );
    return { ...report, output: { path: this.#output }, seconds: this.#clock.seconds };
  }

  get #request(): { readonly signal: AbortSignal | undefined } {
    return { signal: this.#hooks.signal };
  }

  async #write(path: string, model: Model): Promise<void> {
    await this.#clock.time('write for checking', () => writeModelFile(path, exportModel(model, 'embed')));
  }

  /** Prunes pass by pass, and writes what the proof of each needs. */
  async #prune(
    model: Model,
    workspace: (name: string) => string,
  ): Promise<{ report: PruneChannelsReport; passes: ProofPass[] }> {
    const { verify } = this.#options;
    const shared = pruneChannelsOptions(this.#options);
    const passes: ProofPass[] = [];
    let report: PruneChannelsReport | undefined;
    const wanted = passesOf(this.#options);
    for (const [i, pass] of wanted.entries()) {
      const pruned = await this.#clock.time('prune', () =>
        pruneChannels(model, { ...shared, ...pass, masked: verify }),
      );
      report = report === undefined ? pruned.report : joinReports(report, pruned.report);
      if (pruned.masked === undefined) continue;
      const isLast = i === wanted.length - 1;
      const masked = workspace(`masked-${i}.onnx`);
      const cut = isLast ? workspace('cut.onnx') : workspace(`cut-${i}.onnx`);
      await this.#write(masked, pruned.masked);
      if (!isLast) await this.#write(cut, model);
      // The pass after this one changes the model.
      const after = isLast ? model : cloneModel(model).model;
      passes.push({ masked, cut, witnesses: this.#witnesses(pruned, pruned.masked, after, i, workspace) });
    }
    // Not between passes: what one of them leaves as it is may lose channels in the next.
    for (const each of graphsIn(model.graph)) retieVectors(each);
    return { report: present(report, 'a pass of pruning'), passes };
  }

  #witnesses(
    { witnesses }: PrunedChannels,
    before: Model,
    after: Model,
    pass: number,
    workspace: (name: string) => string,
  ): WitnessModels {
    const names = [...new Set([...witnesses.frontier, ...witnesses.horizon])];
    return {
      ...witnesses,
      write: async () => {
        const masked = workspace(`masked-witnesses-${pass}.onnx`);
        const cut = workspace(`cut-witnesses-${pass}.onnx`);
        await this.#write(masked, withOutputs(before, names));
        await this.#write(cut, withOutputs(after, names));
        return { masked, cut };
      },
    };
  }

  async #judge(models: ProofModels, cut: string, inputs: JudgeInputs): Promise<Verdict> {
    const { verify, bench, threads } = this.#options;
    const { original } = models;
    const proof = verify
      ? await this.#clock.time('prove', () => proveRewiring(this.#child, models, inputs, this.#request))
      : null;
    // A wrong rewiring is a bug of ours: how far it is off and how fast it runs is nobody's concern.
    if (proof?.passed === false) return { proof, fidelity: null, latency: null };
    const fidelity = verify
      ? await this.#clock.time('compare', () => measureFidelity(this.#child, original, cut, inputs, this.#request))
      : null;
    const latency = bench
      ? await this.#clock.time('benchmark', () =>
          measureLatency(this.#child, original, cut, inputs, { ...this.#request, threads }),
        )
      : null;
    return { proof, fidelity, latency };
  }
}

function pruneChannelsOptions(options: SettledOptions): Omit<PruneChannelsOptions, 'masked' | keyof PassOptions> {
  const { align, criterion, scope, maxRatio, seed, exclude, only, allowApproximate } = options;
  const alignment =
    align === 'auto' ? { block: kernelBlock(), strict: false } : { block: align === 'none' ? 1 : align, strict: true };
  return { alignment, criterion, scope, maxRatio, seed, exclude, only, allowApproximate };
}

/** The size of the file that was read, with its external data. */
function measureOriginal({ model, bytes }: LoadedModel): Promise<ModelSize> {
  const external = initializersIn(model.graph).flatMap(({ tensor }) => (tensor?.isExternal ? [tensor.raw()] : []));
  return measureSize(model.graph, [...encodeModelParts(model.proto), ...external], bytes + bytesOf(external));
}

/** The bytes of the files that the result is written to. */
function resultParts(model: Model, output: string, externalData: boolean): Uint8Array[] {
  const { model: parts, data = [] } = modelParts(exportModel(model, 'embed'), basename(output), { externalData });
  return [...parts, ...data];
}
