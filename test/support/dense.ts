import { seededRandom } from '../../src/numeric/random.ts';

/** Normal numbers [rows, width] in float64. */
export function randomRows(rows: number, width: number, seed: number): Float64Array {
  const random = seededRandom(seed);
  return Float64Array.from({ length: rows * width }, () => random.normal());
}

/** The mean of x·xᵀ over some random x of `n` numbers; singular where there are fewer of them than that. */
export function randomMoments(n: number, samples: number, seed: number): Float64Array {
  const rows = randomRows(n, samples, seed);
  return Float64Array.from({ length: n * n }, (_, place) => {
    const [i, j] = [Math.floor(place / n), place % n];
    let sum = 0;
    for (let k = 0; k < samples; k++) sum += (rows[i * samples + k] ?? 0) * (rows[j * samples + k] ?? 0);
    return sum / samples;
  });
}

/** a·b of [rows, depth] and [depth, columns], row-major: the slow definition. */
export function multiply(a: Float64Array, b: Float64Array, rows: number, depth: number, columns: number): Float64Array {
  const product = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let k = 0; k < depth; k++) sum += (a[i * depth + k] ?? 0) * (b[k * columns + j] ?? 0);
      product[i * columns + j] = sum;
    }
  }
  return product;
}

/** The identity [n, n]. */
export function identity(n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
}

/** The largest difference between elements, NaN where one is. */
export function differenceOf(a: Float64Array, b: Float64Array): number {
  let largest = a.length === b.length ? 0 : Number.NaN;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)));
  return largest;
}

/** X of a·X = b for a [n, n] and b [n, columns]: elimination with row exchanges. */
export function solveByElimination(a: Float64Array, b: Float64Array, n: number, columns: number): Float64Array {
  const width = n + columns;
  const rows = Array.from({ length: n }, (_, i) => [
    ...a.subarray(i * n, (i + 1) * n),
    ...b.subarray(i * columns, (i + 1) * columns),
  ]);
  for (let k = 0; k < n; k++) {
    const rest = rows.splice(k).sort((left, right) => Math.abs(right[k] ?? 0) - Math.abs(left[k] ?? 0));
    rows.push(...rest);
    const pivot = rows[k] ?? [];
    for (const [i, row] of rows.entries()) {
      if (i === k) continue;
      const factor = (row[k] ?? 0) / (pivot[k] ?? 0);
      for (let j = k; j < width; j++) row[j] = (row[j] ?? 0) - factor * (pivot[j] ?? 0);
    }
  }
  return Float64Array.from(rows.flatMap((row, i) => row.slice(n).map((each) => each / (row[i] ?? 0))));
}
