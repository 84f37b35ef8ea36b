/** Real numbers in a row-major array, as tensors give them. */
export type Floats = Float32Array | Float64Array;

/** Lengths around one axis of a row-major array: an element's flat index is (o · size + i) · inner + k. */
export interface Strides {
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
}

/** The lengths before, along and behind an axis. */
export function stridesOf(dims: readonly number[], axis: number): Strides {
  const product = (part: readonly number[]): number => part.reduce((total, dim) => total * dim, 1);
  return { outer: product(dims.slice(0, axis)), size: dims[axis] ?? 1, inner: product(dims.slice(axis + 1)) };
}

/** Adds Σx of every slice along an axis to `sums`, slice i to `sums[i]`; accumulates in float64. */
export function addSums(data: Floats, { outer, size, inner }: Strides, sums: Float64Array): void {
  let at = 0;
  for (let block = 0; block < outer; block++) {
    for (let i = 0; i < size; i++) {
      let sum = 0;
      for (const end = at + inner; at < end; at++) sum += data[at] as number;
      sums[i] = (sums[i] as number) + sum;
    }
  }
}

/** Adds Σ|x| of every slice along an axis to `sums`, slice i to `sums[i]`; accumulates in float64. */
export function addAbsSums(data: Floats, { outer, size, inner }: Strides, sums: Float64Array): void {
  let at = 0;
  for (let block = 0; block < outer; block++) {
    // The last axis, by itself: a loop of one round per element costs more than the element.
    if (inner === 1) {
      for (let i = 0; i < size; i++, at++) sums[i] = (sums[i] as number) + Math.abs(data[at] as number);
      continue;
    }
    for (let i = 0; i < size; i++) {
      let sum = 0;
      for (const end = at + inner; at < end; at++) sum += Math.abs(data[at] as number);
      sums[i] = (sums[i] as number) + sum;
    }
  }
}

/** Adds Σx² of every slice along an axis to `sums`, slice i to `sums[i]`; accumulates in float64. */
export function addSquareSums(data: Floats, { outer, size, inner }: Strides, sums: Float64Array): void {
  let at = 0;
  for (let block = 0; block < outer; block++) {
    if (inner === 1) {
      for (let i = 0; i < size; i++, at++) sums[i] = (sums[i] as number) + (data[at] as number) * (data[at] as number);
      continue;
    }
    for (let i = 0; i < size; i++) {
      let sum = 0;
      for (const end = at + inner; at < end; at++) sum += (data[at] as number) * (data[at] as number);
      sums[i] = (sums[i] as number) + sum;
    }
  }
}
