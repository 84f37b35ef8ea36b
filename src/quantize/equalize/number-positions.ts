import { forEachPair } from '../../channels/index-map.ts';
import { lengthAlong } from '../../channels/number-step.ts';
import { PlaceTable } from '../../channels/places.ts';
import { UnionFind } from '../../numeric/union-find.ts';
import type { AxisLink, Place } from '../../ops/rule.ts';

/** The factor that each position along a place has, and how many factors there are. */
export interface NumberedPositions {
  readonly count: number;
  along(place: Place): Int32Array;
}

/**
 * Numbers what may differ along places: positions that links join have one factor.
 * @returns undefined where a link does not fit the lengths
 */
export function numberPositions(places: readonly Place[], links: readonly AxisLink[]): NumberedPositions | undefined {
  const table = new PlaceTable();
  for (const place of [...places, ...links.flatMap(({ a, b }) => [a, b])]) table.idOf(place);
  const offsets: number[] = [];
  let total = 0;
  for (const place of table.places) {
    const length = lengthAlong(place);
    if (length === undefined) return undefined;
    offsets.push(total);
    total += length;
  }
  const sets = new UnionFind(total);
  for (const { a, b, map } of links) {
    const [fromA, fromB] = [offsets[table.idOf(a)] as number, offsets[table.idOf(b)] as number];
    const [lengthA, lengthB] = [lengthAlong(a) ?? 0, lengthAlong(b) ?? 0];
    if (!forEachPair(map, lengthA, lengthB, (i, j) => sets.union(fromA + i, fromB + j))) return undefined;
  }
  const numbers = new Map<number, number>();
  const numberOf = (position: number): number => {
    const set = sets.find(position);
    const known = numbers.get(set) ?? numbers.size;
    numbers.set(set, known);
    return known;
  };
  const all = Int32Array.from({ length: total }, (_, position) => numberOf(position));
  return {
    count: numbers.size,
    along: (place) => {
      const from = offsets[table.idOf(place)] as number;
      return all.subarray(from, from + (lengthAlong(place) ?? 0));
    },
  };
}
