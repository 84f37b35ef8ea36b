import type { Node } from '../ir/node.ts';
import { lengthOf, type Value } from '../ir/value.ts';
import { isAxis, type Place } from '../ops/rule.ts';

/** A map from places, which are compared by what they are places of. */
export class PlaceMap<T> {
  readonly #maps = new Map<Value | Node, Map<number | string, T>>();

  get(place: Place): T | undefined {
    return this.#maps.get(ownerOf(place))?.get(keyOf(place));
  }

  set(place: Place, content: T): void {
    const owner = ownerOf(place);
    const own = this.#maps.get(owner) ?? new Map<number | string, T>();
    this.#maps.set(owner, own.set(keyOf(place), content));
  }
}

const ownerOf = (place: Place): Value | Node => (isAxis(place) ? place.value : place.node);
const keyOf = (place: Place): number | string => (isAxis(place) ? place.dim : place.name);

/** Gives every place that rules speak of a number, and remembers its length. */
export class PlaceTable {
  readonly places: Place[] = [];
  readonly #ofValue = new Map<Value, number[]>();
  readonly #ofNode = new Map<Node, Map<string, number>>();

  /** The number of a place; a new one on first sight. */
  idOf(place: Place): number {
    const known = this.find(place);
    if (known !== undefined) return known;
    const id = this.places.push(place) - 1;
    if (isAxis(place)) {
      const dims = this.#ofValue.get(place.value) ?? [];
      dims[place.dim] = id;
      this.#ofValue.set(place.value, dims);
    } else {
      const inner = this.#ofNode.get(place.node) ?? new Map<string, number>();
      inner.set(place.name, id);
      this.#ofNode.set(place.node, inner);
    }
    return id;
  }

  /** The number of a place that was seen before. */
  find(place: Place): number | undefined {
    return isAxis(place) ? this.#ofValue.get(place.value)?.[place.dim] : this.#ofNode.get(place.node)?.get(place.name);
  }

  /** The length of a place; undefined where it is not a known number that a length can be. */
  lengthOf(id: number): number | undefined {
    const place = this.places[id];
    if (place === undefined) return undefined;
    const length = isAxis(place) ? lengthOf(place) : place.length;
    // A file may declare anything, and a number of groups of 0 makes others infinite.
    return length !== undefined && Number.isSafeInteger(length) && length >= 0 ? length : undefined;
  }
}
