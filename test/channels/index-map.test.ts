import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forEachPair } from '../../src/channels/index-map.ts';
import type { IndexMap } from '../../src/ops/rule.ts';

function pairs(map: IndexMap, lengthA: number, lengthB: number): [number, number][] | 'does not fit' {
  const list: [number, number][] = [];
  const fits = forEachPair(map, lengthA, lengthB, (a, b) => list.push([a, b]));
  if (!fits) expect(list).toEqual([]);
  return fits ? list : 'does not fit';
}

describe('corresponding positions', () => {
  test.each<[string, IndexMap, number, number, [number, number][]]>([
    [
      'same',
      { kind: 'same' },
      3,
      3,
      [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
    ],
    [
      'shift, as the second part of a Concat',
      { kind: 'shift', from: 0, by: 3, length: 2 },
      2,
      5,
      [
        [0, 3],
        [1, 4],
      ],
    ],
    [
      'shift of a window',
      { kind: 'shift', from: 2, by: -2, length: 2 },
      4,
      2,
      [
        [2, 0],
        [3, 1],
      ],
    ],
    ['shift of nothing', { kind: 'shift', from: 0, by: 0, length: 0 }, 4, 4, []],
    [
      'factor outside, as Flatten',
      { kind: 'factor', outer: 1, inner: 2 },
      2,
      4,
      [
        [0, 0],
        [0, 1],
        [1, 2],
        [1, 3],
      ],
    ],
    [
      'factor inside, as groups',
      { kind: 'factor', outer: 2, inner: 1 },
      2,
      4,
      [
        [0, 0],
        [1, 1],
        [0, 2],
        [1, 3],
      ],
    ],
    [
      'factor between',
      { kind: 'factor', outer: 2, inner: 2 },
      2,
      8,
      [
        [0, 0],
        [0, 1],
        [1, 2],
        [1, 3],
        [0, 4],
        [0, 5],
        [1, 6],
        [1, 7],
      ],
    ],
    [
      'indices',
      { kind: 'indices', indices: [2, 0, 0] },
      3,
      3,
      [
        [0, 2],
        [1, 0],
        [2, 0],
      ],
    ],
  ])('%s', (_, map, lengthA, lengthB, expected) => {
    expect(pairs(map, lengthA, lengthB)).toEqual(expected);
  });

  test('factor: i corresponds to every p with floor(p / inner) mod length = i', () => {
    const small = fc.integer({ min: 1, max: 6 });
    fc.assert(
      fc.property(small, small, small, (outer, length, inner) => {
        const naive: [number, number][] = [];
        for (let o = 0; o < outer; o++)
          for (let i = 0; i < length; i++)
            for (let k = 0; k < inner; k++) naive.push([i, (o * length + i) * inner + k]);
        expect(pairs({ kind: 'factor', outer, inner }, length, outer * length * inner)).toEqual(naive);
      }),
    );
  });
});

describe('a map that does not fit the lengths joins nothing', () => {
  test.each<[string, IndexMap, number, number]>([
    ['same of two lengths', { kind: 'same' }, 3, 4],
    ['shift beyond the end', { kind: 'shift', from: 0, by: 3, length: 3 }, 3, 5],
    ['shift of more than there is', { kind: 'shift', from: 1, by: 0, length: 3 }, 3, 9],
    ['shift before the start', { kind: 'shift', from: 0, by: -1, length: 2 }, 3, 5],
    ['factor of another product', { kind: 'factor', outer: 2, inner: 2 }, 3, 8],
    ['factor of half a position', { kind: 'factor', outer: 4, inner: 0.5 }, 2, 4],
    ['indices beyond the end', { kind: 'indices', indices: [0, 4] }, 2, 4],
    ['indices before the start', { kind: 'indices', indices: [-1, 0] }, 2, 4],
    ['indices of another number', { kind: 'indices', indices: [0] }, 2, 4],
  ])('%s', (_, map, lengthA, lengthB) => {
    expect(pairs(map, lengthA, lengthB)).toBe('does not fit');
  });
});
