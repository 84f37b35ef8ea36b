import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addProduct, type MatrixView, rowMajor, transposed } from '../../src/numeric/multiply.ts';
import { normals } from '../support/random.ts';

const numbers = (count: number, seed: number): Float64Array => Float64Array.from(normals(count, seed));

const at = ({ values, offset, rowStride, columnStride }: MatrixView, i: number, j: number): number =>
  values[offset + i * rowStride + j * columnStride] ?? Number.NaN;

describe('a product added to a matrix', () => {
  test('is that of three loops, whatever the strides, and nothing beside it is touched', () => {
    const sizes = fc.record({
      rows: fc.integer({ min: 0, max: 9 }),
      terms: fc.integer({ min: 0, max: 9 }),
      columns: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(sizes, fc.boolean(), fc.boolean(), fc.boolean(), fc.integer(), (size, tl, tr, to, seed) => {
        const { rows, terms, columns } = size;
        // A matrix inside a larger one, at (1, 2), that lies as said.
        const view = (height: number, width: number, turned: boolean, salt: number): MatrixView => {
          const [h, w] = turned ? [width, height] : [height, width];
          const whole = rowMajor(numbers((h + 3) * (w + 3), seed + salt), w + 3, 1, 2);
          return turned ? transposed(whole) : whole;
        };
        const [left, right, out] = [view(rows, terms, tl, 1), view(terms, columns, tr, 2), view(rows, columns, to, 3)];
        const wanted = out.values.slice();
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < columns; j++) {
            let sum = 0;
            for (let k = 0; k < terms; k++) sum += at(left, i, k) * at(right, k, j);
            wanted[out.offset + i * out.rowStride + j * out.columnStride] = at(out, i, j) - 0.5 * sum;
          }
        }
        addProduct(out, left, right, size, -0.5);
        const worst = Math.max(...out.values.map((value, i) => Math.abs(value - (wanted[i] ?? Number.NaN))));
        expect(worst).toBeLessThan(1e-12);
      }),
    );
  });

  // Around the sizes of tiles, panels and depths.
  test.each([
    [126, 256, 127],
    [127, 257, 126],
    [2, 600, 3],
    [253, 5, 4],
  ])('of %i rows, %i terms and %i columns is that of three loops', (rows, terms, columns) => {
    const [left, right] = [numbers(rows * terms, 1), numbers(terms * columns, 2)];
    const out = new Float64Array(rows * columns);
    addProduct(rowMajor(out, columns), rowMajor(left, terms), rowMajor(right, columns), { rows, terms, columns });
    let worst = 0;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let k = 0; k < terms; k++) sum += (left[i * terms + k] ?? 0) * (right[k * columns + j] ?? 0);
        worst = Math.max(worst, Math.abs(sum - (out[i * columns + j] ?? Number.NaN)));
      }
    }
    expect(worst).toBeLessThan(1e-11);
  });
});
