import { expect, test } from 'vitest';
import { type SmallFloat, smallFloatsToFloat32 } from '../../src/numeric/small-floats.ts';

const inf = Number.POSITIVE_INFINITY;
const nan = Number.NaN;

// The tables of the ONNX documentation: zeros, the smallest and largest of each kind, and what is not finite.
test.each<[SmallFloat, readonly (readonly [pattern: number, value: number])[]]>([
  [
    'float8e4m3fn',
    [
      [0x00, 0],
      [0x80, -0],
      [0x01, 2 ** -9],
      [0x07, 0.875 * 2 ** -6],
      [0x08, 2 ** -6],
      [0x38, 1],
      [0xb9, -1.125],
      [0x7e, 448],
      [0xfe, -448],
      [0x7f, nan],
      [0xff, nan],
    ],
  ],
  [
    'float8e4m3fnuz',
    [
      [0x00, 0],
      [0x80, nan],
      [0x01, 2 ** -10],
      [0x08, 2 ** -7],
      [0x7f, 240],
      [0xff, -240],
    ],
  ],
  [
    'float8e5m2',
    [
      [0x80, -0],
      [0x01, 2 ** -16],
      [0x04, 2 ** -14],
      [0x7b, 57344],
      [0xfb, -57344],
      [0x7c, inf],
      [0xfc, -inf],
      [0x7d, nan],
      [0xff, nan],
    ],
  ],
  [
    'float8e5m2fnuz',
    [
      [0x80, nan],
      [0x01, 2 ** -17],
      [0x04, 2 ** -15],
      [0x7f, 57344],
      [0xff, -57344],
    ],
  ],
  [
    'float8e8m0',
    [
      [0, 2 ** -127],
      [127, 1],
      [254, 2 ** 127],
      [255, nan],
    ],
  ],
  ['float4e2m1', [0, 0.5, 1, 1.5, 2, 3, 4, 6].flatMap((value, i) => [[i, value] as const, [i + 8, -value] as const])],
])('%s has the values of its definition', (type, pairs) => {
  const found = smallFloatsToFloat32(
    type,
    Uint8Array.from(pairs, ([pattern]) => pattern),
  );
  expect([...found]).toEqual(pairs.map(([, value]) => value));
});
