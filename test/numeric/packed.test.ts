import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packCodes, takePacked, unpackCodes, unpackSigned } from '../../src/numeric/packed.ts';
import type { Keep } from '../../src/numeric/take.ts';

const widths = fc.constantFrom(2 as const, 4 as const);

/** Element i of packed data, by the words of onnx.proto: the first of a byte has its lowest bits. */
const elementAt = (bytes: Uint8Array, bits: number, i: number): number => {
  const bit = i * bits;
  return ((bytes[Math.floor(bit / 8)] ?? Number.NaN) >> (bit % 8)) & (2 ** bits - 1);
};

/** A packed array, and for each of its axes which positions stay. */
const cuts = fc
  .record({ bits: widths, dims: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 }) })
  .chain(({ bits, dims }) => {
    const size = Math.ceil((dims.reduce((product, dim) => product * dim, 1) * bits) / 8);
    return fc.record({
      bits: fc.constant(bits),
      dims: fc.constant(dims),
      bytes: fc.uint8Array({ minLength: size, maxLength: size }),
      kept: fc.tuple(...dims.map((dim) => fc.subarray(Array.from({ length: dim }, (_, i) => i)))),
    });
  });

describe('elements that share a byte', () => {
  test('are those that stay, wherever rows begin, and nothing fills up the last byte', () => {
    fc.assert(
      fc.property(cuts, ({ bits, dims, bytes, kept }) => {
        const keeps: Keep[] = kept.map((indices, axis) => ({ axis, indices }));
        const taken = takePacked(bytes, dims, bits, keeps);
        const places = kept.reduce<number[]>(
          (flat, indices, axis) => flat.flatMap((base) => indices.map((i) => base * (dims[axis] ?? 1) + i)),
          [0],
        );
        const expected = places.map((place) => elementAt(bytes, bits, place));
        expect(taken).toHaveLength(Math.ceil((places.length * bits) / 8));
        const room = (taken.length * 8) / bits;
        expect(Array.from({ length: room }, (_, i) => elementAt(taken, bits, i))).toEqual([
          ...expected,
          ...Array<number>(room - expected.length).fill(0),
        ]);
      }),
    );
  });

  test('come one to a byte, and go back', () => {
    fc.assert(
      fc.property(widths, fc.uint8Array({ maxLength: 40 }), (bits, bytes) => {
        const count = (bytes.length * 8) / bits;
        const codes = unpackCodes(bytes, bits, count);
        expect([...codes]).toEqual(Array.from({ length: count }, (_, i) => elementAt(bytes, bits, i)));
        expect(packCodes(codes, bits)).toEqual(bytes);
      }),
    );
  });

  test('have signs where they are signed', () => {
    expect([...unpackSigned(Uint8Array.of(0x80, 0x7f), 4, 4)]).toEqual([0, -8, -1, 7]);
    expect([...unpackSigned(Uint8Array.of(0b11_10_01_00), 2, 3)]).toEqual([0, 1, -2]);
  });
});
