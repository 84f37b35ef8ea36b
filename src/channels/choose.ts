import { UnionFind } from '../numeric/union-find.ts';
import type { Alternative, AxisLink, Pin } from '../ops/rule.ts';
import { type NodeCoupling, resolve } from './couplings.ts';
import type { PlaceTable } from './places.ts';

/** Whole axes that hang together, and what each such set has: weights it reaches, and whether an axis in it is pinned. */
export class AxisSets {
  readonly #sets: UnionFind;
  readonly #weights: Int32Array;
  readonly #pinned: Uint8Array;

  constructor(capacity: number) {
    this.#sets = new UnionFind(capacity);
    this.#weights = new Int32Array(capacity);
    this.#pinned = new Uint8Array(capacity);
  }

  join(a: number, b: number): void {
    const [left, right] = [this.#sets.find(a), this.#sets.find(b)];
    if (left === right) return;
    const root = this.#sets.union(left, right);
    const other = root === left ? right : left;
    this.#weights[root] = (this.#weights[root] as number) + (this.#weights[other] as number);
    this.#pinned[root] = (this.#pinned[root] as number) | (this.#pinned[other] as number);
  }

  addWeight(place: number): void {
    const root = this.#sets.find(place);
    this.#weights[root] = (this.#weights[root] as number) + 1;
  }

  pin(place: number): void {
    this.#pinned[this.#sets.find(place)] = 1;
  }

  reachesWeights(place: number): boolean {
    return (this.#weights[this.#sets.find(place)] as number) > 0;
  }

  isPinned(place: number): boolean {
    return this.#pinned[this.#sets.find(place)] === 1;
  }
}

/** How promising an alternative is: below zero where an axis it needs may not change, else the sides that reach weights. */
function scoreOf(alternative: Alternative, table: PlaceTable, sets: AxisSets): number {
  let score = 0;
  for (const { b } of alternative.links) {
    const id = table.idOf(b);
    if (sets.isPinned(id)) return -1;
    if (sets.reachesWeights(id)) score++;
  }
  return score;
}

/**
 * Takes every open decision in executable order: the alternative that may change and reaches most weights, the first
 * of equals. Each decision is known to those after it, so both ends of a regrouping settle on the same factor.
 */
export function chooseAll(open: readonly NodeCoupling[], table: PlaceTable, sets: AxisSets): NodeCoupling[] {
  return open.map((entry) => {
    const chosen = (entry.coupling.choices ?? []).map((alternatives) => {
      let best: Alternative = { links: [], pins: [] };
      let bestScore = Number.NEGATIVE_INFINITY;
      for (const alternative of alternatives) {
        const score = scoreOf(alternative, table, sets);
        if (score > bestScore) [best, bestScore] = [alternative, score];
      }
      joinLinks(best.links, table, sets);
      pinPlaces(best.pins, table, sets);
      return best;
    });
    return resolve(entry, chosen);
  });
}

/** Makes linked axes one set. */
export function joinLinks(links: readonly AxisLink[], table: PlaceTable, sets: AxisSets): void {
  for (const { a, b } of links) sets.join(table.idOf(a), table.idOf(b));
}

/** Marks the sets of pinned axes. */
export function pinPlaces(pins: readonly Pin[], table: PlaceTable, sets: AxisSets): void {
  for (const { axis } of pins) sets.pin(table.idOf(axis));
}
