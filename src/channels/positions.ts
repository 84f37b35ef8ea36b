import { OnnxPruneError } from '../errors.ts';
import { labelOf } from '../ir/node.ts';
import { UnionFind } from '../numeric/union-find.ts';
import { type Coupling, isAxis, type Pin, type Place } from '../ops/rule.ts';
import { forEachPair } from './index-map.ts';
import type { PlaceTable } from './places.ts';

/**
 * Positions that are looked at one by one, at most: a multiple of what a transformer of 70 billion weights has. A weight without
 * elements may be of any length along its other axes, and a node may state any number of groups.
 */
const MOST_POSITIONS = 2 ** 26;

/** Union-find over the positions along every place that reaches a weight, with the reason that holds a set. */
export class Positions {
  /** First number of each place's positions; -1 for places that are not looked at. */
  readonly offsets: Int32Array;
  readonly #lengths: Int32Array;
  readonly #table: PlaceTable;
  readonly #sets: UnionFind;
  readonly #reasons = new Map<number, string>();

  /** @throws OnnxPruneError `unsupported` where there are too many positions to look at each */
  constructor(table: PlaceTable, matters: (id: number) => boolean) {
    this.#table = table;
    this.offsets = new Int32Array(table.places.length).fill(-1);
    this.#lengths = new Int32Array(table.places.length);
    let total = 0;
    for (let id = 0; id < table.places.length; id++) {
      const length = table.lengthOf(id);
      if (length === undefined || length <= 0 || !matters(id)) continue;
      if (total + length > MOST_POSITIONS) throw tooMany(table.places[id], length);
      this.offsets[id] = total;
      this.#lengths[id] = length;
      total += length;
    }
    this.#sets = new UnionFind(total);
  }

  lengthOf(id: number): number {
    return this.#lengths[id] ?? 0;
  }

  /** The set that holds a position. */
  setOf(id: number, index: number): number {
    return this.#sets.find((this.offsets[id] as number) + index);
  }

  /** Why a set may not leave; undefined where it may. */
  reasonOf(set: number): string | undefined {
    return this.#reasons.get(set);
  }

  link(coupling: Coupling): void {
    for (const { a, b, map } of coupling.links) {
      const [idA, idB] = [this.#table.idOf(a), this.#table.idOf(b)];
      const [baseA, baseB] = [this.offsets[idA] as number, this.offsets[idB] as number];
      if (baseA < 0 && baseB < 0) continue;
      const fits =
        baseA >= 0 &&
        baseB >= 0 &&
        forEachPair(map, this.lengthOf(idA), this.lengthOf(idB), (i, j) => this.#join(baseA + i, baseB + j));
      if (fits) continue;
      for (const place of [a, b]) this.#pinPlace(place, 'the length of an axis it is tied to is unknown');
    }
  }

  pin({ axis, reason }: Pin): void {
    this.#pinPlace(axis, reason);
  }

  #pinPlace(place: Place, reason: string): void {
    const id = this.#table.idOf(place);
    const base = this.offsets[id] as number;
    if (base < 0) return;
    for (let i = 0; i < this.lengthOf(id); i++) {
      const set = this.#sets.find(base + i);
      if (!this.#reasons.has(set)) this.#reasons.set(set, reason);
    }
  }

  #join(a: number, b: number): void {
    const [left, right] = [this.#sets.find(a), this.#sets.find(b)];
    if (left === right) return;
    const reason = this.#reasons.get(left) ?? this.#reasons.get(right);
    const root = this.#sets.union(left, right);
    if (reason === undefined) return;
    this.#reasons.delete(root === left ? right : left);
    this.#reasons.set(root, reason);
  }
}

function tooMany(place: Place | undefined, length: number): OnnxPruneError {
  const name = place === undefined ? '' : isAxis(place) ? place.value.name : labelOf(place.node);
  const where =
    place !== undefined && isAxis(place) ? `is ${length} long along axis ${place.dim}` : `has ${length} groups`;
  return new OnnxPruneError(
    'unsupported',
    name,
    `"${name}" ${where}, so that there are more than ${MOST_POSITIONS} channels to look at; such a model cannot be pruned: export it with the lengths that it works with.`,
  );
}
