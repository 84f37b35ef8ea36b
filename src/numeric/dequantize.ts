import type { Floats } from './slices.ts';

/** Numbers that broadcast over an array: those at index i of an axis are `strides[axis] · i` further on. */
export interface Spread {
  readonly values: Floats;
  readonly strides: readonly number[];
}

/** scale · (integer − zero point) of every element of a row-major array. */
export function dequantize(integers: Floats, dims: readonly number[], scale: Spread, zeroPoint: Spread): Float32Array {
  const real = new Float32Array(integers.length);
  const index = new Int32Array(dims.length);
  let [atScale, atZero] = [0, 0];
  for (let at = 0; at < real.length; at++) {
    real[at] = (scale.values[atScale] as number) * ((integers[at] as number) - (zeroPoint.values[atZero] as number));
    // To the next element: the last axis first, and where an axis is through, back to its start and on along the one
    // before.
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const [stepScale, stepZero] = [scale.strides[axis] as number, zeroPoint.strides[axis] as number];
      atScale += stepScale;
      atZero += stepZero;
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (dims[axis] as number)) break;
      index[axis] = 0;
      atScale -= stepScale * (dims[axis] as number);
      atZero -= stepZero * (dims[axis] as number);
    }
  }
  return real;
}
