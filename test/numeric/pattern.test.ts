import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCK } from '../../src/numeric/blocks.ts';
import { magnitudeKeys, scoreKeys } from '../../src/numeric/keys.ts';
import { zeroPattern } from '../../src/numeric/pattern.ts';
import { normals } from '../support/random.ts';
import { bytesAt, slowestLeave, weights } from './weights.ts';

interface Case {
  readonly outer: number;
  readonly runs: number;
  readonly inner: number;
  readonly keep: number;
  readonly of: number;
}

/** Position by position: of the run around each, which it would lose by sorting. */
function naive(values: readonly number[], { outer, runs, inner, keep, of }: Case): number[] {
  const out = [...values];
  for (let o = 0; o < outer; o++) {
    for (let run = 0; run < runs; run++) {
      for (let k = 0; k < inner; k++) {
        const places = Array.from({ length: of }, (_, i) => (o * runs * of + run * of + i) * inner + k);
        const [leaves = []] = slowestLeave([places.map((place) => Math.abs(values[place] ?? 0))], of - keep);
        places.forEach((place, i) => {
          if (leaves[i] && values[place] !== 0) out[place] = 0;
        });
      }
    }
  }
  return out;
}

const floats = (bytes: Uint8Array): number[] => [...new Float32Array(bytes.slice().buffer)];

const cases: fc.Arbitrary<Case & { readonly values: number[]; readonly offset: number }> = fc
  .record({
    outer: fc.integer({ min: 1, max: 3 }),
    runs: fc.integer({ min: 1, max: 3 }),
    inner: fc.integer({ min: 1, max: 3 }),
    of: fc.integer({ min: 1, max: 6 }),
  })
  .chain((sizes) => {
    const size = sizes.outer * sizes.runs * sizes.inner * sizes.of;
    return fc.record({
      values: fc.array(weights.map(Math.fround), { minLength: size, maxLength: size }),
      keep: fc.integer({ min: 0, max: sizes.of }),
      offset: fc.constantFrom(0, 2, 3),
      outer: fc.constant(sizes.outer),
      runs: fc.constant(sizes.runs),
      inner: fc.constant(sizes.inner),
      of: fc.constant(sizes.of),
    });
  });

describe('N of every M positions along an axis', () => {
  test('stay, those that sorting each run finds, and doing so again changes nothing', () => {
    fc.assert(
      fc.property(cases, ({ values, offset, ...shape }) => {
        const bytes = bytesAt('float32', values, offset);
        const strides = { outer: shape.outer, size: shape.runs * shape.of, inner: shape.inner };
        const zeros = zeroPattern('float32', bytes, magnitudeKeys('float32', bytes), strides, shape);
        const wanted = naive(values, shape);
        expect(floats(bytes)).toEqual(wanted);
        const before = values.filter((value) => value === 0).length;
        expect(zeros).toEqual({ before, added: wanted.filter((value) => value === 0).length - before });
        const again = zeroPattern('float32', bytes, magnitudeKeys('float32', bytes), strides, shape);
        expect([again.added, floats(bytes)]).toEqual([0, wanted]);
      }),
    );
  });

  // Runs that are shorter than a block, as long, and longer.
  test.each([1, 3, BLOCK / 4, BLOCK / 4 + 1])('over many blocks, %i positions apart', (inner) => {
    const shape = { outer: 2, runs: Math.ceil(BLOCK / 4 / inner) + 1, inner, keep: 2, of: 4 };
    const values = [...normals(2 * shape.runs * 4 * inner, 3)];
    const bytes = bytesAt('float32', values, 1);
    const strides = { outer: 2, size: shape.runs * 4, inner };
    const zeros = zeroPattern('float32', bytes, magnitudeKeys('float32', bytes), strides, shape);
    expect(floats(bytes)).toEqual(naive(values, shape));
    expect(zeros).toEqual({ before: 0, added: values.length / 2 });
  });

  test('go by scores, and write every type', () => {
    const values = [1, 2, 3, 4];
    for (const type of ['float16', 'bfloat16', 'float64'] as const) {
      const bytes = bytesAt(type, values, 1);
      const keys = scoreKeys(Float32Array.of(5, -1, -2, 0), magnitudeKeys(type, bytes));
      zeroPattern(type, bytes, keys, { outer: 1, size: 4, inner: 1 }, { keep: 2, of: 4 });
      expect(bytes, type).toEqual(bytesAt(type, [1, 0, 0, 4], 0));
    }
  });
});
