import { type Schedule, sparsitiesOf } from '../budget/schedule.ts';
import { shareWeights, type WeightBudget } from '../budget/share-weights.ts';
import { weightTensorsOf } from '../channels/weight-tensors.ts';
import { keyAt, nameOfCriterion, rankWeights, type WeightCriterion } from '../criteria/weight-scores.ts';
import { OnnxPruneError, present } from '../errors.ts';
import { checkGraph } from '../ir/check.ts';
import type { Graph } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { graphsIn, initializersIn } from '../ir/node.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { Value } from '../ir/value.ts';
import { countEqual, countUnranked, type Keys } from '../numeric/keys.ts';
import { type Pattern, zeroPattern } from '../numeric/pattern.ts';
import { ReopenedKeys } from '../numeric/reopened-keys.ts';
import { stridesOf } from '../numeric/slices.ts';
import { type Zeros, zeroBelow } from '../numeric/zero.ts';
import { ruleOf } from '../ops/rules.ts';
import type { OneShotReport } from '../recover/one-shot.ts';
import { describeKept, describeLayer, type PrunedLayer, type WholeWeights } from './describe-weights.ts';
import { type SelectedWeights, selectWeights, type WeightCandidate, type WeightSelection } from './select-weights.ts';

/** Name of the step in reports and failures. */
export const NAME = 'prune weights';

/** Which elements become zero. */
export type WeightShare =
  | {
      readonly kind: 'amount';
      /** Fraction of the weights, 0 to 1, those counted that are zero already. */
      readonly amount: number;
      /**
       * `uniform`: of each weight tensor. `global`: of all together, under one threshold. `lamp`: of all together, by
       * layer-adaptive magnitudes.
       */
      readonly scope: 'uniform' | 'global' | 'lamp';
    }
  /** All with a score below this. */
  | { readonly kind: 'threshold'; readonly threshold: number }
  /** All but `keep` of every `of` along the axis that the layer sums over. */
  | ({ readonly kind: 'pattern' } & Pattern);

/** What to make zero. */
export interface PruneWeightsOptions extends WeightSelection {
  readonly how: WeightShare;
  readonly criterion: WeightCriterion;
  /** Decides what the criterion `random` draws. */
  readonly seed: number;
  /**
   * `reuse` writes zeros over the weights themselves, which nobody may read then: neither a clone of the model nor the
   * message that it came from.
   */
  readonly memory: 'copy' | 'reuse';
  /** How an amount is reached; at once where it is absent. */
  readonly schedule?: Schedule | undefined;
  /** Awaited after every step of the schedule but the last, counted from 1. It may change the weights. */
  readonly between?: ((step: number) => void | Promise<void>) | undefined;
}

/** What became zero. */
export interface PruneWeightsReport {
  readonly name: typeof NAME;
  readonly how: WeightShare;
  readonly criterion: string;
  /** Elements of the weights that took part. */
  readonly weights: number;
  /** Those of them that became zero. */
  readonly zeroed: number;
  /** Those of them that are zero now. */
  readonly zeros: number;
  /** Fraction that is zero now; 0 where no weight took part. */
  readonly sparsity: number;
  readonly layers: readonly PrunedLayer[];
  /** Weights that took no part, and constants that are no weights. */
  readonly kept: readonly WholeWeights[];
  /** The amount of each step of the schedule. */
  readonly steps?: readonly number[];
  /** How they were chosen, where that was on calibration data. */
  readonly oneShot?: OneShotReport | undefined;
}

/**
 * Makes the least important elements of the weights of layers zero, in place; the graph stays as it is. Of elements
 * that score equally those of later weights in the file leave first, and in a weight those of higher index.
 *
 * @param model normalised, with static facts
 * @throws OnnxPruneError `bad-option` for names that match nothing and scores that are not finite, `bad-model` for
 *   weights that are not finite, `unsupported` for a pattern that fits no weight. Some weights may have changed then.
 */
