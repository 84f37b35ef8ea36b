import type { RuleLookup } from '../channels/couplings.ts';
import type { Model } from '../ir/model.ts';
import { graphsIn, labelOf, type Node } from '../ir/node.ts';
import type { Value } from '../ir/value.ts';
import type { Activations } from '../recover/activations.ts';
import { isFlat } from '../recover/covariance.ts';
import { readMatrix } from '../recover/layer-matrix.ts';
import { addMoments, centred, count, errorOf, fitCorrection, shiftFor } from '../recover/least-squares.ts';
import type { Lineage } from '../recover/lineage.ts';
import { corrected } from '../recover/recover.ts';
import { replaceWeights } from '../recover/replace-weights.ts';
import { sparseStopsOf } from '../recover/sparse-stops.ts';
import type { Stop } from '../recover/stops.ts';
import { type Visit, Walk } from '../recover/walk.ts';
import { FEW_STEPS, type RoundingOptions, scaling } from './round-rows.ts';
import {
  byWeight,
  type LayerPlan,
  leastScales,
  type RoundedLayer,
  roundedTensor,
  roundUnseen,
} from './round-unseen.ts';
import { roundWeights } from './rounding/round.ts';

/** What rounding on calibration data needs. */
export interface RoundingTools {
  readonly lineage: Lineage;
  readonly activations: Activations;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Part of a layer's weights that are zero from which on it counts as sparse: its zeros were chosen, and its weights fitted to them. */
const SPARSE = 0.1;

/**
 * Rounds the weights of layers to their grids, in place: floats stay floats, each a scale times a small integer.
 *
 * With calibration data layer by layer, each on what the layers before it, already rounded (and their data, where quantizers are
 * in the graph), give it: the target is what the output would have to be for the whole model's, and what rounding a weight does
 * to the output the weights after it, and the bias, make up for.
 *
 * @param plans by node
 * @returns by weight, in executable order
 */
export async function roundLayers(
  model: Model,
  plans: ReadonlyMap<Node, LayerPlan>,
  ruleOf: RuleLookup,
  options: RoundingOptions,
  tools: RoundingTools | undefined,
): Promise<Map<Value, RoundedLayer>> {
  const weights = byWeight(plans);
  const stops =
    tools === undefined
      ? []
      : sparseStopsOf(model, tools.lineage, ruleOf, weights).stops.filter(
          (stop): stop is Stop => stop.kind === 'layer' && plans.has(stop.node),
        );
  const seen = new Set(stops.map(({ layer }) => layer.weight));
  const rounded = new Map<Value, RoundedLayer>();
  for (const [weight, nodes] of weights) {
    if (seen.has(weight)) continue;
    const done = roundUnseen(nodes, options);
    const [, plan] = nodes[0] ?? [];
    if (done === undefined || plan === undefined) continue;
    rounded.set(weight, done);
    // Bodies have weights of their own.
    const owner = graphsIn(model.graph).find((graph) => graph.owns(weight));
    owner?.setTensor(weight, roundedTensor(done, plan));
  }
  if (tools === undefined) return rounded;
  const walk = new Walk(model, tools.lineage, stops, tools.activations, ruleOf);
  for (const [index, stop] of stops.entries()) {
    tools.onProgress?.(index, stops.length);
    const plan = plans.get(stop.node);
    if (plan === undefined) continue;
    const near = options.method === 'nearest' ? roundUnseen([[stop.node, plan]], options) : undefined;
    if (near !== undefined) model.graph.setTensor(stop.layer.weight, roundedTensor(near, plan));
    // What is read need not be known where weights do not hang on it.
    const visit = await walk.visit(stop, index, near === undefined);
    const done =
      near === undefined ? roundSeen(walk, stop, visit, plan, options) : { ...near, ...balance(walk, stop, visit) };
    rounded.set(stop.layer.weight, done);
  }
  tools.onProgress?.(stops.length, stops.length);
  await walk.finish();
  return inOrder(rounded, weights.keys());
}

function inOrder(rounded: ReadonlyMap<Value, RoundedLayer>, order: Iterable<Value>): Map<Value, RoundedLayer> {
  const sorted = new Map<Value, RoundedLayer>();
  for (const weight of order) {
    const layer = rounded.get(weight);
    if (layer !== undefined) sorted.set(weight, layer);
  }
  return sorted;
}

/**
 * Has the bias of a layer, whose weights are rounded, make up for what its output lacks on average.
 * Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019, section 4.2, with
 * what is lacking measured, as in its appendix.
 */
function balance(
  walk: Walk,
  stop: Stop,
  { halves, shares, energy, affine }: Visit,
): Pick<RoundedLayer, 'after' | 'energy'> {
  const { rows, groups } = stop.matrix;
  const shape = { rows, groups, features: 0 };
  const unchanged = new Float64Array(0);
  const all = halves.reduce(addMoments);
  const check = halves.slice(1).find((half) => count(half) > 0);
  const shift = affine ? shiftFor(unchanged, all, shape) : new Float64Array(rows);
  walk.apply(stop, { matrix: undefined, shift: shift.map((each, row) => each * (shares[row] as number)) });
  return { after: errorOf({ matrix: unchanged, bias: shift }, check ?? all, shape), energy };
}

/** Rounds a layer on what it reads and lacks, and has its bias make up for what is left. */
function roundSeen(walk: Walk, stop: Stop, visit: Visit, plan: LayerPlan, options: RoundingOptions): RoundedLayer {
  const { halves, shares, energy, affine } = visit;
  const { node, layer, matrix } = stop;
  const { rows, features, groups } = matrix;
  const own = rows / groups;
  const all = halves.reduce(addMoments);
  const check = halves.slice(1).find((half) => count(half) > 0);
  // With many steps what is lacking before a layer is too little for a fit to be worth its time; zeros were fitted to already.
  // Of fewer positions than features nothing can be learnt that would hold for others.
  const method = count(all) < features ? 'nearest' : options.method;
  const refits = method === 'gptq' && plan.grid.most <= FEW_STEPS && zeroShare(readMatrix(matrix)) < SPARSE;
  const wanted = corrected(stop, fitCorrection(halves, matrix, { affine, matrix: refits }), shares);
  const block = plan.grid.block ?? features;
  const blocks = Math.ceil(features / block);
  const elements = new Float64Array(wanted.length);
  const codes = new Int8Array(wanted.length);
  const scales = new Float32Array(rows * blocks);
  const least = leastScales(plan, matrix);
  for (let group = 0; group < groups; group++) {
    const { covariance } = centred(all, { features, own, group }, affine);
    const flat = isFlat(covariance, all, { features, group, count: count(all) });
    const [from, to] = [group * own, (group + 1) * own];
    const problem = {
      weights: wanted.slice(from * features, to * features),
      rows: own,
      columns: features,
      grid: { ...plan.grid, block },
      leastScales: least.slice(from, to),
      // Data that say nothing must not decide.
      ...(!flat && { moment: covariance }),
    };
    const part = roundWeights(problem, method, scaling(problem.grid, options));
    elements.set(part.weights, from * features);
    codes.set(part.codes, from * features);
    scales.set(part.scales, from * blocks);
  }
  return {
    node: labelOf(node),
    weight: layer.weight,
    matrix,
    rows,
    columns: features,
    codes,
    scales,
    after: replaceWeights(walk, stop, visit, elements, { all, check }),
    energy,
    method,
  };
}

function zeroShare(weights: Float64Array): number {
  let zeros = 0;
  for (const weight of weights) zeros += weight === 0 ? 1 : 0;
  return zeros / weights.length;
}
