import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, OnnxPruneError } from '../../src/errors.ts';
import { checkGraph } from '../../src/ir/check.ts';
import { importModel } from '../../src/ir/model.ts';
import { readModelFile } from '../../src/onnx/read.ts';
import { dataPathOf } from '../../src/onnx/write.ts';
import { pruneIn } from '../../src/pipeline.ts';
import { compare, type InputSpec, makeInputs, modelInfo, RuntimeChild, runAll } from '../../src/runtime/index.ts';
import type { Base } from './bases.ts';
import { calibrationFor } from './calibration.ts';
import { build, type Case } from './case.ts';
import type { Outcome } from './outcome.ts';
import { CALIBRATED, WAYS, type Way } from './ways.ts';

/** Seconds that onnxruntime may take over a request. */
const RUNTIME_SECONDS = 10;
/** Relative difference between two runs of one model that no rounding makes. */
const WAVERING = 0.01;
/** Bytes that this process may ever have had in memory. */
const MOST_MEMORY = 1.5 * 2 ** 30;

/** Where cases are tried: folders of their own, and one process for onnxruntime that serves them all. */
export class Proving {
  readonly #root: string;
  readonly #child: RuntimeChild = new RuntimeChild({ deadlineMs: RUNTIME_SECONDS * 1000 });
  readonly #prune: typeof pruneIn;
  #memory = 0;

  /** @param prune what is tried, so that tests can try what is wrong */
  constructor(prune: typeof pruneIn = pruneIn) {
    this.#root = mkdtempSync(join(tmpdir(), 'fuzz-'));
    this.#prune = prune;
  }