export async function pruneWeights(model: Model, options: PruneWeightsOptions): Promise<PruneWeightsReport> {
  const { graph } = model;
  const { how, criterion, schedule } = options;
  checkScope(how, criterion);
  const steps = how.kind === 'amount' && schedule !== undefined ? schedule : undefined;
  const count = steps?.steps ?? 1;
  const first = new Map<Value, number>();
  const zeros = new Map<WeightCandidate, Zeros>();
  let selected = select(graph, options);
  for (let step = 1; step <= count; step++) {
    if (step > 1) {
      await options.between?.(step - 1);
      selected = select(graph, { ...options, again: true });
    }
    const amountAt = (final: number): number =>
      steps === undefined ? final : present(sparsitiesOf(steps, final)[step - 1], `the sparsity of step ${step}`);
    zeros.clear();
    for (const [candidate, each] of new WeightStep(graph, options, amountAt).run(selected.candidates)) {
      zeros.set(candidate, each);
      const key = headOf(candidate);
      if (!first.has(key)) first.set(key, each.before);
    }
  }
  checkGraph(graph, NAME);
  const layers = selected.candidates.map((candidate) => {
    const { before, added } = present(zeros.get(candidate), `the zeros of "${candidate.weight.name}"`);
    return describeLayer(candidate.weight, first.get(headOf(candidate)) ?? before, before + added);
  });
  const total = (of: (layer: PrunedLayer) => number): number => layers.reduce((sum, layer) => sum + of(layer), 0);
  const weights = total((layer) => layer.weights);
  const zero = total((layer) => layer.zerosAfter);
  return {
    name: NAME,
    how,
    criterion: nameOfCriterion(criterion),
    weights,
    zeroed: zero - total((layer) => layer.zerosBefore),
    zeros: zero,
    sparsity: weights === 0 ? 0 : zero / weights,
    layers,
    kept: describeKept(selected.kept),
    ...(how.kind === 'amount' && steps !== undefined && { steps: sparsitiesOf(steps, how.amount) }),
  };
}

function select(graph: Graph, options: PruneWeightsOptions): SelectedWeights {
  const pattern = options.how.kind === 'pattern' ? options.how : undefined;
  return selectWeights(weightTensorsOf(graph, ruleOf), graph, options, pattern);
}

/** The initializer that stands for a weight from step to step. */
function headOf({ weight }: WeightCandidate): Value {
  return present(weight.values[0], `the initializer of "${weight.name}"`);
}

/** Layer-adaptive scores are made of magnitudes. @throws OnnxPruneError `bad-option` for another criterion */
function checkScope(how: WeightShare, criterion: WeightCriterion): void {
  if (how.kind !== 'amount' || how.scope !== 'lamp' || criterion === 'magnitude') return;
  throw new OnnxPruneError(
    'bad-option',
    '--scope',
    `--scope lamp ranks weights by magnitude, not by "${nameOfCriterion(criterion)}"; leave the criterion out, or give --scope global or uniform.`,
  );
}

/** How many tensors have their bytes at an offset of a buffer: a function inlined twice has its constants twice. */
type Holders = ReadonlyMap<ArrayBufferLike, ReadonlyMap<number, number>>;

function holdersIn(graph: Graph): Holders {
  const holders = new Map<ArrayBufferLike, Map<number, number>>();
  for (const tensor of new Set(initializersIn(graph).map((value) => value.tensor))) {
    const bytes = tensor?.proto.rawData;
    if (!(bytes instanceof Uint8Array) || bytes.byteLength === 0) continue;
    const counts = holders.get(bytes.buffer) ?? new Map<number, number>();
    counts.set(bytes.byteOffset, (counts.get(bytes.byteOffset) ?? 0) + 1);
    holders.set(bytes.buffer, counts);
  }
  return holders;
}

/** One step of pruning. */
class WeightStep {
  readonly #options: PruneWeightsOptions;
  /** The amount of this step on the way to one. */
  readonly #amountAt: (final: number) => number;
  readonly #owners: ReadonlyMap<Value, Graph>;
  readonly #holders: Holders;
  readonly #reopened = new ReopenedKeys();

