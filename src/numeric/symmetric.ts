import { addProducts, type Panel } from './products.ts';

/** Rows taken at a time: what is computed above the diagonal for nothing is a part in n / 64 of the work. */
const STRIP = 64;

/**
 * All products of pairs of rows, rows · rowsᵀ, float64: the lower triangle is computed and mirrored.
 * @param rows [count, width], row-major
 * @param shape `upper` where rows is square and zero below its diagonal, `lower` where it is zero above: a third of the work
 * @returns [count, count], row-major, exactly symmetric
 */
export function selfProducts(
  rows: Float64Array,
  count: number,
  width: number,
  shape: 'full' | 'lower' | 'upper' = 'full',
): Float64Array {
  const products = new Float64Array(count * count);
  for (let from = 0; from < count; from += STRIP) {
    const size = Math.min(STRIP, count - from);
    const start = shape === 'upper' ? from : 0;
    // Products of a row of a lower triangle with earlier ones end where its own strip of columns does.
    const end = shape === 'lower' ? from + size : width;
    const of = (row: number): Panel => ({ data: rows, at: row * width + start, stride: width });
    const out = { data: products, at: from * count, stride: count };
    addProducts(out, 1, of(from), size, of(0), from + size, end - start);
  }
  mirror(products, count);
  return products;
}

/** Makes a square matrix symmetric by its lower triangle; in squares, since one of both is walked across its rows. */
function mirror(matrix: Float64Array, n: number): void {
  for (let from = 0; from < n; from += STRIP) {
    for (let to = 0; to <= from; to += STRIP) {
      for (let i = from; i < Math.min(from + STRIP, n); i++) {
        for (let j = to; j < Math.min(to + STRIP, i); j++) matrix[j * n + i] = matrix[i * n + j] as number;
      }
    }
  }
}
