/** Columns taken at a time: two packed rows of them stay in the innermost cache. */
const BLOCK = 256;

/** Place of the product of rows i ≥ j in the packed lower triangle that {@link gram} gives. */
export function trianglePlace(i: number, j: number): number {
  return (i * (i + 1)) / 2 + j;
}

/**
 * Inner products of all pairs of rows, the lower triangle packed row by row; accumulated in float64. Two by two rows at
 * a time, so that each number read is used twice; a quarter of the reads of one dot product after the other.
 *
 * @param rows `count` times `width` numbers
 */
export function gram(rows: Float32Array, count: number, width: number): Float64Array {
  const products = new Float64Array(trianglePlace(count, 0));
  const packed = new Float64Array((count + (count % 2)) * BLOCK);
  const sums = new Float64Array(4);
  const add = (i: number, j: number, sum: number): void => {
    if (i >= count || j > i) return;
    const place = trianglePlace(i, j);
    products[place] = (products[place] as number) + sum;
  };
  for (let from = 0; from < width; from += BLOCK) {
    const length = Math.min(BLOCK, width - from);
    pack(rows, count, width, from, length, packed);
    for (let i = 0; i < count; i += 2) {
      for (let j = 0; j <= i; j += 2) {
        multiplyPairs(packed, i * BLOCK, j * BLOCK, length, sums);
        add(i, j, sums[0] as number);
        add(i, j + 1, sums[1] as number);
        add(i + 1, j, sums[2] as number);
        add(i + 1, j + 1, sums[3] as number);
      }
    }
  }
  return products;
}

/** Lays out a block of columns so that the numbers of rows 2i and 2i + 1 alternate. */
function pack(rows: Float32Array, count: number, width: number, from: number, length: number, out: Float64Array): void {
  for (let i = 0; i < count; i++) {
    const start = (i - (i % 2)) * BLOCK + (i % 2);
    for (let k = 0; k < length; k++) out[start + 2 * k] = rows[i * width + from + k] as number;
  }
}

/** The four products of the two rows packed at `a` with the two rows packed at `b`. */
function multiplyPairs(packed: Float64Array, a: number, b: number, length: number, sums: Float64Array): void {
  // Without destructuring, which costs more than the arithmetic in here.
  let s00 = 0;
  let s01 = 0;
  let s10 = 0;
  let s11 = 0;
  const shift = b - a;
  for (let at = a; at < a + 2 * length; at += 2) {
    const a0 = packed[at] as number;
    const a1 = packed[at + 1] as number;
    const b0 = packed[at + shift] as number;
    const b1 = packed[at + shift + 1] as number;
    s00 += a0 * b0;
    s01 += a0 * b1;
    s10 += a1 * b0;
    s11 += a1 * b1;
  }
  sums[0] = s00;
  sums[1] = s01;
  sums[2] = s10;
  sums[3] = s11;
}
