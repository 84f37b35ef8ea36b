import type { ChannelMap, Group } from '../channels/group.ts';
import type { UnitRanking } from '../criteria/criterion.ts';
import type { Node } from '../ir/node.ts';
import { type Consumer, eliminate } from '../numeric/eliminate.ts';
import { readMatrix } from './layer-matrix.ts';
import { isFlat } from './least-squares.ts';
import type { MeasuredReading } from './readings.ts';

/**
 * Ranks the units of a group by what the layers that read them lose: the least error in their outputs that least squares
 * leaves when the other channels take over. Units leave one by one, and what is left is judged anew after each, so that of two
 * channels that say the same one stays.
 * Source: Kurtic et al., "ZipLM: Inference-Aware Structured Pruning of Language Models", NeurIPS 2023 (structured optimal
 * brain surgeon); Frantar and Alistarh, "Optimal Brain Compression", NeurIPS 2022.
 *
 * @returns undefined where no layer that was measured reads the channels
 */
export function rankUnits(
  group: Group,
  map: ChannelMap,
  readings: ReadonlyMap<Node, MeasuredReading>,
): UnitRanking | undefined {
  const consumers = consumersOf(group, map, readings);
  if (consumers.length === 0) return undefined;
  const { order, losses, rest } = eliminate(consumers, group.count, { least: 1 });
  const scores = new Float64Array(group.count);
  [...order, ...rest].forEach((unit, place) => {
    scores[unit] = place;
  });
  let total = 0;
  const sums = new Float64Array(group.count);
  for (let k = 1; k < group.count; k++) {
    total += losses[k - 1] ?? 0;
    sums[k] = total;
  }
  return { scores, losses: sums };
}

/** Part of the mean variance of what a layer reads that is added to each, so that copies can be told apart. */
const DAMPING = 1e-4;

function consumersOf(group: Group, map: ChannelMap, readings: ReadonlyMap<Node, MeasuredReading>): Consumer[] {
  const nodes = new Set(group.members.filter(({ role }) => role === 'in').map(({ node }) => node));
  const consumers: Consumer[] = [];
  for (const reading of readings.values()) {
    const units = map.unitsAlong(reading.layer.data);
    if (units === undefined || !units.some((unit) => unit >= group.first && unit < group.first + group.count)) continue;
    nodes.delete(reading.node);
    for (let part = 0; part < reading.matrix.groups; part++) {
      const consumer = consumerOf(reading, part, group, units);
      if (consumer !== undefined) consumers.push(consumer);
    }
  }
  return consumers;
}

/** What one group of a layer's rows reads of the channels. */
function consumerOf(reading: MeasuredReading, part: number, group: Group, units: Int32Array): Consumer | undefined {
  const { matrix, kernel } = reading;
  const channels = matrix.features / matrix.kernel;
  const features = channels * kernel;
  const unitOf = Int32Array.from({ length: features }, (_, feature) => {
    const unit = (units[part * channels + Math.floor(feature / kernel)] ?? -1) - group.first;
    return unit >= 0 && unit < group.count ? unit : -1;
  });
  if (unitOf.every((unit) => unit < 0)) return undefined;
  const { weight, rows } = weightsOf(reading, part);
  const moments = covarianceOf(reading, part, features);
  // Channels that are the same on all data, but for rounding, say nothing of one another.
  const sums = { gram: reading.gram, count: Float64Array.of(reading.count) };
  if (isFlat(moments, sums, { features, group: part })) return undefined;
  const energy = energyOf(weight, rows, moments, features);
  if (!(energy > 0)) return undefined;
  let mean = 0;
  for (let i = 0; i < features; i++) mean += (moments[i * features + i] as number) / features;
  return { weight, rows, features, moments, damping: DAMPING * mean, unitOf, importance: 1 / energy };
}

/** The rows of one group; where channels were looked at as a whole, each position of the kernel is a row of its own. */
function weightsOf({ matrix, kernel }: MeasuredReading, part: number): { weight: Float64Array; rows: number } {
  const own = matrix.rows / matrix.groups;
  const all = readMatrix(matrix).subarray(part * own * matrix.features, (part + 1) * own * matrix.features);
  if (kernel === matrix.kernel) return { weight: all, rows: own };
  const channels = matrix.features / matrix.kernel;
  const rows = own * matrix.kernel;
  const weight = new Float64Array(rows * channels);
  for (let row = 0; row < own; row++)
    for (let channel = 0; channel < channels; channel++)
      for (let place = 0; place < matrix.kernel; place++)
        weight[(row * matrix.kernel + place) * channels + channel] = all[
          row * matrix.features + channel * matrix.kernel + place
        ] as number;
  return { weight, rows };
}

function covarianceOf({ gram, sum, count }: MeasuredReading, part: number, features: number): Float64Array {
  const covariance = gram.slice(part * features * features, (part + 1) * features * features);
  for (let i = 0; i < features; i++) {
    const mean = (sum[part * features + i] as number) / count;
    for (let j = 0; j < features; j++) {
      const at = i * features + j;
      covariance[at] = ((covariance[at] as number) - mean * (sum[part * features + j] as number)) / count;
    }
    // Rounding alone makes a variance negative.
    covariance[i * features + i] = Math.max(0, covariance[i * features + i] as number);
  }
  return covariance;
}

/** tr(W C Wᵀ): how much the outputs vary, summed over rows. */
function energyOf(weights: Float64Array, rows: number, moment: Float64Array, features: number): number {
  const product = new Float64Array(features);
  let energy = 0;
  for (let row = 0; row < rows; row++) {
    product.fill(0);
    const own = weights.subarray(row * features, (row + 1) * features);
    for (let i = 0; i < features; i++) {
      const weight = own[i] as number;
      for (let j = 0; j < features; j++)
        product[j] = (product[j] as number) + weight * (moment[i * features + j] as number);
    }
    for (let j = 0; j < features; j++) energy += (own[j] as number) * (product[j] as number);
  }
  return energy;
}
