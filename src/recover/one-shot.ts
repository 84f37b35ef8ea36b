import type { Model } from '../ir/model.ts';
import { labelOf } from '../ir/node.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { Value } from '../ir/value.ts';
import { isFlat } from './covariance.ts';
import { withElements } from './layer-matrix.ts';
import { addMoments, centred, count, fitCorrection } from './least-squares.ts';
import type { Lineage } from './lineage.ts';
import type { Moments, SecondMoments } from './moments.ts';
import type { ProductStop } from './product-stops.ts';
import { corrected, type RecoverTools } from './recover.ts';
import { replaceWeights } from './replace-weights.ts';
import { energy as energyOf } from './sparse/error.ts';
import { diagonalOf, type Share } from './sparse/problem.ts';
import { type SparseMethod, solveSparse } from './sparse/solve.ts';
import { sparseStopsOf, weightOf } from './sparse-stops.ts';
import type { Stop } from './stops.ts';
import { type Visit, Walk } from './walk.ts';

/** How zeros of a layer are chosen: by one method, or by the one that is best on data that were held out. */
export type OneShotMethod = SparseMethod | 'best';

/** How many elements of a weight become zero: an exact number, or all but `keep` of every `of` channels. */
export type SparsePlan = (
  | { readonly kind: 'amount'; readonly zeros: number }
  | { readonly kind: 'pattern'; readonly keep: number; readonly of: number }
) & {
  /** What the weight was before any step made it sparse, where there was one before; of the same dims. */
  readonly whole?: Tensor | undefined;
};

/** What became of one layer. */
export interface SparseLayer {
  readonly node: string;
  readonly initializer: string;
  /** The method whose zeros were taken. */
  readonly method: SparseMethod;
  /**
   * Mean square of what its output lacks, and of how its output varies, summed over channels. Of a weight inside an operator:
   * of what its products lack, and of themselves.
   */
  readonly after: number;
  readonly energy: number;
}

/** How weights became zero on calibration data. */
export interface OneShotReport {
  /** The method that was asked for: `best` is the one of them that was best on data held out, layer by layer. */
  readonly method: OneShotMethod;
  readonly samples: number;
  /** In executable order. */
  readonly layers: readonly SparseLayer[];
  /** Weights whose layers cannot be seen by themselves: their least magnitudes became zero, and nothing made up for them. */
  readonly byMagnitude: readonly ByMagnitude[];
}

/** A weight that could not be seen to on calibration data, and why: ends the sentence "by magnitude because …". */
export interface ByMagnitude {
  readonly initializer: string;
  readonly reason: string;
}

/**
 * Makes the weights of layers sparse, in place: layer by layer, each on what the layers before it, already sparse, give it.
 * The target of each is what it would have to be for its output to be that of the whole model; its zeros, and the weights
 * that stay, are those that come nearest. Weights inside an operator, whose sums cannot be looked at, come nearest to what they
 * were, on what they are multiplied with by then.
 *
 * @param plans by weight; those whose layers cannot be seen by themselves are left as they are
 * @returns the layers that were made sparse, in executable order
 */
export async function sparsifyLayers(
  model: Model,
  lineage: Lineage,
  plans: ReadonlyMap<Value, SparsePlan>,
  { activations, ruleOf, onProgress }: RecoverTools,
  method: OneShotMethod,
): Promise<SparseLayer[]> {
  const { stops } = sparseStopsOf(model, lineage, ruleOf, plans);
  const walk = new Walk(model, lineage, stops, activations, ruleOf);
  const layers: SparseLayer[] = [];
  for (const [index, stop] of stops.entries()) {
    onProgress?.(index, stops.length);
    const plan = plans.get(weightOf(stop));
    if (plan === undefined) continue;
    layers.push(
      stop.kind === 'layer'
        ? sparsify(walk, stop, await walk.visit(stop, index), plan, method)
        : sparsifyProduct(stop, await walk.visitProduct(stop), plan, method),
    );
  }
  onProgress?.(stops.length, stops.length);
  await walk.finish();
  return layers;
}

