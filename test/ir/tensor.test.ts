import { describe, expect, test } from 'vitest';
import type { DataType } from '../../src/ir/data-type.ts';
import { Tensor } from '../../src/ir/tensor.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { ModelBuilder } from '../support/build.ts';
import type { ElementType, Storage } from '../support/build-tensor.ts';

/** The tensor as a file holds it, after `padding` bytes more of doc string, so that the data lie anywhere. */
function stored(dtype: ElementType, values: readonly (number | bigint)[], storage: Storage, padding = 0): Tensor {
  const b = new ModelBuilder({ docString: 'x'.repeat(padding) });
  b.initializer({ name: 'w', dtype, dims: [values.length], values, storage });
  const [proto] = decodeModel(b.bytes()).graph?.initializer ?? [];
  return new Tensor(proto ?? {});
}

const FLOATS = [0, -0, 1.5, -2.25, 65504, 2 ** -14];
const CASES: readonly (readonly [ElementType, readonly (number | bigint)[]])[] = [
  ['float32', [...FLOATS, 2 ** 127, Infinity, Math.fround(0.1)]],
  ['float64', [...FLOATS, 1e300, 0.1, -Infinity]],
  ['float16', [...FLOATS, Infinity, 2 ** -24]],
  ['bfloat16', [0, 1.5, -2.25, 2 ** 100, Infinity]],
  ['int64', [0, -1, 2 ** 53, -(2 ** 53)]],
  ['int32', [0, -1, 2 ** 31 - 1, -(2 ** 31)]],
  ['int16', [0, -1, 32767, -32768]],
  ['int8', [0, -1, 127, -128]],
  ['uint64', [0, 1, 2 ** 53]],
  ['uint32', [0, 1, 2 ** 32 - 1]],
  ['uint16', [0, 1, 65535]],
  ['uint8', [0, 1, 255]],
  ['bool', [1, 0, 1]],
];

describe('elements are read', () => {
  describe.each(['raw', 'typed'] as const)('from %s storage', (storage) => {
    test.each(CASES)('as %s, wherever they lie', (dtype, values) => {
      for (let padding = 0; padding < 8; padding++) {
        const tensor = stored(dtype, values, storage, padding);
        expect(tensor).toMatchObject({ type: dtype, dims: [values.length], size: values.length });
        const numbers = dtype.includes('float') ? Array.from(tensor.floats()) : tensor.integers();
        expect(numbers).toEqual(values);
      }
    });
  });

  test('raw and typed storage hold the same bytes', () => {
    for (const [dtype, values] of CASES) {
      expect(stored(dtype, values, 'typed').raw(), dtype).toEqual(new Uint8Array(stored(dtype, values, 'raw').raw()));
    }
  });

  test('without a copy where alignment allows', () => {
    const bytes = new Uint8Array(32);
    expect(Tensor.of('float32', [4], bytes.subarray(8, 24)).floats().buffer).toBe(bytes.buffer);
    expect(Tensor.of('float32', [4], bytes.subarray(9, 25)).floats().buffer).not.toBe(bytes.buffer);
    expect(Tensor.of('float32', [4], bytes.subarray(9, 25)).raw().buffer).toBe(bytes.buffer);
  });

  test.each(['int8', 'uint8', 'int16', 'uint16', 'int32'] as const)('as numbers where weights are %s', (dtype) => {
    for (let padding = 0; padding < 4; padding++)
      expect([...stored(dtype, [3, 1, 100, 7], 'raw', padding).floats()]).toEqual([3, 1, 100, 7]);
  });

  test('when there are none', () => {
    expect(stored('float32', [], 'raw').floats()).toHaveLength(0);
    expect(stored('int64', [], 'typed').integers()).toEqual([]);
  });
});

describe('tensors that cannot be read say why', () => {
  test.each<[string, DataType, number, RegExp]>([
    [
      'too few bytes',
      'float32',
      12,
      /Tensor "\(unnamed\)" is declared as float32\[2, 2\], which takes 16 bytes, but holds 12/,
    ],
    ['too many bytes', 'int64', 40, /declared as int64\[2, 2\], which takes 32 bytes, but holds 40/],
  ])('%s', (_, type, bytes, message) => {
    const tensor = Tensor.of(type, [2, 2], new Uint8Array(bytes));
    expect(() => tensor.raw()).toThrow(
      expect.objectContaining({ code: 'bad-model', message: expect.stringMatching(message) }),
    );
    expect(() => tensor.checkSize()).toThrow(message);
  });

  test('numbers of another kind', () => {
    expect(() => Tensor.ofIntegers([1]).floats()).toThrow(/holds int64, not floating-point numbers/);
    expect(() => Tensor.ofFloats(Float32Array.of(1)).integers()).toThrow(/holds float32, not integers/);
    const text = new Tensor({ name: 's', dims: [1], dataType: 8, stringData: [new Uint8Array([97])] });
    expect(() => text.raw()).toThrow(expect.objectContaining({ code: 'unsupported', subject: 's' }));
    expect(() => new Tensor({ name: 'q', dims: [1], dataType: 99 }).raw()).toThrow(/holds an unknown type/);
  });
});

test('packed elements of half a byte take half the bytes', () => {
  expect(new Tensor({ dims: [3], dataType: 22 }).byteLength).toBe(2);
});

test('a tensor with other data keeps its name and drops the old data, wherever they were', () => {
  const typed = stored('float32', [1, 2, 3], 'typed').withData([1], new Uint8Array(4));
  expect(typed.proto).toMatchObject({ name: 'w', dims: [1] });
  expect(typed.proto.floatData).toBeUndefined();
  expect(Array.from(typed.floats())).toEqual([0]);
});

test('new tensors are little-endian and of the dims given', () => {
  expect(Tensor.ofIntegers([1, -1]).raw()).toEqual(
    new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0, ...Array<number>(8).fill(255)]),
  );
  expect(Tensor.ofIntegers([7], []).dims).toEqual([]);
  expect(Tensor.ofFloats(Float32Array.of(1, 2), [2, 1])).toMatchObject({ type: 'float32', dims: [2, 1] });
});
