import type { RuleLookup } from '../../channels/couplings.ts';
import { isSamePlace } from '../../channels/number-step.ts';
import type { Graph } from '../../ir/graph.ts';
import type { Node } from '../../ir/node.ts';
import { type Axis, elementTypeOf, lengthOf, type Value } from '../../ir/value.ts';
import { type AxisLink, type InnerAxis, isAxis, type Layer, type Place, type Scaling } from '../../ops/rule.ts';
import { factorPassage } from './factor-passage.ts';

/** A layer whose weight takes the factors of a place along its rows or its columns. */
export interface LayerTaker {
  readonly kind: 'rows' | 'columns';
  readonly node: Node;
  readonly layer: Layer;
  readonly place: Place;
}

/** A constant that takes the factors of a place along one of its axes. */
export interface VectorTaker {
  readonly kind: 'vector';
  readonly node: Node;
  readonly input: number;
  readonly dim: number;
  /** Whether it is added to what has the factors, and not multiplied. */
  readonly adds: boolean;
  readonly place: Place;
}

/** What takes factors. */
export type Taker = LayerTaker | VectorTaker;

/** Axes that have factors together, since operators hand them on from one to the other, and the constants that take them. */
export interface Region {
  /** The axis of each computed value that has factors. */
  readonly axes: readonly Axis[];
  readonly links: readonly AxisLink[];
  readonly makers: readonly Taker[];
  readonly readers: readonly LayerTaker[];
}

/** What came of following an axis: a region; or the axes that cannot have factors, since something that shares theirs cannot. */
export type Followed = { readonly region: Region } | { readonly barred: readonly Axis[] };

/** Follows an axis to everything that has to have its factors, until constants take them everywhere. */
export function regionOf(seed: Axis, graph: Graph, ruleOf: RuleLookup): Followed {
  const growth = new Growth(graph, ruleOf);
  const isWhole = growth.add(seed) && growth.followAll();
  const { axes, links, makers, readers } = growth;
  if (isWhole) return { region: { axes, links, makers, readers } };
  return { barred: growth.hasChosen ? [seed] : axes };
}

class Growth {
  readonly axes: Axis[] = [];
  readonly links: AxisLink[] = [];
  readonly makers: Taker[] = [];
  readonly readers: LayerTaker[] = [];
  /** Whether another way to read a product might have led elsewhere. */
  hasChosen = false;
  readonly #graph: Graph;
  readonly #ruleOf: RuleLookup;
  readonly #dims = new Map<Value, number>();
  readonly #passed = new Map<Node, readonly Axis[]>();

  constructor(graph: Graph, ruleOf: RuleLookup) {
    this.#graph = graph;
    this.#ruleOf = ruleOf;
  }

  /** Makes an axis of a computed value part of the region; false where it cannot be. */
  add(place: Axis): boolean {
    const { value, dim } = place;
    const known = this.#dims.get(value);
    if (known !== undefined) return known === dim;
    this.#dims.set(value, dim);
    this.axes.push(place);
    return (
      value.producer !== undefined &&
      this.#graph.owns(value) &&
      !this.#graph.isOutput(value) &&
      elementTypeOf(value) === 'float32' &&
      lengthOf(place) !== undefined
    );
  }

  /** Goes on from every axis, those that come up on the way included. */
  followAll(): boolean {
    for (const place of this.axes) {
      const { producer, uses } = place.value;
      if (producer === undefined || !this.#isMade(producer, place)) return false;
      for (const reader of uses) if (reader.graph !== this.#graph || !this.#isTaken(reader, place)) return false;
    }
    return true;
  }

  #isMade(node: Node, place: Axis): boolean {
    const rule = this.#ruleOf(node);
    const layer = rule.layer?.(node);
    if (layer !== undefined) {
      if (!isSamePlace(layer.out, place)) return false;
      this.makers.push({ kind: 'rows', node, layer, place });
      return this.#isBiasMade(node, layer, place);
    }
    const scaling = rule.scaling?.(node);
    if (scaling === undefined) return this.#passes(node, place);
    return isSamePlace(scaling.out, place) && this.#isScaled(node, scaling, place);
  }

  #isBiasMade(node: Node, { bias }: Layer, place: Axis): boolean {
    if (bias.value === undefined) return true;
    const dim = (bias.value.tensor?.dims.length ?? 0) - 1;
    this.makers.push({ kind: 'vector', node, input: node.inputs.indexOf(bias.value), dim, adds: true, place });
    return true;
  }

  #isScaled(node: Node, { inputs }: Scaling, place: Axis): boolean {
    for (const { input, dim, role } of inputs)
      this.makers.push({ kind: 'vector', node, input, dim, adds: role === 'offset', place });
    return true;
  }

  #isTaken(node: Node, place: Axis): boolean {
    const layer = this.#ruleOf(node).layer?.(node);
    if (layer === undefined) return this.#passes(node, place);
    if (!isSamePlace(layer.data, place) || node.inputs.filter((value) => value === place.value).length > 1)
      return false;
    this.readers.push({ kind: 'columns', node, layer, place });
    return true;
  }

  #passes(node: Node, place: Axis): boolean {
    const known = this.#passed.get(node);
    if (known !== undefined) return known.some((each) => isSamePlace(each, place));
    const passage = factorPassage(node, place, this.#ruleOf);
    if (passage === undefined) return false;
    this.#passed.set(node, passage.axes);
    this.hasChosen ||= passage.isChoice;
    // A constant that several nodes read has factors of its own at each.
    const own = new Map<Value, InnerAxis>();
    for (const each of passage.axes) {
      const { value, dim } = each;
      if (value.tensor === undefined) {
        if (!this.add(each)) return false;
        continue;
      }
      const input = node.inputs.indexOf(value);
      const inner: InnerAxis = { node, name: `constant ${input}`, length: lengthOf(each) ?? 0 };
      own.set(value, inner);
      this.makers.push({ kind: 'vector', node, input, dim, adds: passage.adds, place: inner });
    }
    const standIn = (end: Place): Place => (isAxis(end) ? (own.get(end.value) ?? end) : end);
    for (const { a, b, map } of passage.links) this.links.push({ a: standIn(a), b: standIn(b), map });
    return true;
  }
}