function sparsify(walk: Walk, stop: Stop, visit: Visit, plan: SparsePlan, method: OneShotMethod): SparseLayer {
  const { halves, shares, energy, affine } = visit;
  const { node, layer, matrix } = stop;
  const { rows, features, groups } = matrix;
  const own = rows / groups;
  const all = halves.reduce(addMoments);
  const check = halves.slice(1).find((half) => count(half) > 0);
  const wanted = corrected(stop, fitCorrection(halves, matrix, { affine, matrix: true }), shares);
  const elements = new Float64Array(wanted.length);
  let used: SparseMethod = method === 'best' ? 'magnitude' : method;
  for (let group = 0; group < groups; group++) {
    const part = { features, own, group };
    const { covariance } = centred(all, part, affine);
    const flat = isFlat(covariance, all, { features, group, count: count(all) });
    const weights = wanted.slice(group * own * features, (group + 1) * own * features);
    const solution = solveSparse(
      method,
      {
        weights,
        rows: own,
        columns: features,
        // Data that say nothing must not decide: all that is read is then taken to matter as much, and nothing takes over.
        moment: flat ? identity(features) : covariance,
        norms: flat ? new Float64Array(features).fill(1) : meanSquares(all, group, features),
        share: shareOf(plan, matrix, group),
      },
      check === undefined || flat ? {} : { check: centred(check, part, affine).covariance },
    );
    elements.set(solution.weights, group * own * features);
    used = solution.method;
  }
  return {
    node: labelOf(node),
    initializer: layer.weight.name,
    method: used,
    after: replaceWeights(walk, stop, visit, elements, { all, check }),
    energy,
  };
}

/** Makes a weight inside an operator sparse: its rows come nearest to what they were on what they are multiplied with. */
function sparsifyProduct(
  { node, product, tensor, rows, features, groups }: ProductStop,
  halves: readonly SecondMoments[],
  plan: SparsePlan,
  method: OneShotMethod,
): SparseLayer {
  const before = Float64Array.from((plan.whole ?? tensor).floats());
  const elements = new Float64Array(before.length);
  const own = rows / groups;
  let used: SparseMethod = method === 'best' ? 'magnitude' : method;
  const held = halves.slice(1).filter((half) => count(half) > 0);
  let [after, energy] = [0, 0];
  for (let group = 0; group < groups; group++) {
    const weights = before.slice(group * own * features, (group + 1) * own * features);
    const moment = meanMoment(halves, group, features);
    const check = held.length === 0 ? moment : meanMoment(held, group, features);
    const problem = {
      weights,
      rows: own,
      columns: features,
      moment,
      share: shareOf(plan, { groups, kernel: 1 }, group),
    };
    const solution = solveSparse(method, problem, { check });
    const change = solution.weights.map((each, i) => each - (weights[i] as number));
    elements.set(solution.weights, group * own * features);
    used = solution.method;
    after += energyOf(change, own, features, check);
    energy += energyOf(weights, own, features, check);
  }
  node.graph.setTensor(product.weight, withElements(tensor, elements));
  return { node: labelOf(node), initializer: product.weight.name, method: used, after, energy };
}

/** E x·xᵀ of what one group of rows is multiplied with, [features, features]. */
function meanMoment(parts: readonly SecondMoments[], group: number, features: number): Float64Array {
  const mean = new Float64Array(features * features);
  const positions = parts.reduce((sum, part) => sum + count(part), 0);
  for (const { gram } of parts) {
    const own = gram.subarray(group * mean.length, (group + 1) * mean.length);
    for (let i = 0; i < own.length; i++) mean[i] = (mean[i] as number) + (own[i] as number) / positions;
  }
  return mean;
}

/** The share of one group of rows: zeros are spread evenly over groups. */
function shareOf(
  plan: SparsePlan,
  { groups, kernel }: Pick<Stop['matrix'], 'groups' | 'kernel'>,
  group: number,
): Share {
  if (plan.kind === 'pattern') return { kind: 'pattern', keep: plan.keep, of: plan.of, inner: kernel };
  const upTo = (count: number): number => Math.floor((plan.zeros * count) / groups);
  return { kind: 'amount', zeros: upTo(group + 1) - upTo(group), per: 'layer' };
}

/** I [size, size]. */
function identity(size: number): Float64Array {
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) matrix[i * size + i] = 1;
  return matrix;
}

/** E x² of what one group reads. */
function meanSquares(moments: Moments, group: number, features: number): Float64Array {
  const own = moments.gram.subarray(group * features * features, (group + 1) * features * features);
  return diagonalOf(own, features).map((square) => square / count(moments));
}
