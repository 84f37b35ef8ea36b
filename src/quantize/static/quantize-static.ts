import type { RuleLookup } from '../../channels/couplings.ts';
import { present } from '../../errors.ts';
import type { Model } from '../../ir/model.ts';
import type { Node } from '../../ir/node.ts';
import type { Value } from '../../ir/value.ts';
import type { Histogram } from '../../numeric/histogram.ts';
import { measureHistograms } from '../measure.ts';
import { type Quantizer, uint8Quantizer, within } from '../ranges/parameters.ts';
import { chooseRange, type RangeMethod } from '../ranges/range.ts';
import { unionOf } from '../ranges/union.ts';
import { type RoundingTools, roundLayers } from '../round-layers.ts';
import type { RoundingOptions } from '../round-rows.ts';
import { type LayerPlan, noteOf, type RoundingNote } from '../round-unseen.ts';
import { insertQuantizers, type QuantizerPair, quantizeOutputs } from './insert.ts';
import type { Placement, QuantizedValue } from './place.ts';
import { shieldFloats } from './shield.ts';
import { storeIntegers } from './store-integers.ts';

/** How ranges are chosen and weights rounded. */
export interface StaticOptions extends RoundingOptions {
  readonly ranges: RangeMethod;
}

/** What became of the activations and the weights. */
export interface StaticResult {
  readonly layers: readonly RoundingNote[];
  /** Values that are integers now, the sharing ones together. */
  readonly activations: number;
  readonly quantizers: number;
}

/** Integers of weights: symmetric, so that products with the zero point of the data need no correction. */
export const INT8: { readonly least: number; readonly most: number } = { least: -127, most: 127 };

/**
 * Makes the nodes of a placement run on integers, in place: values by QuantizeLinear and DequantizeLinear with scales from
 * calibration data, weights as int8 with a scale for each output channel, biases as int32.
 *
 * @throws OnnxPruneError `bad-data` where a value becomes NaN or infinite on the data
 */
export async function quantizeStatic(
  model: Model,
  placement: Placement,
  ruleOf: RuleLookup,
  options: StaticOptions,
  tools: RoundingTools,
): Promise<StaticResult> {
  const { graph } = model;
  const { nodes, values } = placement;
  const quantizers = await chooseQuantizers(model, values, options.ranges, tools);
  const pairs = insertQuantizers(graph, values, quantizers);
  const scales = scalesByReader(pairs);
  shieldFloats(graph, placement, ruleOf, new Set(scales.keys()));
  const dataScale = (node: Node): number | undefined => {
    const data = nodes.get(node)?.inputs.map((index) => node.inputs[index]) ?? [];
    return data.map((value) => value && scales.get(value)).find((scale) => scale !== undefined);
  };
  const plans = new Map<Node, LayerPlan>();
  for (const [node, { weight }] of nodes) {
    const layer = ruleOf(node).layer?.(node);
    if (weight !== undefined && layer !== undefined) plans.set(node, { layer, grid: INT8, dataScale: dataScale(node) });
  }
  const rounded = await roundLayers(model, plans, ruleOf, options, tools);
  storeIntegers(graph, nodes, rounded, dataScale);
  quantizeOutputs(graph, values, pairs);
  return { layers: [...rounded.values()].map(noteOf), activations: values.length, quantizers: quantizers.size };
}

/** One quantizer for each class of values that share one. */
async function chooseQuantizers(
  model: Model,
  values: readonly QuantizedValue[],
  method: RangeMethod,
  { activations, onProgress }: RoundingTools,
): Promise<Map<number, Quantizer>> {
  const histograms = await measureHistograms(
    model,
    values.map(({ value }) => value),
    activations,
    { onProgress },
  );
  const classes = new Map<number, QuantizedValue[]>();
  for (const each of values) classes.set(each.sharing, [...(classes.get(each.sharing) ?? []), each]);
  return new Map(
    [...classes].map(([sharing, members]) => {
      const all = members.map(
        ({ value }): Histogram => present(histograms.get(value), `the spread of "${value.name}"`),
      );
      const range = chooseRange(unionOf(all), method);
      const limits = members.map((member) => member.limits).find((each) => each !== undefined);
      return [sharing, (limits && within(range, limits)) ?? uint8Quantizer(range)];
    }),
  );
}

function scalesByReader(pairs: ReadonlyMap<Value, QuantizerPair>): Map<Value, number> {
  return new Map([...pairs.values()].map(({ dequantized, scale }) => [dequantized, scale]));
}
