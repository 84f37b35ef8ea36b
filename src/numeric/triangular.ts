import { addProducts, type Panel } from './products.ts';

/** Columns solved at a time: all but one part in n / 32 of the work is products of blocks. */
const BLOCK = 32;

/**
 * Replaces a symmetric matrix by its Cholesky factor L, A = L·Lᵀ, block by block from the left (G. Golub and C. Van Loan,
 * "Matrix Computations", section 4.2). Reads the lower triangle only and leaves the upper one zero.
 * @param matrix [n, n], row-major
 * @param tolerance what every pivot has to be above, as a part of its element of the diagonal
 * @returns whether every pivot was; the matrix is spoilt where not
 */
export function factorizeInPlace(matrix: Float64Array, n: number, tolerance: number): boolean {
  const floors = Float64Array.from({ length: n }, (_, i) => tolerance * (matrix[i * n + i] as number));
  const part = (row: number, column: number): Panel => ({ data: matrix, at: row * n + column, stride: n });
  for (let from = 0; from < n; from += BLOCK) {
    const size = Math.min(BLOCK, n - from);
    const corner = part(from, from);
    addProducts(corner, -1, part(from, 0), n - from, part(from, 0), size, from);
    if (!factorizeCorner(corner, size, floors.subarray(from))) return false;
    solveCorner(part(from + size, from), n - from - size, corner, size);
  }
  for (let i = 0; i < n; i++) matrix.fill(0, i * n + i + 1, (i + 1) * n);
  return true;
}

function factorizeCorner({ data, at, stride }: Panel, size: number, floors: Float64Array): boolean {
  for (let i = 0; i < size; i++) {
    const row = at + i * stride;
    for (let j = 0; j <= i; j++) {
      const other = at + j * stride;
      let sum = data[row + j] as number;
      for (let k = 0; k < j; k++) sum -= (data[row + k] as number) * (data[other + k] as number);
      if (j < i) data[row + j] = sum / (data[other + j] as number);
      else if (sum > (floors[i] as number)) data[row + j] = Math.sqrt(sum);
      else return false;
    }
  }
  return true;
}

/**
 * Solves X·Lᵀ = B in place, row by row: every row of X is L⁻¹ times that of B.
 * @param lower L [n, n], row-major; its upper triangle is not read
 * @param right B [rows, n], row-major, which becomes X
 */
export function solveLower(lower: Float64Array, n: number, right: Float64Array, rows: number): void {
  const of = (data: Float64Array, row: number, column: number): Panel => ({ data, at: row * n + column, stride: n });
  for (let from = 0; from < n; from += BLOCK) {
    const size = Math.min(BLOCK, n - from);
    addProducts(of(right, 0, from), -1, of(right, 0, 0), rows, of(lower, from, 0), size, from);
    solveCorner(of(right, 0, from), rows, of(lower, from, from), size);
  }
}

/**
 * The inverse of a lower triangular matrix, transposed, so that it is upper triangular; zeros below.
 * @param lower L [n, n], row-major; its upper triangle is not read
 * @returns L⁻ᵀ [n, n], row-major
 */
export function invertLowerTransposed(lower: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n);
  const of = (data: Float64Array, row: number, column: number): Panel => ({ data, at: row * n + column, stride: n });
  for (let from = 0; from < n; from += BLOCK) {
    const size = Math.min(BLOCK, n - from);
    for (let i = from; i < from + size; i++) inverse[i * n + i] = 1;
    // Row i of the inverse begins at column i, so that blocks of rows begin their products at their own column.
    for (let row = 0; row < from; row += BLOCK) {
      const out = of(inverse, row, from);
      addProducts(out, -1, of(inverse, row, row), BLOCK, of(lower, from, row), size, from - row);
    }
    solveCorner(of(inverse, 0, from), from + size, of(lower, from, from), size);
  }
  return inverse;
}

/** Solves X·Lᵀ = B in place for one block on the diagonal of L; four rows at a time, as one waits for its own results. */
function solveCorner(right: Panel, rows: number, lower: Panel, size: number): void {
  const { data, at, stride } = right;
  const { data: factor } = lower;
  const fours = rows - (rows % 4);
  for (let i = 0; i < fours; i += 4) {
    const r0 = at + i * stride;
    const r1 = r0 + stride;
    const r2 = r1 + stride;
    const r3 = r2 + stride;
    for (let j = 0; j < size; j++) {
      const row = lower.at + j * lower.stride;
      let s0 = data[r0 + j] as number;
      let s1 = data[r1 + j] as number;
      let s2 = data[r2 + j] as number;
      let s3 = data[r3 + j] as number;
      for (let k = 0; k < j; k++) {
        const each = factor[row + k] as number;
        s0 -= each * (data[r0 + k] as number);
        s1 -= each * (data[r1 + k] as number);
        s2 -= each * (data[r2 + k] as number);
        s3 -= each * (data[r3 + k] as number);
      }
      const pivot = factor[row + j] as number;
      data[r0 + j] = s0 / pivot;
      data[r1 + j] = s1 / pivot;
      data[r2 + j] = s2 / pivot;
      data[r3 + j] = s3 / pivot;
    }
  }
  for (let i = fours; i < rows; i++) {
    const start = at + i * stride;
    for (let j = 0; j < size; j++) {
      const row = lower.at + j * lower.stride;
      let sum = data[start + j] as number;
      for (let k = 0; k < j; k++) sum -= (factor[row + k] as number) * (data[start + k] as number);
      data[start + j] = sum / (factor[row + j] as number);
    }
  }
}
