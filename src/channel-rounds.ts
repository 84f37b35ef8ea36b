import { alignmentOnTheWay } from './budget/align.ts';
import type { CalibrationStages } from './calibrate/stages.ts';
import { buildChannelMap } from './channels/build.ts';
import type { ChannelMap, Group } from './channels/group.ts';
import { UnitCosts } from './channels/unit-costs.ts';
import type { UnitRanking } from './criteria/criterion.ts';
import type { FormulaScores } from './criteria/formula/score-weight.ts';
import { cloneModel, type Model } from './ir/model.ts';
import type { KnownRankings } from './known-rankings.ts';
import { ruleOf } from './ops/rules.ts';
import type { SettledOptions } from './options/prune-options.ts';
import { joinReports, type PassOptions, passesOf, shareOfRound } from './passes.ts';
import { Lineage } from './recover/lineage.ts';
import { rankUnits } from './recover/rank-units.ts';
import { measureReadings } from './recover/readings.ts';
import { type RecoveredLayer, recover } from './recover/recover.ts';
import { reserveBiases } from './recover/reserve-biases.ts';
import { measureSensitivity } from './recover/sensitivity.ts';
import { kernelBlock } from './runtime/index.ts';
import type { Stopwatch } from './stopwatch.ts';
import { FirstCounts } from './transforms/first-counts.ts';
import {
  NOTHING_PRUNED,
  type PruneChannelsOptions,
  type PruneChannelsReport,
  type PrunedChannels,
  pruneChannels,
} from './transforms/prune-channels.ts';
import { selectGroups } from './transforms/select-groups.ts';

/** What layers made up for after channels had left. */
export interface RecoveryReport {
  readonly kind: 'bias' | 'least-squares';
  /** Calibration samples. */
  readonly samples: number;
  readonly rounds: number;
  /** Of the last round, in executable order: the layers behind what left. */
  readonly layers: readonly RecoveredLayer[];
}

/** What pruning in rounds came to. */
export interface PrunedInRounds {
  readonly report: PruneChannelsReport;
  /** Null where nothing was to be made up for. */
  readonly recovery: RecoveryReport | null;
  /** What the model was before, for steps that still look at it; undefined where nothing was to be made up for. */
  readonly lineage: Lineage | undefined;
}

/** What pruning in rounds needs besides the model. */
export interface RoundTools {
  readonly clock: Stopwatch;
  /** Runs parts of the model on calibration data; absent where there are none. */
  readonly stages: (() => Promise<CalibrationStages>) | undefined;
  /** The criterion where that is a formula, with what it reads of the layers as they are now. */
  readonly formula: () => Promise<FormulaScores | undefined>;
  /** What can leave the model as it is, where somebody has found that out. */
  readonly map: ChannelMap | undefined;
  /** Hears of every pass, so that it can be proven. */
  readonly onPass: (pruned: PrunedChannels) => Promise<void>;
  /** What a try at an amount is for; absent where it is not one. The weights from before stay as they are then. */
  readonly trial: Trial | undefined;
  /** Rankings by measurement of the model as it is before the first round, for all runs that begin with it. */
  readonly rankings: KnownRankings | undefined;
}

/** `outline`: what the model would be like, whatever numbers its weights hold. `whole`: the very model. */
export type Trial = 'outline' | 'whole';

/**
 * Prunes the channels of a model, in place, in one round or several, each with the passes that the options ask for, and
 * lets the layers behind make up for what left.
 */
export async function pruneInRounds(model: Model, options: SettledOptions, tools: RoundTools): Promise<PrunedInRounds> {
  return new Rounds(model, options, tools).run();
}

class Rounds {
  readonly #model: Model;
  readonly #options: SettledOptions;
  readonly #tools: RoundTools;
  readonly #lineage: Lineage | undefined;
  /** Units of each group before the first round. */
  readonly #counts = new FirstCounts();
  #report: PruneChannelsReport | undefined;
  #map: ChannelMap | undefined;

  constructor(model: Model, options: SettledOptions, tools: RoundTools) {
    this.#model = model;
    this.#options = options;
    this.#tools = tools;
    this.#map = tools.map;
    this.#lineage = options.recover === 'none' ? undefined : new Lineage(cloneModel(model).model);
  }

