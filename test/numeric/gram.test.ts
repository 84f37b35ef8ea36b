import { describe, expect, test } from 'vitest';
import { gram, trianglePlace } from '../../src/numeric/gram.ts';
import { normals } from '../support/random.ts';

describe('trianglePlace', () => {
  test('numbers the lower triangle row by row, without gaps', () => {
    const places: number[] = [];
    for (let i = 0; i < 5; i++) for (let j = 0; j <= i; j++) places.push(trianglePlace(i, j));
    expect(places).toEqual([...Array(15).keys()]);
  });
});

describe('gram', () => {
  // Around the size of a block of columns, and odd numbers of rows.
  test.each([
    [1, 1],
    [2, 3],
    [3, 255],
    [4, 256],
    [5, 257],
    [7, 600],
    [1, 513],
    [0, 8],
    [3, 0],
  ])('of %i rows of %i numbers is that of a loop over all pairs', (count, width) => {
    const rows = normals(count * width, 1 + count + width);
    const products = gram(rows, count, width);
    expect(products).toHaveLength((count * (count + 1)) / 2);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        for (let k = 0; k < width; k++) sum += (rows[i * width + k] ?? 0) * (rows[j * width + k] ?? 0);
        expect(products[trianglePlace(i, j)]).toBeCloseTo(sum, 10);
      }
    }
  });

  test('adds up in more digits than the numbers have', () => {
    const rows = Float32Array.from({ length: 1001 }, (_, i) => (i === 0 ? 4096 : 2 ** -12));
    // In 32 bits every small square would be lost beside the big one.
    expect(gram(rows, 1, 1001)[0]).toBe(4096 ** 2 + 1000 * 2 ** -24);
  });

  test('leaves the rows alone', () => {
    const rows = Float32Array.of(1, 2, 3, 4);
    expect([...gram(rows, 2, 2)]).toEqual([5, 11, 25]);
    expect([...rows]).toEqual([1, 2, 3, 4]);
  });
});
