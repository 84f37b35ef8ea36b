import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCK } from '../../src/numeric/blocks.ts';
import {
  countEqual,
  countUnranked,
  type Keys,
  magnitudeKeyAt,
  magnitudeKeys,
  randomKeyAt,
  randomKeys,
  scoreKeyAt,
  scoreKeys,
} from '../../src/numeric/keys.ts';
import { type Boundary, selectLowest } from '../../src/numeric/select.ts';
import { zeroBelow } from '../../src/numeric/zero.ts';
import { normals } from '../support/random.ts';
import { bytesAt, cleared, slowestLeave, weights } from './weights.ts';

const floats = (bytes: Uint8Array): number[] => [...new Float32Array(bytes.slice().buffer)];

function keysOf(keys: Keys): number[] {
  return [...keys.words(0, keys.length)].map((word) => (word & keys.mask) >>> 0);
}

/** Sorting numbers and sorting their keys must be the same. */
function inOrder(values: readonly number[], keys: readonly number[]): void {
  for (let i = 0; i < values.length; i++) {
    for (let j = 0; j < values.length; j++) {
      const [a = 0, b = 0] = [values[i], values[j]];
      expect(Math.sign((keys[i] ?? 0) - (keys[j] ?? 0)) + 0, `${a} and ${b}`).toBe(Math.sign(a - b) + 0);
    }
  }
}

describe('keys by magnitude', () => {
  const EXACT = [0, -0, 1, -1.5, 2 ** -14, 2 ** -24, -(2 ** -20), 3, 65504];

  test.each(['float32', 'float16', 'float64'] as const)('of %s are in the order of the magnitudes', (type) => {
    for (const offset of [0, 1, 2, 4]) {
      const keys = magnitudeKeys(type, bytesAt(type, EXACT, offset));
      expect(keys.length).toBe(EXACT.length);
      inOrder(EXACT.map(Math.abs), keysOf(keys));
    }
  });

  test('are the same for equal numbers of any type', () => {
    const shared = [0, 1, -1.5, 0.25, 2 ** -10, -96];
    const wanted = keysOf(magnitudeKeys('float32', bytesAt('float32', shared, 0)));
    for (const type of ['float16', 'bfloat16', 'float64'] as const)
      expect(keysOf(magnitudeKeys(type, bytesAt(type, shared, 2))), type).toEqual(wanted);
  });

  test('of float64 beyond float32 are neither zero nor infinite', () => {
    const keys = magnitudeKeys('float64', bytesAt('float64', [0, 1e-300, -1e300, 1, Infinity, Number.NaN], 0));
    const [zero, tiny, huge, one, infinite, nan] = keysOf(keys);
    expect([zero, tiny, huge]).toEqual([0, 1, 0x7f7fffff]);
    expect(one).toBe(0x3f800000);
    for (const key of [infinite, nan]) expect(key).toBeGreaterThanOrEqual(keys.limit);
  });

  test.each(['float32', 'float16', 'bfloat16', 'float64'] as const)('say of %s how many are not finite', (type) => {
    const values = [1, Number.NaN, -Infinity, 0, Infinity, 65504];
    expect(countUnranked(magnitudeKeys(type, bytesAt(type, values, 0)))).toBe(3);
    expect(selectLowest([magnitudeKeys(type, bytesAt(type, values, 0))], 2).unranked).toEqual([3]);
  });

  test('know the lowest of the numbers that reach a bound', () => {
    fc.assert(
      fc.property(weights, fc.double({ min: 0, max: 1e39, noNaN: true }), (weight, bound) => {
        const [key = 0] = keysOf(magnitudeKeys('float32', bytesAt('float32', [weight], 0)));
        expect(key >= magnitudeKeyAt(bound)).toBe(Math.abs(Math.fround(weight)) >= bound);
      }),
    );
  });
});

