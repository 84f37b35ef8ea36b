import { UnionFind } from '../numeric/union-find.ts';
import type { Alternative, AxisLink, IndexMap, Pin } from '../ops/rule.ts';
import { type NodeCoupling, resolve } from './couplings.ts';
import type { PlaceTable } from './places.ts';

/**
 * Whole axes that hang together, and what each such set has: the weights it reaches, and whether an axis in it is pinned
 * or counts the batch of a matrix product.
 */
export class AxisSets {
  readonly #sets: UnionFind;
  readonly #weights: Int32Array;
  readonly #flags: Uint8Array;
  /** Axes that have the very same positions, and the factors of them that live. */
  readonly #alike: UnionFind;
  readonly #living = new Map<number, Set<string>>();

  constructor(capacity: number) {
    this.#sets = new UnionFind(capacity);
    this.#weights = new Int32Array(capacity);
    this.#flags = new Uint8Array(capacity);
    this.#alike = new UnionFind(capacity);
  }

  join(a: number, b: number): void {
    const [left, right] = [this.#sets.find(a), this.#sets.find(b)];
    if (left === right) return;
    const root = this.#sets.union(left, right);
    const other = root === left ? right : left;
    this.#weights[root] = (this.#weights[root] as number) + (this.#weights[other] as number);
    this.#flags[root] = (this.#flags[root] as number) | (this.#flags[other] as number);
  }

  /** Notes that two axes have the same positions in the same order. */
  liken(a: number, b: number): void {
    const [left, right] = [this.#alike.find(a), this.#alike.find(b)];
    if (left === right) return;
    const root = this.#alike.union(left, right);
    const other = root === left ? right : left;
    for (const factor of this.#living.get(other) ?? []) this.#livingOf(root).add(factor);
  }

  /** Notes that a factor of the axis lives, by the way it lies in the axis. */
  live(place: number, { outer, inner }: Factor): void {
    this.#livingOf(this.#alike.find(place)).add(`${outer}:${inner}`);
  }

  /** Whether that factor of the axis lives already, so that choosing it again ties nothing new together. */
  lives(place: number, { outer, inner }: Factor): boolean {
    return this.#living.get(this.#alike.find(place))?.has(`${outer}:${inner}`) ?? false;
  }

  #livingOf(root: number): Set<string> {
    const living = this.#living.get(root) ?? new Set();
    this.#living.set(root, living);
    return living;
  }

  addWeight(place: number): void {
    const root = this.#sets.find(place);
    this.#weights[root] = (this.#weights[root] as number) + 1;
  }

  pin(place: number): void {
    this.#mark(place, PINNED);
  }

  /** Notes that an operator takes statistics over the axis. */
  mix(place: number): void {
    this.#mark(place, MIXED);
  }

  /** Notes that the positions along the axis are batches of a matrix product, or that they lie inside its matrices. */
  mark(place: number, part: ProductPart): void {
    this.#mark(place, FLAGS[part]);
  }

  reachesWeights(place: number): boolean {
    return (this.#weights[this.#sets.find(place)] as number) > 0;
  }

  isPinned(place: number): boolean {
    return this.#has(place, PINNED);
  }

  isMixed(place: number): boolean {
    return this.#has(place, MIXED);
  }

  /** Whether the axis plays that part in some batch of matrix products. */
  is(place: number, part: ProductPart): boolean {
    return this.#has(place, FLAGS[part]);
  }

  #mark(place: number, flag: number): void {
    const root = this.#sets.find(place);
    this.#flags[root] = (this.#flags[root] as number) | flag;
  }

  #has(place: number, flag: number): boolean {
    return ((this.#flags[this.#sets.find(place)] as number) & flag) !== 0;
  }
}

type Factor = Extract<IndexMap, { kind: 'factor' }>;

/** What an axis is to a batch of matrix products of two computed operands, as attention has them. */
export type ProductPart = 'heads' | 'head-dim';

const PINNED = 1;
const FLAGS = { heads: 2, 'head-dim': 4 } as const;
const MIXED = 8;
/** Less than one side that reaches weights. */
const MIXED_LESS = 1 / 16;
/** More than all the sides of an alternative that could reach weights. */
const PREFERRED = 16;
/** More than all of that. */
const LIVES_ALREADY = 64;

/**
 * How promising an alternative is: below zero where an axis it needs may not change; else the factor that another
 * regrouping of the same axis lives by goes first, then the wanted part of a batch of matrix products (heads rather than
 * the dimensions inside them, or the other way round), then the sides that reach weights; of equals, that over which no
 * operator takes statistics.
 */
function scoreOf(alternative: Alternative, table: PlaceTable, sets: AxisSets, prefer: ProductPart): number {
  let score = 0;
  for (const { a, b, map } of alternative.links) {
    const id = table.idOf(b);
    if (sets.isPinned(id)) return -1;
    if (sets.reachesWeights(id)) score++;
    if (sets.isMixed(id)) score -= MIXED_LESS;
    if (sets.is(id, prefer) || sets.is(table.idOf(a), prefer)) score += PREFERRED;
    if (map.kind === 'factor' && sets.lives(id, map)) score += LIVES_ALREADY;
  }
  return score;
}

/**
 * Factors of an axis that plays a part in a batch of matrix products play it as well, however many regroupings lie
 * between: the heads of keys that are repeated for groups of queries, for example.
 */
export function markFactors(open: readonly NodeCoupling[], table: PlaceTable, sets: AxisSets, part: ProductPart): void {
  const alternatives = open.flatMap(({ coupling }) => (coupling.choices ?? []).flat());
  for (let changed = true; changed; ) {
    changed = false;
    for (const { links } of alternatives) {
      const whole = links.find(({ map }) => map.kind === 'factor' && map.outer === 1 && map.inner === 1);
      if (whole === undefined || sets.is(table.idOf(whole.b), part)) continue;
      if (!links.some((link) => link !== whole && sets.is(table.idOf(link.b), part))) continue;
      sets.mark(table.idOf(whole.b), part);
      changed = true;
    }
  }
}

/**
 * Takes every open decision in executable order: the alternative that may change and reaches most weights, the first
 * of equals. Each decision is known to those after it, so both ends of a regrouping settle on the same factor.
 */
export function chooseAll(
  open: readonly NodeCoupling[],
  table: PlaceTable,
  sets: AxisSets,
  prefer: ProductPart,
): NodeCoupling[] {
  return open.map((entry) => {
    const chosen = (entry.coupling.choices ?? []).map((alternatives) => {
      let best: Alternative = { links: [], pins: [] };
      let bestScore = Number.NEGATIVE_INFINITY;
      for (const alternative of alternatives) {
        const score = scoreOf(alternative, table, sets, prefer);
        if (score > bestScore) [best, bestScore] = [alternative, score];
      }
      joinLinks(best.links, table, sets);
      for (const { b, map } of best.links) if (map.kind === 'factor') sets.live(table.idOf(b), map);
      pinPlaces(best.pins, table, sets);
      return best;
    });
    return resolve(entry, chosen);
  });
}

/** Makes linked axes one set. */
export function joinLinks(links: readonly AxisLink[], table: PlaceTable, sets: AxisSets): void {
  for (const { a, b, map } of links) {
    const [left, right] = [table.idOf(a), table.idOf(b)];
    sets.join(left, right);
    if (map.kind === 'same') sets.liken(left, right);
  }
}

/** Marks the sets of pinned axes. */
export function pinPlaces(pins: readonly Pin[], table: PlaceTable, sets: AxisSets): void {
  for (const { axis } of pins) sets.pin(table.idOf(axis));
}
