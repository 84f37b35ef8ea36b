import { basename } from 'node:path';
import { environment } from './environment.ts';
import { OnnxPruneError, present } from './errors.ts';
import { cloneModel, exportModel, type Model, withOutputs } from './ir/model.ts';
import { initializersIn } from './ir/node.ts';
import { inputSpecs, type JudgeInputs, judgeInputs } from './judge/inputs.ts';
import {
  type Frontier,
  measureFidelity,
  measureLatency,
  type ProofModels,
  type ProofPass,
  proveRewiring,
} from './judge/judge.ts';
import { randomNodes } from './judge/random-nodes.ts';
import { bytesOf, GZIP_LIMIT, measureSize } from './judge/size.ts';
import type { TestData } from './judge/test-data.ts';
import { type LoadedModel, loadModel, opsetOf, producerOf, unknownOperators } from './load.ts';
import { encodeModelParts } from './onnx/codec.ts';
import { dataPathOf, modelParts, writeModelFile } from './onnx/write.ts';
import { checkDataFile, checkOutput, defaultOutput } from './output-path.ts';
import { joinReports, type PassOptions, passesOf } from './passes.ts';
import { checkPruneOptions, type PruneHooks, type PruneOptions, type SettledOptions } from './prune-options.ts';
import {
  type FidelityReport,
  type LatencyReport,
  type ModelSize,
  type ProofReport,
  type Report,
  SCHEMA_VERSION,
} from './report/report.ts';
import { createEngine, kernelBlock, RuntimeChild } from './runtime/index.ts';
import { Stopwatch } from './stopwatch.ts';
import {
  type PruneChannelsOptions,
  type PruneChannelsReport,
  type PrunedChannels,
  pruneChannels,
} from './transforms/prune-channels.ts';
import { packageVersion } from './version.ts';
import { withWorkspace } from './workspace.ts';

/** A run whose proof or gate failed. Nothing was written; the report says all that was found out. */
export class CheckFailed extends OnnxPruneError {
  readonly report: Report;

  constructor(subject: string, message: string, report: Report) {
    super('check-failed', subject, message);
    this.report = report;
  }
}

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

/** What running the models showed. */
interface Verdict {
  readonly proof: ProofReport | null;
  readonly fidelity: FidelityReport | null;
  readonly latency: LatencyReport | null;
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
      verdict = await this.#judge({ original: this.#input, cleaned, passes }, cut, inputs);
    }
    const after = await this.#clock.time('measure size', () =>
      measureSize(model.graph, resultParts(model, this.#output, external)),
    );
    const report = this.#report(loaded, pruning, { before, after }, verdict, testData);
    this.#checkGates(report, randomNodes(model.graph));
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
      passes.push({ masked, cut, frontier: this.#frontierOf(pruned, pruned.masked, after, i, workspace) });
    }
    return { report: present(report, 'a pass of pruning'), passes };
  }

  #frontierOf(
    { frontier }: PrunedChannels,
    before: Model,
    after: Model,
    pass: number,
    workspace: (name: string) => string,
  ): Frontier {
    return {
      names: frontier,
      write: async () => {
        const masked = workspace(`masked-frontier-${pass}.onnx`);
        const cut = workspace(`cut-frontier-${pass}.onnx`);
        await this.#write(masked, withOutputs(before, frontier));
        await this.#write(cut, withOutputs(after, frontier));
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

  #report(
    loaded: LoadedModel,
    report: PruneChannelsReport,
    size: Report['size'],
    verdict: Verdict,
    testData: TestData | undefined,
  ): Report {
    const { model } = loaded;
    const notes: string[] = [];
    if (testData?.labels !== undefined && verdict.fidelity?.accuracy === null) {
      notes.push(
        `The labels of shape [${testData.labels.dims.join(', ')}] fit no output, so no accuracy was measured: an output of class scores has the shape of the labels and the classes as its last axis.`,
      );
    }
    const mixers = [
      ...new Set(report.groups.flatMap(({ approximate, before, after }) => (after < before ? approximate : []))),
    ];
    if (mixers.length > 0)
      notes.push(
        `${mixers.length} nodes take statistics over channels of which some left (${mixers.slice(0, 3).join(', ')}${mixers.length > 3 ? ', …' : ''}); the proof takes them over those that stay, so it says nothing of what that does to accuracy.`,
      );
    if (report.removedChannels === 0)
      notes.push('Nothing was removed: no group of channels was free to leave, or the amount was too small for any.');
    const emptied = report.groups.filter(({ asked, after }) => asked === 0 && after > 0).map(({ name }) => name);
    if (emptied.length > 0)
      notes.push(`The amount would have emptied ${emptied.join(', ')}; the least that can stay was kept.`);
    if (size.before.gzipBytes === null)
      notes.push(`The gzip size was not measured: the file is larger than ${GZIP_LIMIT / 1e6} MB.`);
    if (
      verdict.proof?.cut.every(({ informative }) => !informative) &&
      !verdict.proof.frontier.some(({ informative }) => informative)
    ) {
      notes.push(
        'The outputs are the same for all inputs that the proof ran on, so that it says little; give real inputs with --test.',
      );
    }
    return {
      schemaVersion: SCHEMA_VERSION,
      tool: { name: 'onnx-prune', version: packageVersion() },
      input: { path: this.#input, producer: producerOf(model), opset: opsetOf(model) },
      output: null,
      options: reportedOptions(this.#options),
      size,
      cleaning: { nodesBefore: loaded.nodesInFile, nodesAfter: size.before.nodes },
      pruning: report,
      unknownOperators: unknownOperators(model),
      ...verdict,
      environment: environment(),
      seconds: this.#clock.seconds,
      notes,
    };
  }

  #checkGates(report: Report, random: readonly string[]): void {
    const failed = [...(report.proof?.cut ?? []), ...(report.proof?.cleaned ?? [])].find(
      (output) => !output.passed && !report.proof?.judgedByFrontier.includes(output.name),
    );
    if (report.proof?.passed === false) {
      const what =
        failed === undefined
          ? ''
          : `: output "${failed.name}" differs by ${failed.error.toPrecision(2)}, more than ${failed.limit} (${failed.reason})`;
      if (random.length > 0) {
        throw new CheckFailed(
          this.#input,
          `The proof failed, so nothing was written${what}; the model draws random numbers (${random.join(', ')}), so its outputs are no two times the same and nothing can be proven: make the random numbers an input of the model, or skip the proof with --no-verify.`,
          report,
        );
      }
      throw new CheckFailed(
        this.#input,
        `The proof failed, so nothing was written${what}. The cut model does not give what the masked model gives, which is a bug of onnx-prune; please report it with the model, and leave layers out with --exclude meanwhile.`,
        report,
      );
    }
    if (this.#options.requireChange && report.pruning.removedChannels === 0) {
      throw new CheckFailed(
        this.#input,
        'Nothing could be removed, and --require-change was given, so nothing was written.',
        report,
      );
    }
  }
}

/** The options as they were understood; those that were not given are left out. */
function reportedOptions({ layers, ...options }: SettledOptions): Report['options'] {
  const given = Object.entries(options).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
  const rules = layers.map((layer) => JSON.stringify(layer));
  return { ...Object.fromEntries(given), ...(rules.length > 0 && { layers: rules }) };
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