describe('keys by scores', () => {
  test('are in the order of the scores, negative ones included, and put zeros first', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(weights, weights), { minLength: 1, maxLength: 12 }), (pairs) => {
        const elements = magnitudeKeys(
          'float32',
          bytesAt(
            'float32',
            pairs.map(([weight]) => weight),
            0,
          ),
        );
        const scores = Float32Array.from(pairs, ([, score]) => score);
        const ranked = pairs.map(([weight], i) => (weight === 0 ? -Infinity : (scores[i] ?? 0) + 0));
        const keys = keysOf(scoreKeys(scores, elements));
        pairs.forEach(([weight], i) => {
          expect(keys[i] === 0).toBe(weight === 0);
        });
        for (let i = 0; i < keys.length; i++) {
          for (let j = 0; j < keys.length; j++) {
            if (ranked[i] === ranked[j]) expect(keys[i]).toBe(keys[j]);
            else expect((keys[i] ?? 0) < (keys[j] ?? 0)).toBe((ranked[i] ?? 0) < (ranked[j] ?? 0));
          }
        }
      }),
    );
  });

  test('know the lowest of the scores that reach a bound', () => {
    const one = magnitudeKeys('float32', bytesAt('float32', [1], 0));
    fc.assert(
      fc.property(weights, fc.double({ min: -1e38, max: 1e38, noNaN: true }), (score, bound) => {
        const [key = 0] = keysOf(scoreKeys(Float32Array.of(score), one));
        expect(key >= scoreKeyAt(bound)).toBe(Math.fround(score) >= bound);
      }),
    );
  });
});

describe('keys by lot', () => {
  const elements = (length: number): Keys =>
    magnitudeKeys('float32', bytesAt('float32', Array<number>(length).fill(1), 0));

  test('do not depend on what is read before, and differ between seeds and arrays', () => {
    const length = 3 * BLOCK + 5;
    const whole = keysOf(randomKeys(1, 2, elements(length)));
    const later = randomKeys(1, 2, elements(length));
    expect([...later.words(BLOCK + 3, BLOCK + 9)]).toEqual(whole.slice(BLOCK + 3, BLOCK + 9));
    for (const other of [randomKeys(2, 2, elements(length)), randomKeys(1, 3, elements(length))]) {
      const same = keysOf(other).filter((key, i) => key === whole[i]).length;
      expect(same).toBeLessThan(3);
    }
  });

  test('are spread evenly: half of them below one half, a quarter of those next to another', () => {
    const half = randomKeyAt(0.5);
    const isLow = keysOf(randomKeys(7, 0, elements(20_000))).map((key) => key < half);
    const low = isLow.filter(Boolean).length;
    const pairs = isLow.filter((each, i) => each && isLow[i + 1]).length;
    // Five standard deviations.
    expect(Math.abs(low - 10_000)).toBeLessThan(5 * Math.sqrt(5_000));
    expect(Math.abs(pairs - 5_000)).toBeLessThan(5 * Math.sqrt(5_000));
  });

  test('put zeros first and what is not finite beyond the limit', () => {
    const keys = randomKeys(1, 0, magnitudeKeys('float32', bytesAt('float32', [0, -0, Number.NaN, 1], 0)));
    expect(keysOf(keys).slice(0, 3)).toEqual([0, 0, 0xffffffff]);
    expect(countUnranked(keys)).toBe(1);
  });

  test('lie below 0 for none and below 1 for all', () => {
    const keys = randomKeys(3, 0, elements(1000));
    expect(keysOf(keys).filter((key) => key < randomKeyAt(0))).toEqual([]);
    expect(keysOf(keys).filter((key) => key < randomKeyAt(1))).toHaveLength(1000);
  });
});

/** Ties of the boundary from the last array on. */
function shares(arrays: readonly Keys[], { key, ties }: Boundary): Boundary[] {
  let left = ties;
  return arrays
    .map((_, i) => arrays.length - 1 - i)
    .map((index) => {
      const own = Math.min(left, countEqual(arrays[index] as Keys, key));
      left -= own;
      return { key, ties: own };
    })
    .reverse();
}

