import { OnnxPruneError } from '../errors.ts';
import { SCHEDULES, SCOPES } from './choices.ts';
import {
  type Pattern,
  parseAmount,
  parseChoice,
  parseFraction,
  parsePattern,
  parsePositive,
  parseWhole,
} from './parse.ts';
import { PRUNE_DEFAULTS } from './prune-defaults.ts';

/** Options that speak of single weights. */
export interface WeightOptions {
  /** Fraction of the weights to make zero: 0.9 or "90%"; after channels were removed, where both are asked for. */
  readonly unstructured?: number | string | undefined;
  /** Makes the weights zero whose score (magnitude, unless there is another criterion) is below this. */
  readonly threshold?: number | string | undefined;
  /** Makes all but N of every M weights along the summed axis zero: "2:4". */
  readonly pattern?: string | undefined;
  /** Names or globs of biases, normalizations or embeddings whose elements may become zero too. */
  readonly include?: readonly string[] | undefined;
  /** How weights are ranked, where that is not as `criterion` says. */
  readonly weightCriterion?: string | undefined;
  /** How the amount of weights is shared out, where that is not as `scope` says. */
  readonly weightScope?: 'uniform' | 'global' | 'lamp' | string | undefined;
  /** How `unstructured` is reached: at once in every step, or by a polynomial of the third degree from `initial`. */
  readonly schedule?: 'constant' | 'polynomial' | string | undefined;
  /** Steps of the schedule. */
  readonly steps?: number | string | undefined;
  /** Sparsity that a polynomial schedule starts from. */
  readonly initial?: number | string | undefined;
}

/** Which weights become zero. */
export type WeightShare =
  | { readonly kind: 'amount'; readonly amount: number }
  | { readonly kind: 'threshold'; readonly threshold: number }
  | ({ readonly kind: 'pattern' } & Pattern);

/** How an amount is reached in steps. */
export interface WeightSchedule {
  readonly kind: 'constant' | 'polynomial';
  readonly steps: number;
  readonly initial: number;
}

/** What is wanted of single weights. */
export interface WeightWishes {
  readonly how: WeightShare;
  readonly schedule: WeightSchedule | undefined;
}

const MOST_STEPS = 1000;

/**
 * Checks the options that speak of single weights.
 * @returns undefined where none is to become zero
 * @throws OnnxPruneError `bad-option`, also for options that exclude each other
 */
export function checkWeightWishes(options: WeightOptions): WeightWishes | undefined {
  const { unstructured, threshold, pattern, schedule, steps, initial } = options;
  const given = [
    ...(unstructured === undefined ? [] : ['--unstructured']),
    ...(threshold === undefined ? [] : ['--threshold']),
    ...(pattern === undefined ? [] : ['--pattern']),
  ];
  if (given.length > 1) {
    throw new OnnxPruneError(
      'bad-option',
      given[1] ?? '',
      `${given.join(' and ')} each say which weights become zero; give one of them.`,
    );
  }
  const how: WeightShare | undefined =
    unstructured !== undefined
      ? { kind: 'amount', amount: parseAmount('--unstructured', unstructured) }
      : threshold !== undefined
        ? { kind: 'threshold', threshold: parsePositive('--threshold', threshold) }
        : pattern !== undefined
          ? { kind: 'pattern', ...parsePattern('--pattern', pattern) }
          : undefined;
  if (how === undefined && options.include !== undefined && options.include.length > 0) {
    throw new OnnxPruneError(
      'bad-option',
      '--include',
      '--include lets elements of further tensors become zero, and nothing says how many: give --unstructured, --threshold or --pattern.',
    );
  }
  const kind = schedule === undefined ? undefined : parseChoice('--schedule', schedule, SCHEDULES);
  if (kind === undefined) {
    // Steps without a schedule may be rounds in which channels leave.
    if (initial !== undefined)
      throw new OnnxPruneError(
        'bad-option',
        '--initial',
        '--initial belongs to a schedule; add --schedule polynomial or --schedule constant.',
      );
    return how && { how, schedule: undefined };
  }
  if (how?.kind !== 'amount') {
    throw new OnnxPruneError(
      'bad-option',
      '--schedule',
      '--schedule leads to the amount of --unstructured in steps, and that was not given.',
    );
  }
  if (kind === 'constant' && initial !== undefined) {
    throw new OnnxPruneError(
      'bad-option',
      '--initial',
      '--initial is where --schedule polynomial starts from; a constant one has the whole amount in every step.',
    );
  }
  const from = parseFraction('--initial', initial ?? PRUNE_DEFAULTS.initial, { value: how.amount, included: true });
  return {
    how,
    schedule: { kind, steps: parseWhole('--steps', steps ?? PRUNE_DEFAULTS.steps, 1, MOST_STEPS), initial: from },
  };
}

/** How amounts of channels and of weights are shared out. */
export interface Scopes {
  readonly scope: 'uniform' | 'global';
  readonly weightScope: (typeof SCOPES)[number];
}

/**
 * One scope for channels and weights, or one for each; `lamp` is of weights alone.
 * @throws OnnxPruneError `bad-option`, also for a scope that would share nothing out
 */
export function checkScopes(
  options: Pick<WeightOptions, 'weightScope'> & { readonly scope?: string | undefined },
  prunesChannels: boolean,
  weights: WeightWishes | undefined,
): Scopes {
  const scope = parseChoice('--scope', options.scope ?? PRUNE_DEFAULTS.scope, SCOPES);
  const own =
    options.weightScope === undefined ? undefined : parseChoice('--weight-scope', options.weightScope, SCOPES);
  const kind = weights?.how.kind;
  const refuse = (option: string, value: string): never => {
    const why =
      kind === undefined
        ? 'shares out the amount of --unstructured, which was not given'
        : `shares out an amount, but --${kind} holds for every tensor alike; leave ${option} out, or give --unstructured instead`;
    throw new OnnxPruneError('bad-option', option, `${option} ${value} ${why}.`);
  };
  if (kind !== 'amount') {
    if (own !== undefined) refuse('--weight-scope', own);
    const isForNothing = scope === 'lamp' || (scope === 'global' && kind !== undefined && !prunesChannels);
    if (isForNothing) refuse('--scope', scope);
  }
  return { scope: scope === 'global' ? 'global' : 'uniform', weightScope: own ?? scope };
}
