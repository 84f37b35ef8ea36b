import { type Search, type SearchOptions, searchAmount, searchMost } from './budget/search.ts';
import type { Trial } from './channel-rounds.ts';
import { cloneModel, type Model } from './ir/model.ts';
import type { KnownRankings } from './known-rankings.ts';
import { type SettledOptions, withAmount } from './options/prune-options.ts';
import type { TargetKind } from './options/target.ts';
import type { GoalTry } from './report/report.ts';
import { type TransformTools, tryTransforms } from './run-transforms.ts';
import type { Stopwatch } from './stopwatch.ts';

/** What an amount is sought by. */
export interface Goal {
  readonly kind: TargetKind | 'drop';
  /** The most that a result may come to. */
  readonly limit: number;
  /** What a model comes to. */
  readonly measure: (model: Model) => Promise<number>;
  /** Whether that hangs on the numbers in the model, and not only on how many there are. */
  readonly readsNumbers: boolean;
}

/** What a search came to. */
export interface Sought {
  /** Where none kept to the goal: the largest amount for a target, the least for a drop. */
  readonly amount: number;
  readonly found: boolean;
  readonly tries: readonly GoalTry[];
}

/** What seeking needs besides the model. */
export interface SeekTools {
  readonly transforms: Omit<TransformTools, 'settle' | 'trial' | 'rankings'>;
  readonly clock: Stopwatch;
  /** Keeps what tries measure for the run that follows. */
  readonly rankings: KnownRankings;
}

/** What a try may cost: amounts are found to a thousandth where only counting follows, else to a point or two. */
const FINE: SearchOptions = { low: 0, high: 0.999, tolerance: 0.001, most: 13 };
const COARSE: SearchOptions = { low: 0, high: 0.99, tolerance: 0.01, most: 9 };
const DROP: SearchOptions = { low: 0.02, high: 0.98, tolerance: 0.02, most: 8 };
/** The part of the latency that is aimed at, so that measuring anew finds the result below all of it. */
const LATENCY_MARGIN = 0.97;

/**
 * Finds the amount that the options leave open: the least one that comes down to a target, or the largest one that loses no
 * more than it may. Each try prunes a clone of the model, which itself stays as it is.
 *
 * @param model as it is before channels leave
 */
export async function seekAmount(model: Model, options: SettledOptions, goal: Goal, tools: SeekTools): Promise<Sought> {
  const search = goal.kind === 'drop' ? DROP : isCounted(options, goal) ? FINE : COARSE;
  const tries: GoalTry[] = [];
  const clock = tools.clock.within(() => `find the amount (${tries.length + 1} of at most ${search.most})`);
  const trials = new Trials(model, options, goal, { ...tools, clock });
  const reach = async (amount: number): Promise<number> => {
    const reached = await trials.reach(amount);
    tries.push({ amount, reached, met: reached <= goal.limit });
    return reached;
  };
  const { found } = await (goal.kind === 'drop'
    ? searchMost(async (amount) => (await reach(amount)) <= goal.limit, search)
    : searchTarget(reach, goal, search));
  const nearest = goal.kind === 'drop' ? search.low : search.high;
  return { amount: found?.amount ?? nearest, found: found !== undefined, tries };
}

async function searchTarget(
  reach: (amount: number) => Promise<number>,
  { kind, limit }: Goal,
  search: SearchOptions,
): Promise<Pick<Search<number>, 'found'>> {
  if (kind !== 'latency') return searchAmount(reach, limit, search);
  const { found, tries } = await searchAmount(reach, limit * LATENCY_MARGIN, search);
  return { found: found ?? tries.findLast(({ outcome }) => outcome <= limit) };
}

/** Whether what a result comes to is known from how much of everything there is, without its numbers. */
function isOutline(
  { weights, rounds, scope, recover, oneShot, int8 }: SettledOptions,
  { readsNumbers, kind }: Goal,
): boolean {
  // Integers take fewer bytes, less time and scales, and cost answers, but multiply as often.
  if (int8 !== undefined && kind !== 'macs') return false;
  if (recover === 'none' && oneShot === undefined) return true;
  // What zeros free, and under a global scope what a new ranking says after recovery, hangs on numbers whatever is measured.
  return !readsNumbers && weights === undefined && (rounds === 1 || scope === 'uniform');
}

/** Whether a try takes no more than cutting and counting. */
function isCounted(options: SettledOptions, goal: Goal): boolean {
  return goal.kind !== 'latency' && isOutline(options, goal);
}

/** Prunes clones of a model by amounts and measures them. */
class Trials {
  readonly #model: Model;
  readonly #options: SettledOptions;
  readonly #goal: Goal;
  readonly #tools: SeekTools;
  /** By what left: alignment makes the same model of several amounts. */
  readonly #known = new Map<string, number>();

  constructor(model: Model, options: SettledOptions, goal: Goal, tools: SeekTools) {
    this.#model = model;
    this.#options = options;
    this.#goal = goal;
    this.#tools = tools;
  }

  async reach(amount: number): Promise<number> {
    const outline = isOutline(this.#options, this.#goal);
    const { rounds, weights } = this.#options;
    // Of the same channels, in one round, comes the same model.
    const isTold = rounds === 1 && weights === undefined;
    const first = await this.#try(amount, outline || isTold ? 'outline' : 'whole');
    const known = isTold ? this.#known.get(first.cut) : undefined;
    if (known !== undefined) return known;
    const { model } = outline || !isTold ? first : await this.#try(amount, 'whole');
    const reached = await this.#goal.measure(model);
    if (isTold) this.#known.set(first.cut, reached);
    return reached;
  }

  async #try(amount: number, trial: Trial): Promise<{ readonly model: Model; readonly cut: string }> {
    const { model } = cloneModel(this.#model);
    const { transforms, clock, rankings } = this.#tools;
    const settled = withAmount(this.#options, amount);
    const isUnranked = trial === 'outline' && settled.rounds > 1;
    const options = isUnranked ? unranked(settled) : settled;
    const tools = { ...transforms, clock, trial, ...(!isUnranked && { rankings }) };
    const { pruning } = await tryTransforms(model, { ...options, verify: false }, tools);
    return { model, cut: JSON.stringify(pruning.axes) };
  }
}

/** Where each group loses its own amount, which channels leave has no say in how many do, and need not be measured every round. */
function unranked(options: SettledOptions): SettledOptions {
  const { ranking, layers } = options;
  return {
    ...options,
    ranking: { ...ranking, formula: undefined, channels: 'fan-out' },
    layers: layers.map(({ match, amount, exclude }) => ({ match, amount, exclude })),
  };
}
