import { float, floatAttribute, intAttribute } from '../ir/attributes.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { type Axis, lengthOf, type Value } from '../ir/value.ts';
import { axis, type CouplingBuilder, same } from './coupling.ts';
import {
  type Alternative,
  type AxisLink,
  type Coupling,
  type InnerAxis,
  isAxis,
  type Kept,
  type Pin,
  type Place,
} from './rule.ts';

/** Dimensions inside a head that can leave: one factor of its `outer · length · inner` dimensions. */
export interface HeadDims {
  readonly place: InnerAxis;
  readonly outer: number;
  readonly inner: number;
}

/**
 * Where a tensor has its heads: end to end along one place, head after head, each with all its dimensions; or heads
 * along one axis and dimensions along another.
 */
export type HeadLayout = FlatHeads | HeadsApart;

interface FlatHeads {
  readonly flat: Place;
}

interface HeadsApart {
  readonly heads: Axis;
  readonly dims: Axis;
}

/** A tensor of an attention operator, and which heads and which dimensions it has. */
export interface HeadedTensor {
  readonly at: HeadLayout;
  readonly heads: InnerAxis;
  readonly dims: HeadDims;
}

/** All the tensors of an attention operator that have heads. */
export interface HeadedTensors {
  readonly tensors: readonly HeadedTensor[];
  /** Heads of the queries. */
  readonly queries: InnerAxis;
  /** Heads of keys and values; each serves as many consecutive heads of queries. The queries' own where there are no others. */
  readonly keys: InnerAxis;
  /** Further links that hold where whole heads leave. */
  readonly headLinks?: readonly AxisLink[];
  /** Further links that hold where dimensions inside the heads leave. */
  readonly dimLinks?: readonly AxisLink[];
  /** Why dimensions inside the heads may not leave. */
  readonly dimsStay?: string | undefined;
}

/** A place inside a node. */
export function innerAxis(node: Node, name: string, length: number): InnerAxis {
  return { node, name, length };
}

/** All dimensions of a head, each by itself. */
export function wholeDims(node: Node, name: string, length: number): HeadDims {
  return { place: innerAxis(node, name, length), outer: 1, inner: 1 };
}

/** The stretch [from, from + length) of an axis on which several tensors lie end to end. */
export function segment(coupling: CouplingBuilder, node: Node, whole: Axis, from: number, length: number): InnerAxis {
  const part = innerAxis(node, `${whole.value.name} from ${from}`, length);
  coupling.links.push({ a: part, b: whole, map: { kind: 'shift', from: 0, by: from, length } });
  return part;
}

const isFlat = (at: HeadLayout): at is FlatHeads => 'flat' in at;

/** Whole heads of queries leave, those of one head of keys and values with it. */
function headsWay({ tensors, queries, keys, headLinks = [] }: HeadedTensors): Alternative {
  const shared = keys.length === 1 && queries.length > 1 && tensors.every(({ at }) => !isFlat(at) || isAxis(at.flat));
  const links: AxisLink[] = [...headLinks];
  const pins: Pin[] = [];
  // One head of keys for all stays, whichever heads of queries leave: none of its positions is tied to any of theirs.
  if (shared) links.push({ a: keys, b: queries, map: { kind: 'shift', from: 0, by: 0, length: 0 } });
  else if (keys !== queries)
    links.push({ a: keys, b: queries, map: { kind: 'factor', outer: 1, inner: queries.length / keys.length } });
  for (const { at, heads, dims } of tensors) {
    const along = isFlat(at) ? at.flat : at.heads;
    if (shared && heads === keys) {
      if (isAxis(along)) pins.push({ axis: along, reason: 'all heads share its only one' });
    } else if (isFlat(at)) {
      const size = dims.outer * dims.place.length * dims.inner;
      links.push({ a: heads, b: along, map: { kind: 'factor', outer: 1, inner: size } });
    } else links.push({ a: heads, b: along, map: { kind: 'same' } });
    if (!isFlat(at)) pins.push({ axis: at.dims, reason: `${queries.node.opType} loses whole heads instead` });
  }
  return { links, pins };
}

/** The same dimensions leave from every head. */
function dimsWay({ tensors, queries, dimLinks = [] }: HeadedTensors): Alternative {
  const links: AxisLink[] = [...dimLinks];
  const pins: Pin[] = [];
  for (const { at, heads, dims } of tensors) {
    const { place, outer, inner } = dims;
    if (isFlat(at)) links.push({ a: place, b: at.flat, map: { kind: 'factor', outer: heads.length * outer, inner } });
    else {
      links.push({ a: place, b: at.dims, map: { kind: 'factor', outer, inner } });
      pins.push({ axis: at.heads, reason: `${queries.node.opType} loses dimensions of all heads instead` });
    }
  }
  return { links, pins };
}

/**
 * Couples the tensors of an attention operator. Heads and the dimensions inside them exclude each other where a tensor
 * has both along one axis: a position that had to leave with two of them would drag everything along. Whole heads go
 * first. Where every tensor has them along axes of their own, both can leave.
 */
export function coupleHeads(coupling: CouplingBuilder, headed: HeadedTensors): Coupling {
  const { tensors, queries, dimsStay } = headed;
  const [heads, dims] = [headsWay(headed), dimsWay(headed)];
  const apart = tensors.flatMap(({ at }) => (isFlat(at) ? [] : [at]));
  const batched: Place[] = [queries, ...apart.map((at) => at.heads)];
  const inside: Place[] = [...new Set(tensors.map(({ dims }) => dims.place)), ...apart.map((at) => at.dims)];
  const found = { ...coupling, batched: [...coupling.batched, ...batched], inside: [...coupling.inside, ...inside] };
  if (dimsStay !== undefined) {
    const pins = apart.map((at) => ({ axis: at.dims, reason: dimsStay }));
    return { ...found, links: [...coupling.links, ...heads.links], pins: [...coupling.pins, ...pins] };
  }
  if (apart.length < tensors.length && queries.length > 1) return { ...found, choices: [[heads, dims]] };
  // The pins of a way are there to keep it from meeting the other.
  if (apart.length === tensors.length) {
    const pins = heads.pins.filter((pin) => apart.some((at) => at.heads === pin.axis));
    return { ...found, links: [...coupling.links, ...heads.links, ...dims.links], pins: [...coupling.pins, ...pins] };
  }
  return { ...found, links: [...coupling.links, ...dims.links], pins: [...coupling.pins, ...dims.pins] };
}

/**
 * Links of the axis over heads of tensors [batch, heads, sequence, total], attention biases or the scores given out.
 * One of length 1 is for all heads.
 */
export function perHead(queries: InnerAxis, values: readonly (Value | undefined)[]): AxisLink[] {
  return values.flatMap((value) =>
    value === undefined || lengthOf(axis(value, 1)) === 1 ? [] : [same(queries, axis(value, 1))],
  );
}

/** Sets an attribute to the number of positions that stay along a place, where some leave. */
export function repairCount(graph: Graph, node: Node, attribute: string, place: InnerAxis, kept: Kept): void {
  const stay = kept(place);
  if (stay !== undefined) graph.setAttribute(node, intAttribute(attribute, stay.length));
}

/**
 * Writes down the scale that queries and keys were multiplied with so far. Without a wish of the node's it follows from
 * the dimensions of a head, and the network was trained with as many as it had.
 */
export function repairScale(graph: Graph, node: Node, { place, outer, inner }: HeadDims, kept: Kept): void {
  if (kept(place) === undefined || float(node, 'scale', 0) !== 0) return;
  graph.setAttribute(node, floatAttribute('scale', 1 / Math.sqrt(outer * place.length * inner)));
}
