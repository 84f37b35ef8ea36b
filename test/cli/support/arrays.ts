import { zipSync } from 'fflate';
import { npyBytes } from '../../support/npy-bytes.ts';

/** The bytes of a .npz file with these arrays. */
export function npz(arrays: Readonly<Record<string, Uint8Array>>): Uint8Array {
  return zipSync(Object.fromEntries(Object.entries(arrays).map(([name, bytes]) => [`${name}.npy`, bytes])));
}

/** A .npy file of float32 numbers that are not all alike. */
export function floatArray(...shape: readonly number[]): Uint8Array {
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i + 1));
  return npyBytes('<f4', shape, new Uint8Array(data.buffer));
}

/** A .npy file of int64 numbers: 0, 1, 2, … below `bound`, over and over. */
export function integerArray(shape: readonly number[], bound: number): Uint8Array {
  const data = BigInt64Array.from({ length: sizeOf(shape) }, (_, i) => BigInt(i % bound));
  return npyBytes('<i8', shape, new Uint8Array(data.buffer));
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}
