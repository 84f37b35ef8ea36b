import type { RuleLookup } from '../../channels/couplings.ts';
import { PlaceMap } from '../../channels/places.ts';
import type { Graph } from '../../ir/graph.ts';
import { graphsIn, type Node } from '../../ir/node.ts';
import { type Axis, dimsOf, type Value } from '../../ir/value.ts';
import { axis } from '../../ops/coupling.ts';
import { type NumberedPositions, numberPositions } from './number-positions.ts';
import { type Region, regionOf, type Taker } from './region.ts';
import { canScale, type ScaledConstant } from './scaled-constant.ts';

/**
 * A value whose channels can be divided by positive factors, channel by channel, without a change in what the network computes:
 * what makes the value takes the reciprocals, every layer that reads it takes the factors.
 */
export interface EqualizableSite {
  /** A value that layers read, and its axis along the channels. */
  readonly value: Value;
  readonly dim: number;
  /** How many factors there are: as many as channels, unless some have to share one. */
  readonly channels: number;
  /** The channel of each position along axes that layers read: that of `value` and, where they read it in other forms, further ones. */
  readonly read: readonly { readonly axis: Axis; readonly channelOf: Int32Array }[];
  /** Constants that take reciprocals: rows and biases of layers, gains and offsets of normalizations, products and sums. */
  readonly makers: readonly ScaledConstant[];
  /** Weights whose columns take factors. */
  readonly readers: readonly ScaledConstant[];
}

/**
 * Finds all values whose channels can have factors: data of linear layers made by linear layers, by normalizations, or by products
 * with constants, where only operators that hand positive factors on stand between (rectifiers, maxima and means over
 * positions, moves, sums of which all terms can have them), all constants are float32 and no part is an output.
 * Sites share no value. Sources: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
 * Correction", ICCV 2019, section 4.1; Xiao et al., "SmoothQuant", ICML 2023, section 4.
 */
export function equalizableSites(graph: Graph, ruleOf: RuleLookup): readonly EqualizableSite[] {
  return graphsIn(graph).flatMap((each) => sitesOf(each, ruleOf));
}

function sitesOf(graph: Graph, ruleOf: RuleLookup): EqualizableSite[] {
  const sites: EqualizableSite[] = [];
  const seen = new PlaceMap<true>();
  for (const node of graph.sorted()) {
    const seed = seedOf(node, ruleOf);
    if (seed === undefined || seen.get(seed) !== undefined) continue;
    const followed = regionOf(seed, graph, ruleOf);
    const site = 'region' in followed ? siteOf(followed.region) : undefined;
    const settled = 'barred' in followed ? followed.barred : site === undefined ? [seed] : followed.region.axes;
    for (const each of settled) seen.set(each, true);
    if (site !== undefined) sites.push(site);
  }
  return sites;
}

/** The axis along which a node's constants could take reciprocals. */
function seedOf(node: Node, ruleOf: RuleLookup): Axis | undefined {
  const rule = ruleOf(node);
  const out = rule.layer?.(node)?.out ?? rule.scaling?.(node)?.out;
  if (out !== undefined) return out;
  const passage = rule.passage?.(node);
  const [result] = node.outputs;
  if (passage?.kind !== 'elementwise' || passage.multiples !== 'product' || result === undefined) return undefined;
  const constant = node.inputs.find((value) => value?.tensor !== undefined && value.tensor.size > 1);
  const dims = constant?.tensor?.dims ?? [];
  const own = dims.findIndex((length) => length > 1);
  const rank = dimsOf(result)?.length;
  return own < 0 || rank === undefined ? undefined : axis(result, rank - dims.length + own);
}

function siteOf({ axes, links, makers, readers }: Region): EqualizableSite | undefined {
  const [first] = readers;
  const numbers = numberPositions([...axes, ...makers.map(({ place }) => place)], links);
  if (first === undefined || numbers === undefined || numbers.count < 2) return undefined;
  const constants = { makers: makers.map(constantOf(numbers)), readers: readers.map(constantOf(numbers)) };
  if (![...constants.makers, ...constants.readers].every(canScale)) return undefined;
  const read = new PlaceMap<true>();
  const axesRead = readers.flatMap(({ layer: { data } }) => {
    if (read.get(data) !== undefined) return [];
    read.set(data, true);
    return [{ axis: data, channelOf: numbers.along(data) }];
  });
  const [seen] = axesRead;
  return seen && { ...seen.axis, channels: numbers.count, read: axesRead, ...constants };
}

function constantOf(numbers: NumberedPositions): (taker: Taker) => ScaledConstant {
  return (taker) => {
    const { node, place } = taker;
    const channelOf = numbers.along(place);
    const one = { dim: 0, count: 1 };
    if (taker.kind === 'vector') {
      const { input, dim, adds } = taker;
      return { node, input, dim, channelOf, multiplies: !adds, groups: one };
    }
    const { weight, rows, columns, groups } = taker.layer;
    const input = node.inputs.indexOf(weight);
    return taker.kind === 'rows'
      ? { node, input, dim: rows, channelOf, multiplies: true, groups: one }
      : { node, input, dim: columns, channelOf, multiplies: true, groups: { dim: rows, count: groups } };
  };
}
