import type { ChannelMap, Group } from '../channels/group.ts';
import type { UnitRanking } from '../criteria/criterion.ts';
import type { Node } from '../ir/node.ts';
import { type Consumer, eliminate } from '../numeric/eliminate.ts';
import { covarianceOf, isFlat } from './covariance.ts';
import { dampingOf, partsOf, type ReaderPart, sumsOf, unitsRead, weightsRead } from './reader-part.ts';
import type { MeasuredReading } from './readings.ts';
import { energy } from './sparse/error.ts';

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

function consumersOf(group: Group, map: ChannelMap, readings: ReadonlyMap<Node, MeasuredReading>): Consumer[] {
  const consumers: Consumer[] = [];
  for (const reading of readings.values()) {
    const units = map.unitsAlong(reading.layer.data);
    if (units === undefined || !units.some((unit) => unit >= group.first && unit < group.first + group.count)) continue;
    for (const part of partsOf(reading)) {
      const consumer = consumerOf(reading, part, group, units);
      if (consumer !== undefined) consumers.push(consumer);
    }
  }
  return consumers;
}

/** What one group of a layer's rows reads of the channels. */
function consumerOf(reading: MeasuredReading, part: ReaderPart, group: Group, units: Int32Array): Consumer | undefined {
  const { rows, features } = part;
  const unitOf = unitsRead(reading, part, group, units);
  if (unitOf.every((unit) => unit < 0)) return undefined;
  const weight = weightsRead(reading, part);
  const sums = sumsOf(reading, part);
  const moments = covarianceOf(reading, sums, true);
  // Channels that are the same on all data, but for rounding, say nothing of one another.
  if (isFlat(moments, reading, sums)) return undefined;
  const outputs = energy(weight, rows, features, moments);
  if (!(outputs > 0)) return undefined;
  return {
    weight,
    rows,
    features,
    moments,
    damping: dampingOf(reading, part, moments),
    unitOf,
    importance: 1 / outputs,
  };
}
