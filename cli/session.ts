import { OnnxPruneError } from '../src/errors.ts';
import { type AnyReport, checkReportPath, type PruneHooks, renderJson, writeReport } from '../src/index.ts';
import { checkNotTaken } from '../src/report/file-place.ts';
import { openCalibration } from './calibration-data.ts';
import { dataFiles, type SharedOptions } from './commands/shared-options.ts';
import { Interrupted, type STOP_SIGNALS } from './exit-codes.ts';
import type { RenderOptions } from './render/context.ts';
import { jsonLine } from './terminal/json-lines.ts';
import { createTerminal, type Terminal } from './terminal.ts';
import { loadTestData } from './test-data.ts';

/** How a report is put into words. */
export type Renderer<R> = (report: R, look: RenderOptions) => string;

/** Options that every command has, and the data that some read besides. */
type SessionOptions = Partial<SharedOptions> & { readonly calibration?: string };

/**
 * One run of a command: hooks for progress, Ctrl-C and test data, and the way out for its report: JSON on stdout, a file,
 * or words on stdout.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #terminal: Terminal;
  readonly #abort = new AbortController();

  /**
   * @param files what the run reads and writes besides the report, by what it is called in a sentence
   * @param stopped what is said where the run is stopped, if it is not that nothing was written
   */
  constructor(options: SessionOptions, files: Readonly<Record<string, string>>, stopped?: string) {
    this.#options = options;
    if (options.json && options.jsonLines)
      throw new OnnxPruneError(
        'bad-option',
        '--json-lines',
        '--json and --json-lines both speak for stdout; --json-lines ends with the report, too, so leave --json out.',
      );
    for (const [index, path] of (options.report ?? []).entries()) {
      checkReportPath('--report', path, { ...files, ...dataFiles(options) });
      for (const other of options.report?.slice(0, index) ?? [])
        checkNotTaken('--report', path, { 'another report of this run': other });
    }
    this.#terminal = createTerminal({
      stdout: process.stdout,
      stderr: process.stderr,
      env: process.env,
      quiet: options.quiet ?? false,
      verbose: options.verbose ?? false,
      jsonLines: options.jsonLines ?? false,
    });
    // Once: who asks again does not want to wait for things to be put in order.
    for (const signal of stopSignals()) process.once(signal, () => this.#abort.abort(new Interrupted(signal, stopped)));
  }

  /** Aborts on Ctrl-C and its like. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Hooks of work that reads no data. */
  get progressHooks(): Pick<PruneHooks, 'signal' | 'onProgress'> {
    return {
      signal: this.signal,
      onProgress: ({ step, done, total }) => this.#terminal.progress.step(step, done, total),
    };
  }

  /** Hooks for the library. @param calibration path of inputs that statistics are taken over */
  hooks(calibration?: string): PruneHooks {
    const { test } = this.#options;
    return {
      ...this.progressHooks,
      ...(test !== undefined && { testData: (inputs) => loadTestData(test, inputs) }),
      ...(calibration !== undefined && { calibration: (inputs, room) => openCalibration(calibration, inputs, room) }),
    };
  }

  /** Runs the work and takes the progress line away, however it ends. */
  async work<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      this.#terminal.progress.finish();
    }
  }

  /** Gives a report out in every form that was asked for. */
  async show<R extends AnyReport>(report: R, render: Renderer<R>): Promise<void> {
    const { json, jsonLines, report: files = [], quiet } = this.#options;
    const told: R = { ...report, command: ['onnx-prune', ...process.argv.slice(2)] };
    for (const file of files) await writeReport(file, told);
    if (jsonLines) this.#terminal.print(jsonLine({ type: 'report', report: told }));
    else if (json) this.#terminal.print(renderJson(told));
    else if (!quiet) this.#terminal.print(render(told, this.#terminal.rendering));
  }
}

function stopSignals(): (keyof typeof STOP_SIGNALS)[] {
  return ['SIGHUP', 'SIGINT', 'SIGTERM'];
}
