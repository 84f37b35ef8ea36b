import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addProducts, type Panel, wholePanel } from '../../src/numeric/products.ts';
import { normals } from '../support/random.ts';

const numbers = (count: number, seed: number): Float64Array => Float64Array.from(normals(count, seed));

const at = ({ data, at, stride }: Panel, i: number, j: number): number => data[at + i * stride + j] ?? Number.NaN;

describe('products of rows added to a matrix', () => {
  test('are those of three loops, whatever the strides, and nothing beside it is touched', () => {
    const sizes = fc.record({
      rows: fc.integer({ min: 0, max: 11 }),
      columns: fc.integer({ min: 0, max: 11 }),
      depth: fc.integer({ min: 0, max: 11 }),
      beside: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(sizes, fc.integer(), ({ rows, columns, depth, beside }, seed) => {
        // A matrix inside a larger one, from (1, 2) on.
        const inside = (height: number, width: number, salt: number): Panel => {
          const stride = width + 2 + beside;
          return { data: numbers((height + 2) * stride, seed + salt), at: stride + 2, stride };
        };
        const [left, right, out] = [inside(rows, depth, 1), inside(columns, depth, 2), inside(rows, columns, 3)];
        const wanted = out.data.slice();
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < columns; j++) {
            let sum = 0;
            for (let k = 0; k < depth; k++) sum += at(left, i, k) * at(right, j, k);
            wanted[out.at + i * out.stride + j] = at(out, i, j) - 0.5 * sum;
          }
        }
        addProducts(out, -0.5, left, rows, right, columns, depth);
        const worst = Math.max(...out.data.map((value, i) => Math.abs(value - (wanted[i] ?? Number.NaN))));
        expect(worst).toBeLessThan(1e-12);
      }),
    );
  });

  // Around the sizes of tiles, strips and depths.
  test.each([
    [63, 65, 256],
    [64, 64, 257],
    [2, 130, 600],
    [131, 4, 5],
    [1, 68, 3],
  ])('of %i by %i rows of %i numbers are those of three loops', (rows, columns, depth) => {
    const [left, right] = [numbers(rows * depth, 1), numbers(columns * depth, 2)];
    const out = new Float64Array(rows * columns);
    const [a, b] = [wholePanel(left, depth), wholePanel(right, depth)];
    addProducts(wholePanel(out, columns), 1, a, rows, b, columns, depth);
    let worst = 0;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let k = 0; k < depth; k++) sum += (left[i * depth + k] ?? 0) * (right[j * depth + k] ?? 0);
        worst = Math.max(worst, Math.abs(sum - (out[i * columns + j] ?? Number.NaN)));
      }
    }
    expect(worst).toBeLessThan(1e-11);
  });
});