describe('the lowest keys of several arrays', () => {
  const cases = fc
    .array(fc.array(weights, { minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 4 })
    .chain((arrays) =>
      fc.record({
        arrays: fc.constant(arrays.map((list) => list.map(Math.fround))),
        count: fc.integer({ min: 0, max: arrays.flat().length }),
        offset: fc.constantFrom(0, 1, 2, 4),
      }),
    );

  test('are those that sorting finds, whatever the alignment, ties included', () => {
    fc.assert(
      fc.property(cases, ({ arrays, count, offset }) => {
        const bytes = arrays.map((list) => bytesAt('float32', list, offset));
        const keys = bytes.map((each) => magnitudeKeys('float32', each));
        const boundaries = shares(keys, selectLowest(keys, count));
        const zeros = bytes.map((each, i) =>
          zeroBelow('float32', each, keys[i] as Keys, boundaries[i] ?? { key: 0, ties: 0 }),
        );
        const leaves = slowestLeave(
          arrays.map((list) => list.map(Math.abs)),
          count,
        );
        expect(bytes.map(floats)).toEqual(cleared(arrays, leaves));
        const before = arrays.flat().filter((value) => value === 0).length;
        expect(zeros.reduce((sum, each) => sum + each.before, 0)).toBe(before);
        expect(zeros.reduce((sum, each) => sum + each.before + each.added, 0)).toBe(Math.max(before, count));
      }),
      { numRuns: 500 },
    );
  });

  test('over many blocks of elements, with keys of 32 bits too', () => {
    const values = normals(3 * BLOCK + 1, 5).map((value) => Math.round(value * 50) / 50);
    const lists = [[...values.subarray(0, BLOCK + 7)], [...values.subarray(BLOCK + 7)]];
    const count = Math.round(0.6 * values.length);
    for (const isScored of [false, true]) {
      const bytes = lists.map((list) => bytesAt('float32', list, 1));
      const keys = bytes.map((each, i) => {
        const magnitude = magnitudeKeys('float32', each);
        return isScored ? scoreKeys(Float32Array.from(lists[i] ?? [], Math.abs), magnitude) : magnitude;
      });
      const boundaries = shares(keys, selectLowest(keys, count));
      bytes.forEach((each, i) => {
        zeroBelow('float32', each, keys[i] as Keys, boundaries[i] ?? { key: 0, ties: 0 });
      });
      expect(bytes.map(floats)).toEqual(
        cleared(
          lists,
          slowestLeave(
            lists.map((list) => list.map(Math.abs)),
            count,
          ),
        ),
      );
    }
  });
});

describe('zeros', () => {
  test.each(['float32', 'float64', 'float16', 'bfloat16'] as const)(
    'are written over the lower half of %s alone, at any alignment',
    (type) => {
      const values = Array.from({ length: 37 }, (_, i) => (i % 2 === 0 ? 1 : -1) * ((i * 11) % 37));
      for (const offset of [0, 1, 2, 4, 8]) {
        const bytes = bytesAt(type, values, offset);
        const keys = magnitudeKeys(type, bytes);
        const zeros = zeroBelow(type, bytes, keys, selectLowest([keys], 20));
        expect(zeros).toEqual({ before: 1, added: 19 });
        const left = values.map((value) => (Math.abs(value) < 20 ? 0 : value));
        // The zero at place 0 keeps its sign, which is positive.
        expect(bytes).toEqual(bytesAt(type, left, 0));
      }
    },
  );

  test('leave the bits of minus zero', () => {
    const bytes = bytesAt('float32', [-0, 0.5, -0, 1], 0);
    zeroBelow('float32', bytes, magnitudeKeys('float32', bytes), { key: magnitudeKeyAt(0.75), ties: 0 });
    expect(floats(bytes)).toEqual([-0, 0, -0, 1]);
  });
});
