import { describe, expect, test } from 'vitest';
import { Tensor } from '../../src/ir/tensor.ts';
import { floatBytes, isFloatType } from '../../src/numeric/float-bytes.ts';

describe('numbers as bytes of a floating-point type', () => {
  test.each(['float32', 'float64', 'float16', 'bfloat16'] as const)('%s comes back as it was', (type) => {
    const values = [0, 1, -2.5, 0.125, 1024];
    expect([...Tensor.of(type, [5], floatBytes(type, values)).floats()]).toEqual(values);
  });

  test.each([
    ['float16', 1 + 2 ** -11, 1],
    ['bfloat16', 1 + 2 ** -8, 1],
    ['float32', 1 + 2 ** -24, 1],
  ] as const)('%s rounds to the nearest', (type, value, rounded) => {
    expect([...Tensor.of(type, [1], floatBytes(type, [value])).floats()]).toEqual([rounded]);
  });

  test('integers are not floating point', () => {
    expect(['float16', 'int8', 'undefined'].map(isFloatType)).toEqual([true, false, false]);
  });
});
