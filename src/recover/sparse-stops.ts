import type { RuleLookup } from '../channels/couplings.ts';
import type { Model } from '../ir/model.ts';
import type { Value } from '../ir/value.ts';
import type { Lineage } from './lineage.ts';
import { type ProductStop, productStopsOf } from './product-stops.ts';
import { type Stop, stopsOf } from './stops.ts';

/** Which weights can be made sparse on calibration data, and why others cannot. */
export interface SparseStops {
  /** In executable order. */
  readonly stops: readonly (Stop | ProductStop)[];
  /** By weight: ends the sentence "by magnitude because …". */
  readonly reasons: ReadonlyMap<Value, string>;
}

/**
 * The places where weights are multiplied that can be seen by themselves: layers, by what their outputs lack, and constants
 * inside a node, by what they are multiplied with.
 * @param weights those that are to become sparse
 */
export function sparseStopsOf(
  model: Model,
  lineage: Lineage,
  ruleOf: RuleLookup,
  weights: { has(weight: Value): boolean },
): SparseStops {
  const places = new Map(model.graph.sorted().map((node, place) => [node, place] as const));
  const all = [...stopsOf(model, lineage, ruleOf, 'all'), ...productStopsOf(model, ruleOf)]
    .filter((stop) => weights.has(weightOf(stop)))
    .sort((a, b) => (places.get(a.node) ?? 0) - (places.get(b.node) ?? 0));
  return {
    stops: all.filter((stop) => whyNot(stop) === undefined),
    reasons: new Map(
      all.flatMap((stop) => {
        const reason = whyNot(stop);
        return reason === undefined ? [] : [[weightOf(stop), reason] as const];
      }),
    ),
  };
}

/** Why a weight cannot be seen to; undefined where it can. */
function whyNot(stop: Stop | ProductStop): string | undefined {
  return stop.kind === 'layer' ? stop.reason : stop.fixed;
}

/** The weight that is multiplied. */
export function weightOf(stop: Stop | ProductStop): Value {
  return stop.kind === 'layer' ? stop.layer.weight : stop.product.weight;
}
