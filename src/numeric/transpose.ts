/** Rows and columns of the squares taken at a time. */
const TILE = 32;

/**
 * The transpose of a matrix, in squares that stay in the cache.
 * @param matrix [rows, columns], row-major
 * @returns [columns, rows], row-major
 */
export function transpose(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const transposed = new Float64Array(rows * columns);
  for (let from = 0; from < rows; from += TILE) {
    for (let to = 0; to < columns; to += TILE) {
      for (let i = from; i < Math.min(from + TILE, rows); i++) {
        for (let j = to; j < Math.min(to + TILE, columns); j++)
          transposed[j * rows + i] = matrix[i * columns + j] as number;
      }
    }
  }
  return transposed;
}
