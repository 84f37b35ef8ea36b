import type { CalibrationStages } from './calibrate/stages.ts';
import { writeChanged } from './changed-models.ts';
import { alignmentOf, type PrunedInRounds, pruneInRounds, type RecoveryReport, type Trial } from './channel-rounds.ts';
import type { ChannelMap } from './channels/group.ts';
import { type Formula, parseFormula } from './criteria/formula/formula.ts';
import {
  checkCalibrated,
  type FormulaScores,
  type MeasuredInputs,
  measuredVariables,
  scoreWeight,
} from './criteria/formula/score-weight.ts';
import type { WeightScore } from './criteria/weight-scores.ts';
import { present } from './errors.ts';
import type { Evaluator } from './ir/facts.ts';
import { cloneModel, type Model, withOutputs } from './ir/model.ts';
import { graphsIn } from './ir/node.ts';
import type { ProofPass, WitnessModels } from './judge/judge.ts';
import type { KnownRankings } from './known-rankings.ts';
import type { ModelFiles } from './model-files.ts';
import { type StoredTwice, storeOnce } from './normalise/shared-vectors.ts';
import { pruneWeightsOneShot } from './one-shot-weights.ts';
import type { SettledOptions } from './options/prune-options.ts';
import { quantizeModel } from './quantize-model.ts';
import { type DropOf, type Quantized, quantizeWithin } from './quantize-within.ts';
import type { Lineage } from './recover/lineage.ts';
import type { Stopwatch } from './stopwatch.ts';
import { NOTHING_PRUNED, type PruneChannelsReport } from './transforms/prune-channels.ts';
import { type PruneWeightsOptions, type PruneWeightsReport, pruneWeights } from './transforms/prune-weights.ts';
import { type RemoveRedundantReport, removeRedundant } from './transforms/remove-redundant.ts';
import { type StoreHalfReport, storeHalf } from './transforms/store-half.ts';
import { NO_WITNESSES, type Witnesses } from './transforms/witnesses.ts';

/** What the transforms of a run did, in their order. */
export interface Transformed {
  /** What left without a trace; null under --no-lossless. */
  readonly lossless: RemoveRedundantReport | null;
  readonly pruning: PruneChannelsReport;
  /** What layers made up for; null where nothing was to be. */
  readonly recovery: RecoveryReport | null;
  /** Which weights became zero; null where none were to. */
  readonly weights: PruneWeightsReport | null;
  /** What those zeros freed. */
  readonly freed: RemoveRedundantReport | null;
  /** What runs on integers; null where nothing was to. */
  readonly quantization: Quantized | null;
  readonly storedTwice: StoredTwice;
  readonly half: StoreHalfReport | null;
  readonly passes: readonly ProofPass[];
}

/** What the transforms need besides the model. */
export interface TransformTools {
  readonly files: ModelFiles;
  readonly clock: Stopwatch;
  readonly evaluator: Evaluator;
  /** Statistics of layers' inputs, for formulas that read them; absent where no data were given. */
  readonly statistics: LayerStatistics | undefined;
  /** Runs parts of models on calibration data; absent where no data were given. */
  readonly stages: (() => Promise<CalibrationStages>) | undefined;
  /** Finds the amounts that nobody gave, once what can leave without a trace has left; the model stays as it is. */
  readonly settle?: ((model: Model, options: SettledOptions) => Promise<SettledOptions>) | undefined;
  /** What a model loses against the original, where layers are to stay in float until that is little. */
  readonly dropOf?: DropOf | undefined;
  /** See `RoundTools`. */
  readonly trial?: Trial | undefined;
  readonly rankings?: KnownRankings | undefined;
}

/** Means and mean squares of what layers read, from calibration data. */
export type LayerStatistics = (model: Model) => Promise<MeasuredInputs>;

/**
 * Applies to a model, in place and in order, what the options ask for: the lossless tier, channels, weights, what their
 * zeros free, and how the result is stored. Writes what the proof of each step needs.
 */
export async function runTransforms(
  model: Model,
  options: SettledOptions,
  tools: TransformTools,
): Promise<Transformed> {
  const run = new Transformation(model, options, tools);
  const lossless = options.lossless ? await run.removeRedundant('remove redundant', false) : null;
  run.options = (await tools.settle?.(model, options)) ?? options;
  return { lossless, ...(await pruneAndStore(run)) };
}

