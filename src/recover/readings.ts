import type { RuleLookup } from '../channels/couplings.ts';
import type { ChannelMap } from '../channels/group.ts';
import { extractModel } from '../ir/extract.ts';
import type { Model } from '../ir/model.ts';
import type { Node } from '../ir/node.ts';
import type { Activations } from './activations.ts';
import { layerMatrix } from './layer-matrix.ts';
import { hasPatches, MomentBuilder, type MomentNames, type Reading } from './moments.ts';
import { stageOf } from './part-stage.ts';
import { MOST_FEATURES } from './stops.ts';

/** What a layer that sums over channels reads, on the calibration data. */
export interface MeasuredReading extends Reading {
  /**
   * Features per channel that were told apart: all positions of the kernel, or 1 where there would be too many features
   * and channels were looked at as a whole.
   */
  readonly kernel: number;
  readonly count: number;
  /** Σ x [groups · features] and Σ x·xᵀ [groups, features, features]. */
  readonly sum: Float64Array;
  readonly gram: Float64Array;
}

/** Features of a layer up to which those of one channel are told apart. */
const MOST_APART = 1152;
/** Numbers of all second moments together that are held at once. */
const MOST_NUMBERS = 2 ** 26;

/**
 * Measures what layers read of the channels that can leave: means and second moments, in one run over the data.
 * @param onProgress hears of every batch that is done
 * @returns by node; layers that read too many channels, or for which there is no room, are absent
 */
export async function measureReadings(
  model: Model,
  map: ChannelMap,
  activations: Activations,
  ruleOf: RuleLookup,
  onProgress?: (done: number, total: number) => void,
): Promise<ReadonlyMap<Node, MeasuredReading>> {
  const readings = readingsOf(model, map, ruleOf);
  const part = extractModel(
    model,
    new Set(),
    readings.map(({ layer }) => layer.data.value),
  );
  const builder = new MomentBuilder(part.model.graph, ruleOf, activations.samples);
  let room = MOST_NUMBERS;
  const measured: { readonly reading: Reading; readonly kernel: number; readonly names: MomentNames }[] = [];
  for (const reading of readings) {
    const { groups, features, kernel } = reading.matrix;
    const numbers = groups * features * features;
    const apart = features <= MOST_APART && numbers <= room && hasPatches(reading, ruleOf);
    const taken = apart ? numbers : numbers / kernel ** 2;
    if (taken > room) continue;
    room -= taken;
    const data = part.twinOf(reading.layer.data.value);
    const input = apart ? builder.addInput(reading, data) : builder.addChannels(reading, data);
    if (input !== undefined) measured.push({ reading, kernel: apart ? kernel : 1, names: input.names });
  }
  if (measured.length === 0) return new Map();
  const sum = measured.flatMap(({ names }) => Object.values(names));
  const sums = await activations.run({ ...stageOf(part, { side: 'whole' }), sum, halves: false }, onProgress);
  const of = (name: string | undefined): Float64Array =>
    (name === undefined ? undefined : sums.get(name)?.[0]) ?? new Float64Array(0);
  return new Map(
    measured.map(({ reading, kernel, names }) => [
      reading.node,
      { ...reading, kernel, count: of(names.count)[0] ?? 0, sum: of(names.sum), gram: of(names.gram) },
    ]),
  );
}

/** The layers that sum over channels that can leave. */
function readingsOf({ graph }: Model, map: ChannelMap, ruleOf: RuleLookup): Reading[] {
  return map.couplings.flatMap(({ node }): Reading[] => {
    const layer = node.graph === graph ? ruleOf(node).layer?.(node) : undefined;
    const matrix = layer && layerMatrix(layer);
    if (layer?.columns === undefined || matrix === undefined || node.opset < 7) return [];
    if (matrix.features / matrix.kernel > MOST_FEATURES) return [];
    return map.unitsAlong(layer.data)?.some((unit) => unit >= 0) === true ? [{ node, layer, matrix }] : [];
  });
}