  async run(): Promise<PrunedInRounds> {
    const { rounds, recover: kind } = this.#options;
    let layers: readonly RecoveredLayer[] = [];
    let samples = 0;
    for (let round = 1; round <= rounds; round++) {
      for (const pass of passesOf(shareOfRound(this.#options, round))) await this.#prune(pass, round);
      const { stages, clock } = this.#tools;
      if (stages === undefined || this.#lineage === undefined || kind === 'none') continue;
      if (this.#tools.trial === 'outline') {
        if (round === rounds) reserveBiases(this.#model, this.#lineage, ruleOf);
        continue;
      }
      const activations = await stages();
      const lineage = this.#lineage;
      samples = activations.samples;
      layers = await clock.time('recover', (onProgress) =>
        recover(this.#model, lineage, { activations, ruleOf, onProgress }, { matrix: kind === 'least-squares' }),
      );
    }
    return {
      report: this.#report ?? NOTHING_PRUNED,
      recovery: kind === 'none' ? null : { kind, samples, rounds, layers },
      lineage: this.#lineage,
    };
  }

  async #prune(pass: PassOptions, round: number): Promise<void> {
    const { clock, trial } = this.#tools;
    const { verify, lossless, allowApproximate, rounds } = this.#options;
    const formula = await this.#tools.formula();
    const known = pass.prefer === 'heads' && !allowApproximate ? this.#map : undefined;
    this.#map = undefined;
    const map = known ?? buildChannelMap(this.#model.graph, ruleOf, { ...pass, allowApproximate });
    const cuts = this.#report?.axes ?? [];
    if (round === 1) this.#counts.note(map, cuts);
    const rankings = round === 1 && pass.again !== true ? this.#tools.rankings : undefined;
    const measuredRanking = await (rankings === undefined
      ? this.#measuredRanking(map, pass)
      : rankings.of(map, () => this.#measuredRanking(map, pass)));
    const pruned = await clock.time('prune', () =>
      pruneChannels(this.#model, {
        ...channelOptions(this.#options),
        ...pass,
        alignment: round < rounds ? alignmentOnTheWay(alignmentOf(this.#options)) : alignmentOf(this.#options),
        // The lossless tier has seen to patterns that match nothing, or the first round has.
        again: pass.again === true || lossless || round > 1,
        map,
        formula,
        measuredRanking,
        countBefore: round === 1 ? undefined : (group) => this.#counts.countOf(group, map, cuts),
        costOf: this.#costOf(map),
        masked: verify,
        onCut: this.#lineage && ((cut) => this.#lineage?.add(cut)),
        memory: trial && 'copy',
      }),
    );
    this.#report = this.#report === undefined ? pruned.report : joinReports(this.#report, pruned.report);
    await this.#tools.onPass(pruned);
  }

  /** What a target counts, so that what an amount is sought of leaves where it helps most for what is lost by it. */
  #costOf(map: ChannelMap): PruneChannelsOptions['costOf'] {
    const { sought, target, rounds } = this.#options;
    // Between rounds the amount that is left is counted in units.
    if (sought !== 'channels' || target === undefined || rounds > 1) return undefined;
    const isWork = target.kind === 'macs' || target.kind === 'latency';
    return new UnitCosts(map, isWork ? 'macs' : 'parameters', ruleOf).of;
  }

  /** How units are ranked by what is lost on calibration data, where somebody wants that. */
  async #measuredRanking(map: ChannelMap, pass: PassOptions): Promise<PruneChannelsOptions['measuredRanking']> {
    const { ranking, layers } = this.#options;
    const { stages, clock } = this.#tools;
    const isWanted =
      (ranking.formula === undefined && ranking.channels === 'reconstruction') ||
      layers.some(({ criterion }) => criterion === 'reconstruction');
    if (stages === undefined || !isWanted) return undefined;
    const activations = await stages();
    const readings = await clock.time('measure channels', (tell) =>
      measureReadings(this.#model, map, activations, ruleOf, tell),
    );
    const known = new Map<Group, UnitRanking | undefined>();
    const rank = (group: Group): UnitRanking | undefined => {
      if (!known.has(group)) known.set(group, rankUnits(group, map, readings));
      return known.get(group);
    };
    const ranked = this.#rankedGroups(map, pass);
    await clock.time('rank channels', async (tell) => {
      for (const [index, { group }] of ranked.entries()) {
        rank(group);
        tell(index + 1, ranked.length);
        // Each takes up to seconds, in which no signal is heard.
        await clock.breathe();
      }
    });
    const sharing = this.#options.scope === 'global' ? ranked.filter(({ each }) => !each) : [];
    const rankings = sharing.map(({ group }) => [group, rank(group)] as const);
    const whole = rankings.flatMap(([group, own]) => (own === undefined ? [] : [[group, own] as const]));
    // An amount is shared by losses where all groups have some.
    if (rankings.length < 2 || whole.length < rankings.length) return rank;
    const losses = await clock.time('measure sensitivity', (onProgress) =>
      measureSensitivity(this.#model, { map, readings, rankings: new Map(whole) }, { activations, ruleOf, onProgress }),
    );
    return (group) => {
      const own = rank(group);
      return own && { ...own, losses: losses?.get(group) ?? own.losses };
    };
  }

  /** The groups whose units a pass ranks by what is lost, and whether they have amounts of their own. */
  #rankedGroups(map: ChannelMap, pass: PassOptions): { readonly group: Group; readonly each: boolean }[] {
    return selectGroups(map, this.#model.graph, {
      ...channelOptions(this.#options),
      ...pass,
      // Patterns that match nothing are found by who cuts.
      again: true,
    }).flatMap((one) =>
      one.keptBy === undefined && one.criterion === 'reconstruction'
        ? [{ group: one.group, each: one.amount.each }]
        : [],
    );
  }
}

/** How kept counts are rounded. */
export function alignmentOf({ align }: SettledOptions): PruneChannelsOptions['alignment'] {
  return align === 'auto'
    ? { block: kernelBlock(), strict: false }
    : { block: align === 'none' ? 1 : align, strict: true };
}

function channelOptions(
  options: SettledOptions,
): Pick<PruneChannelsOptions, 'criterion' | 'scope' | 'maxRatio' | 'seed' | 'exclude' | 'only' | 'allowApproximate'> {
  const { ranking, scope, maxRatio, seed, exclude, only, allowApproximate } = options;
  return {
    criterion: ranking.formula === undefined ? ranking.channels : 'formula',
    scope,
    maxRatio,
    seed,
    exclude,
    only,
    allowApproximate,
  };
}
