import { DropMeter, type DropTools, type MeasuredDrop } from './drop-meter.ts';
import { OnnxPruneError, present } from './errors.ts';
import type { Model } from './ir/model.ts';
import { measureLatency } from './judge/judge.ts';
import { countParameters } from './judge/size.ts';
import { KnownRankings } from './known-rankings.ts';
import type { ModelFiles } from './model-files.ts';
import { countMacs } from './ops/macs.ts';
import { type SettledOptions, withAmount } from './options/prune-options.ts';
import { limitOf, type Target, type TargetKind } from './options/target.ts';
import type { Verdict } from './prune-report.ts';
import type { DropOf } from './quantize-within.ts';
import type { DropReport, GoalReport, LatencyReport, ModelSize, SoughtReport, TargetReport } from './report/report.ts';
import type { TransformTools } from './run-transforms.ts';
import { type Goal, seekAmount } from './seek-amount.ts';
import type { Stopwatch } from './stopwatch.ts';

/** What goals need of a run. */
export interface GoalTools extends DropTools {
  readonly clock: Stopwatch;
  readonly files: ModelFiles;
  readonly before: ModelSize;
  /** Whether the size of the file hangs on the numbers in it: compressed, sparse, or with fewer bits. */
  readonly packed: boolean;
  /** Bytes of the file that a model would be written to. */
  readonly fileBytes: (model: Model) => Promise<number>;
}

/** How short a benchmark of a try is: its result is measured at length. */
const SHORT = { rounds: 15, minMs: 300, budgetMs: 5000 };

/** The goals of one run: finds the amount that keeps to them, and says what the result came to. */
export class RunGoals {
  /** What tries measured of the model that channels leave. */
  readonly rankings: KnownRankings = new KnownRankings();
  readonly #options: SettledOptions;
  readonly #tools: GoalTools;
  readonly #meter: DropMeter;
  #sought: SoughtReport | undefined;
  /** The latest drop of a try. */
  #drop: MeasuredDrop | undefined;
  /** What the original took before any try, in ms. */
  #median = 0;

  constructor(options: SettledOptions, tools: GoalTools) {
    this.#options = options;
    this.#tools = tools;
    this.#meter = new DropMeter(tools);
  }

  /** The options with the amount that was found, or as they were. */
  get settled(): SettledOptions {
    return this.#sought === undefined ? this.#options : withAmount(this.#options, this.#sought.amount);
  }

  /** What a model loses against the original. */
  get dropOf(): DropOf {
    return async (model) => {
      const path = await this.#tools.files.write(TRY, model);
      return (await this.#tools.clock.time('compare', () => this.#meter.measure(path))).value;
    };
  }

  /** Whether no amount keeps to the goal, so that nothing will be written, and nothing need be proven or timed. */
  get isAbandoned(): boolean {
    const { keep, dryRun } = this.#options;
    return this.#isLost && (!keep || dryRun);
  }

  /** Whether no amount keeps to the goal. */
  get #isLost(): boolean {
    return this.#sought?.found === false;
  }

