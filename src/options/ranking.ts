import { type CriterionName, criteria } from '../criteria/criteria.ts';
import { looksLikeFormula } from '../criteria/formula/formula.ts';
import { OnnxPruneError } from '../errors.ts';
import { nearestWord } from '../numeric/nearest-word.ts';
import { PRUNE_DEFAULTS } from './prune-defaults.ts';
import { valueText } from './value-text.ts';

/** How channels and weights are ranked. */
export interface Ranking {
  readonly channels: CriterionName;
  readonly weights: 'magnitude' | 'random';
  /** An expression that ranks both, in the place of the names. */
  readonly formula: string | undefined;
}

/** A ranking of channels, and, where it is not the same, of weights. */
export interface Rankings extends Ranking {
  /** The expression that ranks weights. */
  readonly weightFormula: string | undefined;
}

/** What a criterion has to rank. */
interface Wanted {
  readonly channels: boolean;
  readonly weights: boolean;
  /** Whether calibration data are given. */
  readonly calibrated?: boolean;
}

const OF_WEIGHTS = ['magnitude', 'random'] as const;

/**
 * One criterion for channels, weights or both. What it does not fit is ranked as if nobody had said anything.
 * @throws OnnxPruneError `bad-option` for a name that is none, or that fits nothing of what is asked for
 */
export function parseRanking(found: string | undefined, wanted: Wanted, option = '--criterion'): Ranking {
  const usual: Ranking = {
    channels: wanted.calibrated ? 'reconstruction' : PRUNE_DEFAULTS.criterion,
    weights: PRUNE_DEFAULTS.weightCriterion,
    formula: undefined,
  };
  if (found === undefined) return usual;
  if (typeof found === 'string' && looksLikeFormula(found)) return { ...usual, formula: found };
  const ofChannels = criteria.map(({ name }) => name);
  const all = [...ofChannels, 'magnitude'];
  if (!wanted.channels && !wanted.weights && all.includes(found)) {
    throw new OnnxPruneError(
      'bad-option',
      option,
      `${option} ${found} ranks what leaves, and nothing says how much should: give --structured or --unstructured, or leave it out.`,
    );
  }
  const fitting = [
    ...(wanted.channels || !wanted.weights ? ofChannels : []),
    ...(wanted.weights ? OF_WEIGHTS.filter((name) => !wanted.channels || name !== 'random') : []),
  ];
  if (all.includes(found) && !fitting.some((name) => name === found)) {
    const [kind, amount] = wanted.channels ? ['channels', '--unstructured'] : ['weights', '--structured'];
    throw new OnnxPruneError(
      'bad-option',
      option,
      `${option} ${found} cannot rank ${kind}, and ${amount}, which it is for, was not given; ${kind} are ranked by ${fitting.join(', ')}, or a formula such as "abs(w) * row_norm".`,
    );
  }
  const name = fitting.find((each) => each === found) ?? refuse(option, found, fitting);
  if (name === 'reconstruction' && !wanted.calibrated) {
    throw new OnnxPruneError(
      'bad-option',
      option,
      `${option} ${name} ranks channels by what is lost on calibration data, and none were given; add --calibration with a few hundred inputs of the model.`,
    );
  }
  return {
    channels: ofChannels.find((each) => each === name) ?? usual.channels,
    weights: OF_WEIGHTS.find((each) => each === name) ?? usual.weights,
    formula: undefined,
  };
}

/**
 * One criterion for channels and weights, or one for each.
 * @throws OnnxPruneError `bad-option` as `parseRanking` does, and for a criterion of weights where none become zero
 */
export function parseRankings(both: string | undefined, ofWeights: string | undefined, wanted: Wanted): Rankings {
  if (ofWeights === undefined) {
    const shared = parseRanking(both, wanted);
    return { ...shared, weightFormula: shared.formula };
  }
  const option = '--weight-criterion';
  if (!wanted.weights) {
    throw new OnnxPruneError(
      'bad-option',
      option,
      `${option} ranks weights, and nothing says which become zero: give --unstructured, --threshold or --pattern.`,
    );
  }
  const weights = parseRanking(ofWeights, { channels: false, weights: true }, option);
  const channels = parseRanking(both, { ...wanted, weights: false });
  return { ...channels, weights: weights.weights, weightFormula: weights.formula };
}

function refuse(option: string, found: unknown, fitting: readonly string[]): never {
  const near = typeof found === 'string' ? nearestWord(found, fitting) : undefined;
  const end = near === undefined ? '; a formula of one word goes into parentheses' : ` (did you mean "${near}"?)`;
  throw new OnnxPruneError(
    'bad-option',
    option,
    `${option} must be one of ${fitting.join(', ')}, or a formula such as "abs(w) * row_norm", but is ${valueText(found)}${end}.`,
  );
}
