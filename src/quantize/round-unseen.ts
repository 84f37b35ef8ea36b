import { labelOf, type Node } from '../ir/node.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { Value } from '../ir/value.ts';
import type { Layer } from '../ops/rule.ts';
import { type LayerMatrix, layerMatrix, matrixReader, writeMatrix } from '../recover/layer-matrix.ts';
import { numbersOf, type RoundingOptions, roundRows } from './round-rows.ts';
import type { Grid } from './rounding/grid.ts';
import { rowsThatFit } from './rounding/overflow.ts';
import type { RoundingMethod } from './rounding/round.ts';

/** How the weight of a layer is rounded. */
export interface LayerPlan {
  readonly layer: Layer;
  readonly grid: Omit<Grid, 'block'> & {
    /** Features that share a scale; all of a row where absent. */
    readonly block?: number | undefined;
  };
  /** Scale of the integers that the layer reads, where it has a bias of integers: 32 bits must hold that. */
  readonly dataScale?: number | undefined;
}

/** A weight on its grid. */
export interface RoundedWeight {
  readonly node: string;
  readonly weight: Value;
  readonly rows: number;
  readonly columns: number;
  /** Row-major [rows, columns], and [rows, blocks]. */
  readonly codes: Int8Array;
  readonly scales: Float32Array;
  /** Mean square of what the output lacks, and of how it varies, summed over channels; null where nothing was measured. */
  readonly after: number | null;
  readonly energy: number | null;
  /** Whether rounding errors were made up for by the weights that were rounded later. */
  readonly method: RoundingMethod;
}

/** The weight of a layer on its grid. */
export interface RoundedLayer extends RoundedWeight {
  readonly matrix: LayerMatrix;
}

/** What is told of a weight that was rounded. */
export interface RoundingNote extends Pick<RoundedWeight, 'node' | 'weight' | 'after' | 'energy' | 'method'> {
  /** Elements. */
  readonly weights: number;
  /** Whether sums of some row may overflow without int8 instructions. */
  readonly overflows: boolean;
}

/** Notes what became of a weight, without its integers, so that these need not be kept. */
export function noteOf({ node, weight, after, energy, method, codes, rows, columns }: RoundedWeight): RoundingNote {
  const overflows = rowsThatFit(codes, rows, columns).some((fits) => fits === 0);
  return { node, weight, after, energy, method, weights: codes.length, overflows };
}

/** What a bias may grow to while layers are corrected. */
const BIAS_MARGIN = 4;
const LARGEST_INT32 = 2 ** 31 - 1;

/** Nodes that read the same weight, with their plans. */
export type Planned = readonly (readonly [Node, LayerPlan])[];

/** Nodes that share a weight share its integers. */
export function byWeight(plans: ReadonlyMap<Node, LayerPlan>): Map<Value, Planned> {
  const weights = new Map<Value, (readonly [Node, LayerPlan])[]>();
  for (const entry of plans) {
    const { weight } = entry[1].layer;
    const nodes = weights.get(weight) ?? [];
    nodes.push(entry);
    weights.set(weight, nodes);
  }
  return weights;
}

/** Rounds a weight to the nearest integers, whatever it is multiplied with. */
export function roundUnseen(nodes: Planned, options: RoundingOptions): RoundedLayer | undefined {
  const [first] = nodes;
  const matrix = first && layerMatrix(first[1].layer);
  if (first === undefined || matrix === undefined) return undefined;
  const [node, { layer, grid }] = first;
  const { rows, features: columns } = matrix;
  const least = nodes.map(([, plan]) => leastScales(plan, matrix)).reduce(largerOf);
  const rounded = roundRows(
    { rows, columns, read: matrixReader(matrix) },
    { ...grid, block: grid.block ?? columns },
    options,
    least,
  );
  const common = { node: labelOf(node), weight: layer.weight, matrix, rows, columns };
  return { ...common, ...rounded, after: null, energy: null, method: 'nearest' };
}

/** The weight of a layer with the numbers that its integers stand for. */
export function roundedTensor({ matrix, rows, columns, codes, scales }: RoundedLayer, { grid }: LayerPlan): Tensor {
  return writeMatrix(matrix, numbersOf({ codes, scales }, { rows, columns }, grid.block ?? columns));
}

/** Scales per row below which 32 bits would not hold the bias, whose scale is that of the data times that of the weight. */
export function leastScales({ layer, dataScale }: LayerPlan, { rows }: LayerMatrix): Float64Array {
  const { value, gain } = layer.bias;
  const least = new Float64Array(rows);
  if (value?.tensor === undefined || dataScale === undefined) return least;
  const bias = value.tensor.floats();
  for (let row = 0; row < rows; row++) {
    const number = Math.abs((bias[bias.length === 1 ? 0 : row] ?? 0) * gain);
    least[row] = (BIAS_MARGIN * number) / (dataScale * LARGEST_INT32);
  }
  return least;
}

function largerOf(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((each, i) => Math.max(each, b[i] as number));
}