  /**
   * Finds the amount that the options leave open, if they do.
   * @param model as it is before channels leave
   * @returns the options to go on with; where no amount keeps to the goal, those of the one that comes nearest, without a proof unless it is written all the same
   * @throws OnnxPruneError `bad-option` for a target that cannot be measured on the model
   */
  async settle(model: Model, transforms: TransformTools): Promise<SettledOptions> {
    const { clock } = this.#tools;
    const { sought: of, target } = this.#options;
    if (of === undefined) return this.#options;
    const goal = target === undefined ? this.#dropGoal() : await this.#targetGoal(target);
    const sought = await clock.time('find the amount', () =>
      seekAmount(model, this.#options, goal, { transforms, clock, rankings: this.rankings }),
    );
    this.#sought = { of, by: target === undefined ? 'drop' : 'target', ...sought };
    return this.isAbandoned ? { ...this.settled, verify: false } : this.settled;
  }

  /**
   * What the result came to; null without a goal.
   * @param after its size
   * @param verdict what running it showed
   * @param result path of its file
   */
  async conclude(after: ModelSize, verdict: Verdict, result: () => Promise<string>): Promise<GoalReport | null> {
    const { target, maxDrop } = this.#options;
    if (target === undefined && maxDrop === undefined) return null;
    return {
      target: target === undefined ? null : this.#targetReport(target, after, verdict.latency),
      // A wrong rewiring is a bug, whatever it does to answers.
      drop:
        maxDrop === undefined || verdict.proof?.passed === false
          ? null
          : await this.#dropReport(maxDrop, verdict, result),
      sought: this.#sought ?? null,
    };
  }

  #dropGoal(): Goal {
    const { clock, files } = this.#tools;
    const measure = async (model: Model): Promise<number> => {
      const path = await files.write(TRY, model);
      this.#drop = await clock.time('compare', () => this.#meter.measure(path));
      return this.#drop.value;
    };
    return { kind: 'drop', limit: this.#options.maxDrop ?? 0, measure, readsNumbers: true };
  }

  async #targetGoal(target: Target): Promise<Goal> {
    const { kind } = target;
    const { before, packed, fileBytes } = this.#tools;
    checkMeasurable(kind, before);
    if (kind === 'latency') return this.#latencyGoal(target);
    const measure = {
      params: async ({ graph }: Model) => countParameters(graph),
      macs: async ({ graph }: Model) => countMacs(graph).macs,
      size: fileBytes,
    }[kind];
    const limit = limitOf(target, this.#sizeOf(kind, before));
    return { kind, limit, measure, readsNumbers: kind === 'size' && packed };
  }

  /** Times each model against the original in turn, so that what else the machine does bears on both. */
  async #latencyGoal(target: Target): Promise<Goal> {
    const { clock, child, files, request } = this.#tools;
    const { threads } = this.#options;
    const inputs = await this.#tools.inputs();
    const original = await this.#tools.original();
    const time = async (path: string): Promise<LatencyReport> => {
      const timed = clock.time('benchmark', () =>
        measureLatency(child, original, path, inputs, { ...request, ...SHORT, threads }),
      );
      return present(await timed, 'the times of two models');
    };
    const { median } = (await time(original)).before;
    this.#median = median;
    const measure = async (model: Model): Promise<number> => {
      const { before, after } = await time(await files.write(TRY, model));
      // A share is one of what the original takes at the same time.
      return 'fraction' in target.limit ? (after.median / before.median) * median : after.median;
    };
    return { kind: 'latency', limit: limitOf(target, median), measure, readsNumbers: false };
  }

  #targetReport(target: Target, after: ModelSize, latency: LatencyReport | null): TargetReport {
    const { kind } = target;
    const { before } = this.#tools;
    const [original, reached] =
      kind !== 'latency'
        ? [this.#sizeOf(kind, before), this.#sizeOf(kind, after)]
        : latency === null
          ? [this.#median, this.#tried]
          : [latency.before.median, latency.after.median];
    const limit = limitOf(target, original);
    return { kind, limit, original, reached, met: !this.#isLost && reached <= limit };
  }

  /** What the amount came to when it was tried. */
  get #tried(): number {
    const { tries = [], amount } = this.#sought ?? {};
    return present(
      tries.find((each) => each.amount === amount),
      'the try of an amount',
    ).reached;
  }

  async #dropReport(limit: number, verdict: Verdict, result: () => Promise<string>): Promise<DropReport | null> {
    if (this.isAbandoned && this.#drop === undefined) return null;
    const measure = async (): Promise<MeasuredDrop> => this.#meter.measure(await result(), verdict.fidelity);
    const lost = this.isAbandoned ? this.#drop : undefined;
    const { by, output, value, total, on } = lost ?? (await this.#tools.clock.time('compare', measure));
    return { limit, reached: value, met: value <= limit, by, output, on, answers: total };
  }

  /** What is written where that is compressed, and what it would be compressed of the original. */
  #sizeOf(kind: Exclude<TargetKind, 'latency'>, { parameters, macs, fileBytes, gzipBytes }: ModelSize): number {
    if (kind === 'params') return parameters;
    if (kind === 'macs') return macs;
    return this.#options.gzip ? (gzipBytes ?? fileBytes) : fileBytes;
  }
}

/** File of a model that is tried. */
const TRY = 'try.onnx';

function checkMeasurable(kind: TargetKind, { macs, macsUnknown, parameters }: ModelSize): void {
  if (kind === 'macs' && (macsUnknown > 0 || macs === 0))
    throw new OnnxPruneError(
      'bad-option',
      '--target',
      macsUnknown > 0
        ? `--target macs= cannot be measured: ${macsUnknown} ${macsUnknown === 1 ? 'node multiplies' : 'nodes multiply'} tensors of unknown size; aim at params=, size= or latency=.`
        : '--target macs= has nothing to bring down: the model has no convolution or matrix product that multiplies; aim at size= or latency=.',
    );
  if (kind === 'params' && parameters === 0)
    throw new OnnxPruneError(
      'bad-option',
      '--target',
      '--target params= has nothing to bring down: no tensor of the model holds weights.',
    );
}