/**
 * Tries options on a model that the lossless tier has seen to, in place; weights that it shares with others stay as they
 * are.
 */
export async function tryTransforms(
  model: Model,
  options: SettledOptions,
  tools: TransformTools & { readonly trial: Trial },
): Promise<Omit<Transformed, 'lossless'>> {
  return pruneAndStore(new Transformation(model, options, tools));
}

async function pruneAndStore(run: Transformation): Promise<Omit<Transformed, 'lossless'>> {
  const { options } = run;
  const { ranking } = options;
  const { report: pruning, recovery } = await run.pruneChannels(await formulaOf(ranking.formula));
  const weights = await run.pruneWeights(await formulaOf(ranking.weightFormula));
  // Without the channels that zeros free, the groups of a pattern would begin elsewhere.
  const frees = options.lossless && weights !== null && weights.how.kind !== 'pattern';
  const freed = frees ? await run.removeRedundant('remove what zeros free', true) : null;
  const storedTwice = run.storeOnce();
  const quantization = await run.quantize();
  const half = options.fp16Storage ? await run.storeHalf() : null;
  return { pruning, recovery, weights, freed, quantization, storedTwice, half, passes: run.passes };
}

function formulaOf(text: string | undefined): Formula | undefined | Promise<Formula> {
  return text === undefined ? undefined : parseFormula(text);
}

class Transformation {
  readonly passes: ProofPass[] = [];
  readonly #model: Model;
  #options: SettledOptions;
  readonly #tools: TransformTools;
  /** What can leave the model as it is now, where the step before has found that out. */
  #map: ChannelMap | undefined;
  /** What the model was before channels left, where layers made up for them. */
  #lineage: Lineage | undefined;

  constructor(model: Model, options: SettledOptions, tools: TransformTools) {
    this.#model = model;
    this.#options = options;
    this.#tools = tools;
  }

  /** Those of the steps to come. */
  get options(): SettledOptions {
    return this.#options;
  }

  set options(options: SettledOptions) {
    this.#options = options;
  }