  constructor(graph: Graph, options: PruneWeightsOptions, amountAt: (final: number) => number) {
    this.#options = options;
    this.#amountAt = amountAt;
    this.#owners = new Map(
      graphsIn(graph).flatMap((each) => [...each.initializers].map((value): [Value, Graph] => [value, each])),
    );
    this.#holders = holdersIn(graph);
  }

  /** Prunes candidates that share a budget together, and the others one by one, so that few scores are held at a time. */
  *run(candidates: readonly WeightCandidate[]): Generator<[WeightCandidate, Zeros]> {
    const { how } = this.#options;
    const isShared = ({ amount }: WeightCandidate): boolean =>
      amount === undefined && how.kind === 'amount' && how.scope !== 'uniform';
    yield* this.#pruneTogether(candidates.filter(isShared));
    for (const each of candidates) {
      if (isShared(each)) continue;
      if (how.kind === 'pattern' && each.amount === undefined) yield [each, this.#prunePattern(each, how)];
      else yield* this.#pruneTogether([each]);
    }
  }

  *#pruneTogether(candidates: readonly WeightCandidate[]): Generator<[WeightCandidate, Zeros]> {
    const ranked = candidates.map((each) => {
      const amount = each.amount === undefined ? undefined : this.#amountAt(each.amount);
      return { ...this.#rank(each), amount };
    });
    const { boundaries, unranked } = shareWeights(ranked, this.#budget());
    candidates.forEach((each, i) => {
      checkFinite(each, unranked[i] ?? 0);
    });
    for (const [i, candidate] of candidates.entries()) {
      const { keys, read } = present(ranked[i], `the keys of "${candidate.weight.name}"`);
      const boundary = present(boundaries[i], `the boundary of "${candidate.weight.name}"`);
      if (boundary.key === 0) yield [candidate, { before: countEqual(keys, 0), added: 0 }];
      else
        yield [candidate, this.#overwrite(candidate, read(), (own) => zeroBelow(candidate.type, own, keys, boundary))];
    }
    this.#reopened.close();
  }

  #prunePattern(candidate: WeightCandidate, pattern: Pattern): Zeros {
    const { keys, read } = this.#rank(candidate);
    checkFinite(candidate, countUnranked(keys));
    const { tensor, columns } = candidate.weight;
    const strides = stridesOf(tensor.dims, present(columns, `the summed axis of "${candidate.weight.name}"`));
    return this.#overwrite(candidate, read(), (own) => zeroPattern(candidate.type, own, keys, strides, pattern));
  }

  /** The keys of a weight, and its bytes; those in a file are read for each pass over them. */
  #rank({ weight, type }: WeightCandidate): { readonly keys: Keys; readonly read: () => Uint8Array } {
    const { criterion, seed } = this.#options;
    const { tensor } = weight;
    if (tensor.isStored) {
      const open = (): Keys => rankWeights(criterion, weight, type, tensor.raw(), seed);
      return { keys: this.#reopened.of(tensor.size, open), read: () => tensor.raw() };
    }
    const bytes = tensor.raw();
    return { keys: rankWeights(criterion, weight, type, bytes, seed), read: () => bytes };
  }

  #budget(): WeightBudget {
    const { how, criterion } = this.#options;
    switch (how.kind) {
      case 'amount':
        return { ...how, amount: this.#amountAt(how.amount) };
      case 'threshold':
        return { kind: 'threshold', key: keyAt(criterion, how.threshold) };
      case 'pattern':
        // Weights that share no amount have one of their own.
        return { kind: 'amount', amount: 0, scope: 'uniform' };
    }
  }

  /** Bytes that the message does not hold (typed fields, another file) were made for the asking. */
  #mayOverwrite({ proto }: Tensor, bytes: Uint8Array): boolean {
    if (bytes !== proto.rawData) return true;
    return this.#options.memory === 'reuse' && this.#holders.get(bytes.buffer)?.get(bytes.byteOffset) === 1;
  }

  /** Has the bytes of a weight changed, or a copy of them, and gives all initializers that hold it the result. */
  #overwrite({ weight }: WeightCandidate, bytes: Uint8Array, change: (bytes: Uint8Array) => Zeros): Zeros {
    const own = this.#mayOverwrite(weight.tensor, bytes) ? bytes : bytes.slice();
    const zeros = change(own);
    if (zeros.added === 0) return zeros;
    const tensor = weight.tensor.withData(weight.tensor.dims, own);
    for (const value of weight.values)
      present(this.#owners.get(value), `the graph of "${value.name}"`).setTensor(value, tensor);
    return zeros;
  }
}

/** @throws OnnxPruneError `bad-model` where some elements are not finite */
function checkFinite({ weight }: WeightCandidate, unranked: number): void {
  if (unranked === 0) return;
  throw new OnnxPruneError(
    'bad-model',
    weight.name,
    `Weight "${weight.name}" holds ${unranked} NaN or infinite ${unranked === 1 ? 'number' : 'numbers'}, which no one can rank; repair the model, or leave it out with --exclude "${weight.name}".`,
  );
}
