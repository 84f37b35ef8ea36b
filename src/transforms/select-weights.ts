import type { WeightKind, WeightTensor } from '../channels/weight-tensors.ts';
import { OnnxPruneError } from '../errors.ts';
import type { Graph } from '../ir/graph.ts';
import { initializersIn, labelOf, nodesIn } from '../ir/node.ts';
import { type FloatType, isFloatType } from '../numeric/float-bytes.ts';
import type { Pattern } from '../numeric/pattern.ts';
import { type NamePattern, namePattern } from './name-patterns.ts';
import type { LayerRule } from './select-groups.ts';

/** Which weights may lose elements. Patterns are globs or names of initializers, or of the nodes that read them. */
export interface WeightSelection {
  /** Weights that one of these matches stay. */
  readonly exclude: readonly string[];
  /** Where any are given, weights that none matches stay. */
  readonly only: readonly string[];
  /** Embeddings, biases and other constants that are no weights of layers take part where one of these matches. */
  readonly include: readonly string[];
  /** The last that matches a weight decides on its amount, and whether it is excluded. */
  readonly layers: readonly LayerRule[];
  /** Patterns but those of `include` may match nothing: a step before has seen to that, and what it cut may be gone. */
  readonly again?: boolean | undefined;
}

/** A weight that may lose elements. */
export interface WeightCandidate {
  readonly weight: WeightTensor;
  readonly type: FloatType;
  /** Fraction of this very weight, where a recipe gives one. */
  readonly amount: number | undefined;
  /** The axis that is summed over; absent where it cannot follow the pattern that is asked for, or none is. */
  readonly columns: number | undefined;
}

/** A weight that stays, and why: ends the sentence "left whole because …". */
export interface KeptWeight {
  readonly weight: WeightTensor;
  readonly reason: string;
  /** Whether it stays since the pattern does not fit it. */
  readonly isMisfit: boolean;
}

/** The weights of a graph, parted. */
export interface SelectedWeights {
  readonly candidates: readonly WeightCandidate[];
  readonly kept: readonly KeptWeight[];
}

/** Why a constant stays that nobody has asked for. */
const STAYS: Readonly<Record<Exclude<WeightKind, 'weight'>, string>> = {
  embedding: 'it is an embedding (--include takes it)',
  bias: 'it is a bias (--include takes it)',
  normalization: 'it is a parameter of a normalization (--include takes it)',
  other: 'no layer is known to sum with it (--include takes it)',
};

/**
 * Applies the user's wishes to the weights of a graph.
 * @param pattern that the weights must follow, where one is asked for
 * @throws OnnxPruneError `bad-option` for names that match no node and no initializer of the graph, `unsupported` for a
 *   pattern that fits no weight
 */
export function selectWeights(
  weights: readonly WeightTensor[],
  graph: Graph,
  selection: WeightSelection,
  pattern: Pattern | undefined,
): SelectedWeights {
  const wishes = new Wishes(graph, selection);
  const candidates: WeightCandidate[] = [];
  const kept: KeptWeight[] = [];
  for (const weight of weights) {
    const { type } = weight.tensor;
    const veto = wishes.vetoOf(weight);
    if (veto !== undefined) kept.push({ weight, reason: veto, isMisfit: false });
    else if (!isFloatType(type)) kept.push({ weight, reason: `it stores ${type}`, isMisfit: false });
    else {
      const amount = wishes.amountOf(weight);
      const misfit = pattern === undefined || amount !== undefined ? undefined : misfitOf(weight, pattern);
      if (misfit === undefined) candidates.push({ weight, type, amount, columns: weight.columns });
      else kept.push({ weight, reason: misfit, isMisfit: true });
    }
  }
  const example = candidates.length === 0 ? kept.find(({ isMisfit }) => isMisfit) : undefined;
  if (example !== undefined && pattern !== undefined) throw unfit(pattern, example);
  return { candidates, kept };
}

/** Why a weight cannot follow a pattern; undefined where it can. */
function misfitOf({ tensor, columns, groups, isDepthwise }: WeightTensor, { of }: Pattern): string | undefined {
  if (isDepthwise) return 'its layer has 1 input per group';
  if (columns === undefined) return 'it has no one axis that is summed over';
  const width = (tensor.dims[columns] ?? 0) / groups;
  if (width % of === 0) return undefined;
  return `its summed axis has length ${width}${groups > 1 ? ' in each group' : ''}, which is not a multiple of ${of}`;
}

function unfit({ keep, of }: Pattern, { weight, reason }: KeptWeight): OnnxPruneError {
  const node = weight.nodes[0];
  const reader = node === undefined ? '' : ` of node "${labelOf(node)}"`;
  return new OnnxPruneError(
    'unsupported',
    weight.name,
    `The pattern ${keep}:${of} fits no weight of the model: weight "${weight.name}"${reader}, for one, stays whole because ${reason}; give another pattern, or an amount.`,
  );
}

/** The patterns of names, read once. */
class Wishes {
  readonly #excluded: readonly NamePattern[];
  readonly #chosen: readonly NamePattern[];
  readonly #included: readonly NamePattern[];
  readonly #layers: readonly { readonly layer: LayerRule; readonly patterns: readonly NamePattern[] }[];

  constructor(graph: Graph, { exclude, only, include, layers, again }: WeightSelection) {
    const all = [...nodesIn(graph), ...initializersIn(graph)].map(({ name }) => name);
    const read = (option: string, patterns: readonly string[], mayMiss = again === true): NamePattern[] =>
      patterns.map((pattern) => namePattern(option, pattern, all, mayMiss));
    this.#excluded = read('--exclude', exclude);
    this.#chosen = read('--only', only);
    // No other step has looked at these.
    this.#included = read('--include', include, false);
    this.#layers = layers.map((layer) => ({ layer, patterns: read('The recipe’s "match"', layer.match) }));
  }

  /** Why a weight stays; undefined where it may lose elements. */
  vetoOf(weight: WeightTensor): string | undefined {
    const hit = (each: NamePattern): boolean => namesOf(weight).some(each.matches);
    const veto = this.#excluded.find(hit);
    if (veto !== undefined) return `--exclude "${veto.pattern}"`;
    if (this.#chosen.length > 0 && !this.#chosen.some(hit)) return 'no --only pattern matches it';
    if (this.#rulesOf(weight).findLast((rule) => rule.exclude !== undefined)?.exclude === true)
      return 'the recipe excludes it';
    return weight.kind === 'weight' || this.#included.some(hit) ? undefined : STAYS[weight.kind];
  }

  amountOf(weight: WeightTensor): number | undefined {
    return this.#rulesOf(weight).findLast((rule) => rule.amount !== undefined)?.amount;
  }

  #rulesOf(weight: WeightTensor): LayerRule[] {
    const names = namesOf(weight);
    return this.#layers
      .filter(({ patterns }) => patterns.some((each) => names.some(each.matches)))
      .map(({ layer }) => layer);
  }
}

function namesOf({ values, nodes }: WeightTensor): string[] {
  return [...values, ...nodes].map(({ name }) => name);
}
