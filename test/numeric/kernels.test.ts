import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bfloat16Bits, bfloat16ToFloat32, float16Bits, float16ToFloat32 } from '../../src/numeric/float16.ts';
import { seededRandom } from '../../src/numeric/random.ts';
import { addAbsSums, addSquareSums, stridesOf } from '../../src/numeric/slices.ts';
import { take } from '../../src/numeric/take.ts';
import { UnionFind } from '../../src/numeric/union-find.ts';

const shapes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });

/** Every index of a shape with its flat position, the last axis fastest. */
function indicesOf(dims: readonly number[]): number[][] {
  return dims.reduce<number[][]>(
    (all, length) => all.flatMap((index) => Array.from({ length }, (_, i) => [...index, i])),
    [[]],
  );
}

describe('take', () => {
  const cuts = shapes.chain((dims) =>
    fc.record({
      dims: fc.constant(dims),
      width: fc.constantFrom(1, 2, 4, 8),
      kept: fc.tuple(
        ...dims.map((length) =>
          fc.option(fc.subarray([...Array(length).keys()], { minLength: 1 }), { nil: undefined }),
        ),
      ),
    }),
  );

  test('keeps what indexing element by element keeps, along any axes at once', () => {
    fc.assert(
      fc.property(cuts, ({ dims, width, kept }) => {
        const size = dims.reduce((product, length) => product * length, 1);
        const bytes = Uint8Array.from({ length: size * width }, (_, i) => i % 251);
        const keeps = kept.flatMap((indices, axis) => (indices === undefined ? [] : [{ axis, indices }]));
        const naive = indicesOf(dims).flatMap((index, flat) => {
          const stays = index.every((i, axis) => kept[axis]?.includes(i) ?? true);
          return stays ? [...bytes.subarray(flat * width, (flat + 1) * width)] : [];
        });
        expect([...take(bytes, dims, width, keeps)]).toEqual(naive);
        expect([...take(bytes, dims, width, [...keeps].reverse())]).toEqual(naive);
        const own = bytes.slice();
        expect([...take(own, dims, width, keeps, own)]).toEqual(naive);
      }),
    );
  });

  // Short runs of aligned numbers are moved as numbers, the others as bytes.
  test.each([0, 1, 2, 4])('of numbers that begin %i bytes into a buffer, in short runs and in long ones', (offset) => {
    const dims = [3, 4, 50];
    const bytes = Uint8Array.from({ length: 2400 + offset }, (_, i) => (i * 7) % 251).subarray(offset);
    for (const keeps of [
      [{ axis: 0, indices: [0, 2] }],
      [{ axis: 1, indices: [1, 2] }],
      [{ axis: 2, indices: [0, 1, 5, 49] }],
      [
        { axis: 0, indices: [2] },
        { axis: 2, indices: [...Array(40).keys()] },
      ],
    ]) {
      const naive = indicesOf(dims).flatMap((index, flat) =>
        keeps.every(({ axis, indices }) => indices.includes(index[axis] ?? 0))
          ? [...bytes.subarray(flat * 4, (flat + 1) * 4)]
          : [],
      );
      expect([...take(bytes, dims, 4, keeps)]).toEqual(naive);
      expect([...take(bytes, dims, 4, keeps, bytes)]).toEqual(naive);
    }
  });

  test('of nothing at all keeps the very bytes', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4);
    expect(take(bytes, [4], 1, [])).toBe(bytes);
  });

  test('leaves the original alone', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4);
    take(bytes, [4], 1, [{ axis: 0, indices: [0, 3] }])[0] = 9;
    expect([...bytes]).toEqual([1, 2, 3, 4]);
  });
});

describe('sums over slices', () => {
  test.each([
    ['absolute values', addAbsSums, Math.abs],
    ['squares', addSquareSums, (x: number) => x * x],
  ] as const)('of %s are those of a loop over all indices', (_, add, of) => {
    fc.assert(
      fc.property(shapes, fc.nat({ max: 3 }), (dims, wish) => {
        const axis = wish % dims.length;
        const indices = indicesOf(dims);
        const data = Float32Array.from(indices, (_, i) => Math.sin(i + 1));
        const naive = new Float64Array(dims[axis] ?? 0);
        indices.forEach((index, flat) => {
          const i = index[axis] ?? 0;
          naive[i] = (naive[i] ?? 0) + of(data[flat] ?? 0);
        });
        const sums = new Float64Array(dims[axis] ?? 0);
        add(data, stridesOf(dims, axis), sums);
        sums.forEach((sum, i) => {
          expect(sum).toBeCloseTo(naive[i] ?? 0, 9);
        });
      }),
    );
  });

  test('add to what is there', () => {
    const sums = Float64Array.of(10);
    addAbsSums(Float32Array.of(-1, 2), stridesOf([1, 2], 0), sums);
    expect(sums[0]).toBe(13);
  });
});

describe('16-bit floats', () => {
  test('all 65536 halves survive the way to float32 and back', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    float16ToFloat32(bits).forEach((value, i) => {
      if (Number.isNaN(value)) expect(float16Bits(value) & 0x7fff).toBeGreaterThan(0x7c00);
      else if (float16Bits(value) !== i) expect(float16Bits(value)).toBe(i);
    });
  });

  test('all 65536 bfloat16 survive the way to float32 and back', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    bfloat16ToFloat32(bits).forEach((value, i) => {
      if (Number.isNaN(value)) expect(bfloat16Bits(value) & 0x7fff).toBeGreaterThan(0x7f80);
      else if (bfloat16Bits(value) !== i) expect(bfloat16Bits(value)).toBe(i);
    });
  });

  test.each([
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [1e9, 0x7c00],
    [2 ** -24, 1],
    [2 ** -25, 0],
    [2 ** -25 * 1.001, 1],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [-0, 0x8000],
  ])('%d is the half 0x%s', (value, bits) => {
    expect(float16Bits(value)).toBe(bits);
  });

  test('rounding goes to the nearer neighbour, and to the even one of two', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7bfe }), fc.double({ min: 0, max: 1, noNaN: true }), (low, part) => {
        const [below = 0, above = 0] = float16ToFloat32(Uint16Array.of(low, low + 1));
        const value = Math.fround(below + (above - below) * part);
        const [down, up] = [value - below, above - value];
        const nearest = down < up ? low : up < down ? low + 1 : low % 2 === 0 ? low : low + 1;
        expect(float16Bits(value)).toBe(nearest);
      }),
    );
  });
});

describe('random numbers', () => {
  test('are the same for the same seed, and others for another', () => {
    const draw = (seed: number): number[] => Array.from({ length: 5 }, seededRandom(seed).uniform);
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(3).every((number) => number >= 0 && number < 1)).toBe(true);
  });
});

test('union-find joins exactly what is connected', () => {
  const pairs = fc.array(fc.tuple(fc.nat({ max: 19 }), fc.nat({ max: 19 })), { maxLength: 30 });
  fc.assert(
    fc.property(pairs, (joins) => {
      const sets = new UnionFind(20);
      const labels = [...Array(20).keys()];
      for (const [a, b] of joins) {
        expect(sets.union(a, b)).toBe(sets.find(a));
        const [from, to] = [labels[a], labels[b]];
        labels.forEach((label, i) => {
          if (label === from) labels[i] = to ?? label;
        });
      }
      labels.forEach((label, i) => {
        labels.forEach((other, j) => {
          expect(sets.find(i) === sets.find(j)).toBe(label === other);
        });
      });
    }),
  );
});