  async removeRedundant(step: string, again: boolean): Promise<RemoveRedundantReport> {
    const { exclude, only, layers, verify, prunesChannels } = this.#options;
    // What channels are pruned after is aligned by that.
    const alignment = prunesChannels && !again ? undefined : alignmentOf(this.#options);
    const { report, reference, witnesses, map } = await this.#tools.clock.time(step, () =>
      removeRedundant(this.#model, this.#tools.evaluator, {
        alignment,
        exclude,
        only,
        layers,
        again,
        reference: verify,
        memory: this.#tools.trial && 'copy',
        onCut: this.#lineage && ((cut) => this.#lineage?.add(cut)),
      }),
    );
    if (report.removedChannels > 0) await this.#prove(reference, witnesses);
    this.#map = map;
    return report;
  }

  /** Prunes channels in rounds and passes, and has layers make up for them. */
  async pruneChannels(formula: Formula | undefined): Promise<PrunedInRounds> {
    if (!this.#options.prunesChannels) return { report: NOTHING_PRUNED, recovery: null, lineage: undefined };
    const { clock, stages } = this.#tools;
    const map = this.#map;
    this.#map = undefined;
    const done = await pruneInRounds(this.#model, this.#options, {
      clock,
      stages,
      map,
      trial: this.#tools.trial,
      rankings: this.#tools.rankings,
      formula: async () => formula && (await this.#scored(formula)),
      onPass: ({ masked, witnesses }) => this.#prove(masked, witnesses),
    });
    this.#lineage = done.lineage;
    this.#tools.files.changed();
    return done;
  }

  async pruneWeights(formula: Formula | undefined): Promise<PruneWeightsReport | null> {
    const { weights, ranking, weightScope, exclude, only, include, seed, layers, verify, prunesChannels } =
      this.#options;
    if (weights === undefined) return null;
    const { how, schedule } = weights;
    const criterion = formula === undefined ? ranking.weights : weightScore(await this.#scored(formula));
    const wanted: PruneWeightsOptions = {
      how: how.kind === 'amount' ? { ...how, scope: weightScope } : how,
      criterion,
      // Amounts of a recipe are of channels where those are pruned.
      layers: prunesChannels
        ? layers.map(({ match, exclude: isExcluded }) => ({ match, exclude: isExcluded }))
        : layers,
      exclude,
      only,
      include,
      seed,
      again: this.#options.lossless || prunesChannels,
      // What the model was before channels left has those weights that did not change since.
      memory: verify || this.#tools.trial !== undefined || this.#lineage !== undefined ? 'copy' : 'reuse',
      ...(schedule !== undefined && { schedule }),
    };
    const { clock, stages } = this.#tools;
    const { oneShot } = this.#options;
    const report =
      oneShot === undefined || stages === undefined
        ? await clock.time('prune weights', () => pruneWeights(this.#model, wanted))
        : await pruneWeightsOneShot(this.#model, wanted, oneShot === 'auto' ? 'best' : oneShot, {
            clock,
            stages,
            lineage: this.#lineage,
          });
    this.#tools.files.changed();
    return report;
  }

  /** Has the model run on integers; not where only how much there is of it counts. */
  async quantize(): Promise<Quantized | null> {
    const { int8, exclude, layers, maxDrop, sought, lossless, prunesChannels, weights } = this.#options;
    const { clock, stages, trial, dropOf } = this.#tools;
    if (int8 === undefined || trial === 'outline') return null;
    const kept = { exclude, layers, again: lossless || prunesChannels || weights !== undefined };
    const tools = { clock, stages, lineage: this.#lineage };
    const done =
      maxDrop !== undefined && sought === undefined && dropOf !== undefined
        ? await quantizeWithin(this.#model, int8, kept, tools, { limit: maxDrop, dropOf })
        : { ...(await quantizeModel(this.#model, int8, kept, tools)), search: null };
    this.#tools.files.changed();
    return done;
  }

  /**
   * Stores equal tensors once. Not between the steps before: what one of them leaves as it is may change in the next. But before
   * integers, since the runtime takes up those alone that one node reads.
   */
  storeOnce(): StoredTwice {
    const stored = { tensors: 0, bytes: 0 };
    for (const graph of graphsIn(this.#model.graph)) {
      const { tensors, bytes } = storeOnce(graph, !this.#options.lossless);
      stored.tensors += tensors;
      stored.bytes += bytes;
    }
    if (stored.tensors > 0) this.#tools.files.changed();
    return stored;
  }

  async storeHalf(): Promise<StoreHalfReport> {
    const report = await this.#tools.clock.time('store as float16', () => storeHalf(this.#model));
    this.#tools.files.changed();
    return report;
  }

  /** A formula with what it reads of the layers of the model as it is now. */
  async #scored(formula: Formula): Promise<FormulaScores> {
    const { statistics } = this.#tools;
    checkCalibrated(formula, statistics !== undefined);
    const isMeasured = measuredVariables(formula).length > 0;
    return { formula, measured: isMeasured ? await statistics?.(this.#model) : undefined };
  }

  /** Notes that the model, which has just changed, must give what the reference gives. */
  async #prove(reference: Model | undefined, witnesses: Witnesses): Promise<void> {
    const { files } = this.#tools;
    files.changed();
    if (reference === undefined) return;
    const pass = this.passes.length;
    const changed = this.#options.changedOnly
      ? await writeChanged(files, `changed-${pass}`, reference, this.#model)
      : undefined;
    if (changed !== undefined) {
      const witnesses = { ...NO_WITNESSES, write: () => Promise.reject(new Error('nobody is heard')) };
      this.passes.push({ masked: changed.before, cut: changed.after, specs: changed.specs, witnesses });
      return;
    }
    const masked = await files.write(`masked-${pass}.onnx`, reference);
    const cut = await files.fileOf(this.#model);
    // The steps after this one change the model.
    this.passes.push({
      masked,
      cut,
      witnesses: this.#witnesses(witnesses, reference, cloneModel(this.#model).model, pass),
    });
  }

  #witnesses(witnesses: Witnesses, before: Model, after: Model, pass: number): WitnessModels {
    const names = [...new Set([...witnesses.frontier, ...witnesses.horizon])];
    const { files } = this.#tools;
    return {
      ...witnesses,
      write: async () => ({
        masked: await files.write(`masked-witnesses-${pass}.onnx`, withOutputs(before, names)),
        cut: await files.write(`cut-witnesses-${pass}.onnx`, withOutputs(after, names)),
      }),
    };
  }
}

/** A formula as what ranks single weights. */
function weightScore(scores: FormulaScores): WeightScore {
  return {
    name: scores.formula.text,
    score: ({ values: [value], rows, columns }, elements) =>
      scoreWeight(scores, present(value, 'the initializer of a weight'), elements, { rows, columns }),
  };
}
