import { basename } from 'node:path';
import { loadTestData } from '../../cli/test-data.ts';
import { type InputSpec, type PruneOptions, prune, type Report, type TestData } from '../../src/index.ts';
import type { MeasurementLog } from './log.ts';

/** One way of pruning, at whatever amount. */
export interface Setting {
  /** Whether the amount is of single weights or of channels. */
  readonly prunes: 'weights' | 'neurons';
  readonly criterion: string;
  readonly scope: 'uniform' | 'global' | 'lamp';
}

/** What a model is measured with. */
export interface Evidence {
  /** Path of the test data, which hold `labels`. */
  readonly test: string;
  /** Path of the data that formulas take their statistics from. */
  readonly calibration: string;
}

/** What one run cost and gained. */
export interface Measurement {
  /** Right answers and all of them. */
  readonly hits: number;
  readonly total: number;
  /** Right answers of the model as it was. */
  readonly hitsBefore: number;
  /** How many times smaller the file is after gzip, both before and after. */
  readonly gzipRatio: number;
  readonly seconds: number;
}

/** Prunes models without writing anything, and keeps the data that it has read. */
export class Bench {
  readonly #evidence: Evidence;
  readonly #log: MeasurementLog;
  readonly #data = new Map<string, Promise<TestData>>();

  constructor(evidence: Evidence, log: MeasurementLog) {
    this.#evidence = evidence;
    this.#log = log;
  }

  /** Runs one setting at one amount, a fraction. @throws Error where the data have no labels that fit the model */
  async measure(model: string, setting: Setting, amount: number): Promise<Measurement> {
    return await this.run(model, optionsOf(setting, amount));
  }

  /** Runs any options, unless the log has them. @throws Error where the data have no labels that fit the model */
  async run(model: string, options: PruneOptions): Promise<Measurement> {
    const key = JSON.stringify([model, this.#evidence, options]);
    const known = this.#log.get(key);
    if (known !== undefined) return known;
    const measured = await this.#prune(model, options);
    this.#log.add(key, measured);
    return measured;
  }

  async #prune(model: string, options: PruneOptions): Promise<Measurement> {
    const start = performance.now();
    const report = await prune(
      model,
      { ...options, bench: false, dryRun: true },
      {
        testData: (inputs) => this.#load(this.#evidence.test, inputs),
        calibration: (inputs) => this.#load(this.#evidence.calibration, inputs),
      },
    );
    return measurementOf(model, report, (performance.now() - start) / 1000);
  }

  /** Reads a file once for all models whose inputs are alike. */
  #load(path: string, inputs: readonly InputSpec[]): Promise<TestData> {
    const key = JSON.stringify([path, inputs]);
    const known = this.#data.get(key) ?? loadTestData(path, inputs);
    this.#data.set(key, known);
    return known;
  }
}

/** The options of a setting at an amount. Channels are counted exactly, not rounded to what is fast. */
export function optionsOf({ prunes, criterion, scope }: Setting, amount: number): PruneOptions {
  // Where nothing leaves it does not matter what would leave first.
  const shared = amount === 0 ? {} : { criterion, scope };
  return prunes === 'weights' ? { ...shared, unstructured: amount } : { ...shared, structured: amount, align: 'none' };
}

function measurementOf(model: string, { fidelity, size }: Report, seconds: number): Measurement {
  const accuracy = fidelity?.accuracy ?? undefined;
  const before = size.before.gzipBytes;
  const after = size.after.gzipBytes;
  if (accuracy === undefined) throw new Error(`The test data hold no labels that fit ${basename(model)}.`);
  if (before === null || after === null) throw new Error(`${basename(model)} is too large for its gzip size.`);
  const { hitsA, hitsB, total } = accuracy;
  return { hits: hitsB, total, hitsBefore: hitsA, gzipRatio: before / after, seconds };
}
