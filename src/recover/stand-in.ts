import type { Group } from '../channels/group.ts';
import { factorize, solveRows } from '../numeric/cholesky.ts';
import { addProducts } from '../numeric/products.ts';
import { covarianceOf } from './covariance.ts';
import { readMatrix } from './layer-matrix.ts';
import { dampingOf, elementOf, partsOf, type ReaderPart, sumsOf, unitsRead, weightsRead } from './reader-part.ts';
import type { MeasuredReading } from './readings.ts';

/** What a layer does without some of the channels that it reads. */
export interface StandIn {
  /** Its matrix as `readMatrix` gives it, zero for the channels that it does without. */
  readonly elements: Float64Array;
  /** What to add to each of its outputs [rows]. */
  readonly bias: Float64Array;
}

/**
 * The weights of a layer once units of a group have left and its other channels have taken over: W_K + W_G·C_GK·(C_KK + λI)⁻¹
 * for the features K that stay and G that leave, C being their covariance, and the means of what leaves and of what takes over
 * in the bias; of a layer that takes no bias, C are second moments. Zeros for what leaves make the whole layer give what the
 * narrow one would.
 * Source: He et al. 2017 ("Channel Pruning for Accelerating Very Deep Neural Networks"), step 2.
 *
 * @param unitsAlong the unit of each channel that the layer reads
 * @param leaving one flag for each unit of the group
 */
export function standInFor(
  reading: MeasuredReading,
  group: Group,
  unitsAlong: Int32Array,
  leaving: Uint8Array,
  affine: boolean,
): StandIn {
  const elements = readMatrix(reading.matrix);
  const bias = new Float64Array(reading.matrix.rows);
  for (const part of partsOf(reading)) {
    const gone = Uint8Array.from(unitsRead(reading, part, group, unitsAlong), (unit) => leaving[unit] ?? 0);
    if (gone.includes(1)) replace(reading, part, gone, affine, { elements, bias });
  }
  return { elements, bias };
}

function replace(
  reading: MeasuredReading,
  part: ReaderPart,
  gone: Uint8Array,
  affine: boolean,
  { elements, bias }: StandIn,
): void {
  const { rows, features } = part;
  const covariance = covarianceOf(reading, sumsOf(reading, part), affine);
  const weights = weightsRead(reading, part);
  const places = [...gone.keys()];
  const leave = places.filter((feature) => gone[feature] === 1);
  const stay = places.filter((feature) => gone[feature] === 0);
  const damping = dampingOf(reading, part, covariance);
  const changes = takeOver({ covariance, damping }, weights, part, { leave, stay });
  const { gain } = reading.layer;
  const positions = reading.matrix.kernel / reading.kernel;
  const firstRow = (part.part * reading.matrix.rows) / reading.matrix.groups;
  for (let row = 0; row < rows; row++) {
    let mean = 0;
    for (const feature of leave) {
      mean += (weights[row * features + feature] as number) * meanOf(reading, part, feature);
      elements[elementOf(reading, part, row, feature)] = 0;
    }
    stay.forEach((feature, i) => {
      const change = changes[row * stay.length + i] as number;
      mean -= change * meanOf(reading, part, feature);
      const at = elementOf(reading, part, row, feature);
      elements[at] = (elements[at] as number) + change;
    });
    const output = firstRow + Math.floor(row / positions);
    if (affine) bias[output] = (bias[output] as number) + gain * mean;
  }
}

/** What the features that stay take over, [rows, stay]. */
function takeOver(
  { covariance, damping }: { readonly covariance: Float64Array; readonly damping: number },
  weights: Float64Array,
  { rows, features }: ReaderPart,
  { leave, stay }: { readonly leave: readonly number[]; readonly stay: readonly number[] },
): Float64Array {
  const changes = new Float64Array(rows * stay.length);
  if (stay.length === 0) return changes;
  const pick = (from: Float64Array, height: readonly number[], width: readonly number[]): Float64Array => {
    const picked = new Float64Array(height.length * width.length);
    height.forEach((row, i) => {
      width.forEach((column, j) => {
        picked[i * width.length + j] = from[row * features + column] as number;
      });
    });
    return picked;
  };
  const own = pick(
    weights,
    Array.from({ length: rows }, (_, row) => row),
    leave,
  );
  const shared = pick(covariance, stay, leave);
  const width = leave.length;
  addProducts(
    { data: changes, at: 0, stride: stay.length },
    1,
    { data: own, at: 0, stride: width },
    rows,
    { data: shared, at: 0, stride: width },
    stay.length,
    width,
  );
  const factor = factorize(pick(covariance, stay, stay), stay.length, damping);
  solveRows(factor, changes, rows);
  return changes;
}

function meanOf({ sum, count }: MeasuredReading, { part, features }: ReaderPart, feature: number): number {
  return (sum[part * features + feature] as number) / count;
}
