import type { IndexMap } from '../ops/rule.ts';

/**
 * Calls back with every pair of corresponding positions of two places joined by a map.
 * @returns false where the map does not fit the lengths, in which case nothing was called back
 */
export function forEachPair(
  map: IndexMap,
  lengthA: number,
  lengthB: number,
  visit: (a: number, b: number) => void,
): boolean {
  switch (map.kind) {
    case 'same':
      if (lengthA !== lengthB) return false;
      for (let i = 0; i < lengthA; i++) visit(i, i);
      return true;
    case 'shift':
      if (
        map.from < 0 ||
        map.from + map.length > lengthA ||
        map.from + map.by < 0 ||
        map.from + map.length + map.by > lengthB
      )
        return false;
      for (let i = map.from; i < map.from + map.length; i++) visit(i, i + map.by);
      return true;
    case 'factor': {
      if (!Number.isInteger(map.inner) || map.outer * lengthA * map.inner !== lengthB) return false;
      const period = lengthA * map.inner;
      for (let b = 0; b < lengthB; b++) visit(Math.floor((b % period) / map.inner), b);
      return true;
    }
    case 'indices':
      if (map.indices.length !== lengthA || map.indices.some((index) => index < 0 || index >= lengthB)) return false;
      map.indices.forEach((b, a) => {
        visit(a, b);
      });
      return true;
  }
}