  async close(): Promise<void> {
    await this.#child.close();
    rmSync(this.#root, { recursive: true, force: true });
  }

  /** Tries a case and judges what came of it. Never throws. */
  async try(each: Case): Promise<Outcome> {
    const base = build(each);
    return base === undefined ? { kind: 'none', message: '' } : this.tryFiles(base, each.way);
  }

  /** A case without the mutations after which onnxruntime refuses the model, so that more is met than refusals. */
  async sound(each: Case): Promise<Case> {
    let sound: Case = { ...each, steps: [] };
    for (const step of each.steps) {
      const longer = { ...sound, steps: [...sound.steps, step] };
      const base = build(longer);
      if (base === undefined) continue;
      this.#lay(base);
      if ((await this.#refusal(this.#path('in', 'model.onnx'))) === undefined) sound = longer;
    }
    return sound;
  }

  /** The same for files as they are. */
  async tryFiles(base: Base, way: Way): Promise<Outcome> {
    this.#lay(base);
    const input = this.#path('in', 'model.onnx');
    const options = WAYS[way];
    const output = this.#path('out', options.gzip ? 'result.onnx.gz' : 'result.onnx');
    const usual = process.env['TMPDIR'];
    process.env['TMPDIR'] = this.#path('tmp');
    try {
      const outcome = await this.#run(input, output, way);
      if (outcome.kind === 'finding') return outcome;
      return this.#left(output, outcome) ?? this.#large() ?? outcome;
    } catch (error) {
      return finding(`the oracle failed: ${messageOf(error)}`, error);
    } finally {
      if (usual === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = usual;
    }
  }

  /** Empties the folders, and puts the files of a case into the first. */
  #lay({ bytes, files }: Base): void {
    for (const name of ['in', 'out', 'tmp']) {
      rmSync(this.#path(name), { recursive: true, force: true });
      mkdirSync(this.#path(name));
    }
    for (const [name, content] of files) writeFileSync(this.#path('in', name), content);
    writeFileSync(this.#path('in', 'model.onnx'), bytes);
  }

  async #run(input: string, output: string, way: Way): Promise<Outcome> {
    const options = { ...WAYS[way], bench: false, timeout: RUNTIME_SECONDS, output };
    const hooks = CALIBRATED.has(way)
      ? { calibration: async (specs: readonly InputSpec[]) => calibrationFor(specs) }
      : {};
    try {
      await this.#prune(this.#child, input, options, hooks);
    } catch (error) {
      return this.#judgeError(error, input, way);
    }
    return (await this.#wrongResult(input, output)) ?? { kind: 'done', message: '' };
  }

  /** What is wrong with a result that was written. */
  async #wrongResult(input: string, output: string): Promise<Outcome | undefined> {
    try {
      const { model, directory } = await readModelFile(output);
      checkGraph(importModel(model, directory).graph);
    } catch (error) {
      return finding(`the result cannot be read again: ${messageOf(error)}`, error);
    }
    if (output.endsWith('.gz')) return undefined;
    const refused = await this.#refusal(output);
    if (refused === undefined || (await this.#refusal(input)) !== undefined) return undefined;
    return finding(`the result does not load: ${refused}`);
  }

  async #judgeError(error: unknown, input: string, way: Way): Promise<Outcome> {
    const message = messageOf(error);
    if (!(error instanceof OnnxPruneError)) return finding(`${nameOf(error)}: ${message}`, error);
    if (!message.endsWith('.') || /\n\s+at /.test(message)) return finding(`no sentence: ${message}`, error);
    if (/\b(undefined|\[object)\b/.test(message)) return finding(`a word that means nothing: ${message}`, error);
    const isCrash = message.startsWith("onnxruntime's process");
    const isOurs = error.code === 'internal' || error.code === 'check-failed' || error.code === 'bad-option';
    if (error.code === 'check-failed' && (await this.#wavers(input))) return { kind: 'wavers', message };
    if (isOurs && !isCrash) return finding(`${error.code}: ${message}`, error);
    // Some ways ask for what some models cannot give.
    if (error.code === 'unsupported' && /--gzip|pattern .* fits no weight|from operator set/.test(message))
      return { kind: error.code, message };
    if (message.includes('took longer than') || error.code === 'bad-data') return { kind: error.code, message };
    // A model that cannot be run as it is may be refused with any words.
    if ((await this.#running(input, way)) !== undefined) return { kind: isCrash ? 'crash' : error.code, message };
    const isRefusal = error.code === 'bad-model' || error.code === 'bad-file';
    return isRefusal
      ? { kind: `${error.code}, though it runs`, message }
      : finding(`${error.code} though it runs: ${message}`, error);
  }

  /** Why onnxruntime refuses to load a model; undefined where it does not. */
  async #refusal(path: string): Promise<string | undefined> {
    try {
      await modelInfo(this.#child, path);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** Why onnxruntime does not run a model on inputs of its declared sizes; undefined where it does. */
  async #running(path: string, way: Way): Promise<string | undefined> {
    try {
      const { inputs } = await modelInfo(this.#child, path);
      // Some models run with some data only: what a condition decides, for one.
      const batches = [1, 2, 3, 4].map((seed) => makeInputs(inputs, { seed, batch: 2, dims: new Map() }));
      if (CALIBRATED.has(way)) batches.push(Object.fromEntries(calibrationFor(inputs).feeds));
      // Some models run optimised only, or only as they are.
      for (const optimization of ['disabled', 'all'] as const)
        await runAll(this.#child, path, batches, { optimization });
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  /**
   * Whether a model gives other outputs when it runs again, optimised or not: some models have the runtime read memory that nobody
   * wrote.
   */
  async #wavers(path: string): Promise<boolean> {
    const { inputs } = await modelInfo(this.#child, path);
    for (const batch of [1, 2]) {
      const feeds = [1, 2].map((seed) => makeInputs(inputs, { seed, batch, dims: new Map() }));
      const optimised = { a: { optimization: 'disabled' }, b: { optimization: 'all' } } as const;
      const { outputs } = await compare(this.#child, path, path, feeds, optimised).catch(() => ({ outputs: [] }));
      if (outputs.some(({ relativeL2 = 0 }) => !(relativeL2 <= WAVERING))) return true;
    }
    return false;
  }

  /** Files that lie where none should. */
  #left(output: string, { kind }: Outcome): Outcome | undefined {
    const expected = kind === 'done' ? [output, dataPathOf(output)].filter((path) => existsSync(path)) : [];
    const found = readdirSync(this.#path('out')).map((name) => this.#path('out', name));
    // The test's own loader keeps what it compiled there.
    const temporary = readdirSync(this.#path('tmp')).filter((name) => !name.startsWith('tsx-'));
    const extra = [...found.filter((path) => !expected.includes(path)), ...temporary];
    return extra.length === 0 ? undefined : finding(`left behind: ${extra.join(', ')}`);
  }

  #large(): Outcome | undefined {
    const most = process.resourceUsage().maxRSS * 1024;
    const before = this.#memory;
    this.#memory = most;
    return most > MOST_MEMORY && before <= MOST_MEMORY ? finding(`memory of ${most} bytes`) : undefined;
  }

  #path(...parts: readonly string[]): string {
    return join(this.#root, ...parts);
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.constructor.name : typeof error;
}

function finding(message: string, error?: unknown): Outcome {
  const cause = error instanceof Error && error.cause instanceof Error ? `\nCaused by: ${error.cause.stack}` : '';
  return { kind: 'finding', message, stack: error instanceof Error ? `${error.stack}${cause}` : undefined };
}
