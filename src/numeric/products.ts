/** A row-major matrix inside an array: row i begins at `at + i · stride`. */
export interface Panel {
  readonly data: Float64Array;
  readonly at: number;
  readonly stride: number;
}

/** A row-major matrix that fills its array: [rows, width]. */
export function wholePanel(data: Float64Array, width: number): Panel {
  return { data, at: 0, stride: width };
}

/** Numbers of a row taken at a time: some dozens of such rows stay in the inner caches. */
const DEPTH = 256;

/** Rows on the right that all those on the left are multiplied with before others: they stay in the second cache. */
const SIDE = 64;

/**
 * Adds `factor` · left · rightᵀ to `out` [rows, columns], where left is [rows, depth] and right is [columns, depth], float64.
 * So all products are of rows, which lie together; a symmetric matrix is its own transpose, others are transposed before.
 * Two rows by four at a time: eight sums that stay in registers, six numbers read for eight products (K. Goto and R. van de
 * Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008, in the small). All three may be parts of one array as
 * long as `out` shares no element with the others.
 */
export function addProducts(
  out: Panel,
  factor: number,
  left: Panel,
  rows: number,
  right: Panel,
  columns: number,
  depth: number,
): void {
  const pairs = rows - (rows % 2);
  const fours = columns - (columns % 4);
  for (let from = 0; from < depth; from += DEPTH) {
    const length = Math.min(DEPTH, depth - from);
    for (let first = 0; first < fours; first += SIDE) {
      const last = Math.min(first + SIDE, fours);
      for (let i = 0; i < pairs; i += 2) {
        const a = left.at + i * left.stride + from;
        const o = out.at + i * out.stride;
        for (let j = first; j < last; j += 4) {
          const b = right.at + j * right.stride + from;
          addTwoByFour(
            left.data,
            a,
            left.stride,
            right.data,
            b,
            right.stride,
            length,
            factor,
            out.data,
            o + j,
            out.stride,
          );
        }
      }
    }
    if (pairs < rows) {
      const a = left.at + pairs * left.stride + from;
      addRow(left.data, a, right, from, fours, length, factor, out.data, out.at + pairs * out.stride, 1);
    }
    for (let j = fours; j < columns; j++) {
      const b = right.at + j * right.stride + from;
      addRow(right.data, b, left, from, rows, length, factor, out.data, out.at + j, out.stride);
    }
  }
}

function addTwoByFour(
  a: Float64Array,
  aAt: number,
  aStride: number,
  b: Float64Array,
  bAt: number,
  bStride: number,
  length: number,
  factor: number,
  out: Float64Array,
  outAt: number,
  outStride: number,
): void {
  // Without destructuring, which costs more than the arithmetic in here.
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  const [twice, thrice] = [2 * bStride, 3 * bStride];
  let q = bAt;
  for (let p = aAt; p < aAt + length; p++, q++) {
    const b0 = b[q] as number;
    const b1 = b[q + bStride] as number;
    const b2 = b[q + twice] as number;
    const b3 = b[q + thrice] as number;
    const a0 = a[p] as number;
    s00 += a0 * b0;
    s01 += a0 * b1;
    s02 += a0 * b2;
    s03 += a0 * b3;
    const a1 = a[p + aStride] as number;
    s10 += a1 * b0;
    s11 += a1 * b1;
    s12 += a1 * b2;
    s13 += a1 * b3;
  }
  out[outAt] = (out[outAt] as number) + factor * s00;
  out[outAt + 1] = (out[outAt + 1] as number) + factor * s01;
  out[outAt + 2] = (out[outAt + 2] as number) + factor * s02;
  out[outAt + 3] = (out[outAt + 3] as number) + factor * s03;
  const next = outAt + outStride;
  out[next] = (out[next] as number) + factor * s10;
  out[next + 1] = (out[next + 1] as number) + factor * s11;
  out[next + 2] = (out[next + 2] as number) + factor * s12;
  out[next + 3] = (out[next + 3] as number) + factor * s13;
}

/** What the tiles leave over: one row with `count` others, four of them at a time; results lie `step` apart. */
function addRow(
  row: Float64Array,
  at: number,
  others: Panel,
  from: number,
  count: number,
  length: number,
  factor: number,
  out: Float64Array,
  outAt: number,
  step: number,
): void {
  const { data, stride } = others;
  const fours = count - (count % 4);
  const [twice, thrice] = [2 * stride, 3 * stride];
  let o = outAt;
  for (let i = 0; i < fours; i += 4, o += 4 * step) {
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let q = others.at + i * stride + from;
    for (let p = at; p < at + length; p++, q++) {
      const each = row[p] as number;
      s0 += each * (data[q] as number);
      s1 += each * (data[q + stride] as number);
      s2 += each * (data[q + twice] as number);
      s3 += each * (data[q + thrice] as number);
    }
    out[o] = (out[o] as number) + factor * s0;
    out[o + step] = (out[o + step] as number) + factor * s1;
    out[o + 2 * step] = (out[o + 2 * step] as number) + factor * s2;
    out[o + 3 * step] = (out[o + 3 * step] as number) + factor * s3;
  }
  for (let i = fours; i < count; i++, o += step) {
    let sum = 0;
    let q = others.at + i * stride + from;
    for (let p = at; p < at + length; p++, q++) sum += (row[p] as number) * (data[q] as number);
    out[o] = (out[o] as number) + factor * sum;
  }
}
