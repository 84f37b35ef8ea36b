import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packBlocks, transposeCodes } from '../../src/numeric/pack-codes.ts';

const matrices = fc
  .tuple(
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: 40 }),
    fc.constantFrom(4, 8),
    fc.constantFrom(16, 32),
  )
  .chain(([rows, columns, bits, size]) => {
    const half = 2 ** (bits - 1);
    const codes = fc.array(fc.integer({ min: -half, max: half - 1 }), {
      minLength: rows * columns,
      maxLength: rows * columns,
    });
    return fc.record({
      rows: fc.constant(rows),
      columns: fc.constant(columns),
      bits: fc.constant(bits === 4 ? (4 as const) : (8 as const)),
      size: fc.constant(size),
      codes: codes.map((list) => Int8Array.from(list)),
    });
  });

test('packed codes are read back by the definition of MatMulNBits, and what fills up stands for zero', () => {
  fc.assert(
    fc.property(matrices, ({ codes, rows, columns, bits, size }) => {
      const padded = Math.ceil(columns / size) * size;
      const packed = packBlocks(codes, rows, columns, { bits, size });
      expect(packed).toHaveLength((rows * padded * bits) / 8);
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < padded; column++) {
          const bit = (row * padded + column) * bits;
          const code = ((packed[bit >> 3] ?? 0) >> (bit & 7)) & (2 ** bits - 1);
          expect(code - 2 ** (bits - 1)).toBe(column < columns ? codes[row * columns + column] : 0);
        }
      }
    }),
  );
});

test('each code is at the mirrored place, and the transpose of the transpose is the matrix', () => {
  fc.assert(
    fc.property(matrices, ({ codes, rows, columns }) => {
      const transposed = transposeCodes(codes, rows, columns);
      codes.forEach((code, i) => {
        expect(transposed[(i % columns) * rows + Math.floor(i / columns)]).toBe(code);
      });
      expect(transposeCodes(transposed, columns, rows)).toEqual(codes);
    }),
  );
});
