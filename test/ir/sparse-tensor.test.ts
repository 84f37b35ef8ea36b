import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DataType } from '../../src/ir/data-type.ts';
import { canBeDense, denseTensor, sparseMessage } from '../../src/ir/sparse-tensor.ts';
import { Tensor } from '../../src/ir/tensor.ts';
import { encodeModelParts, partsLength } from '../../src/onnx/codec.ts';
import type { GraphProto, SparseTensorProto, TensorProto } from '../../src/onnx/messages.ts';
import { atHand } from '../../src/onnx/stored-bytes.ts';

const seed = Number(process.env['ONNX_PRUNE_SEED'] ?? 1);

const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

const floats = (...values: number[]): TensorProto => ({
  name: 'w',
  dims: [values.length],
  dataType: 1,
  rawData: bytesOf(Float32Array.from(values)),
});

const int64 = (dims: number[], values: readonly number[]): TensorProto => ({
  dims,
  dataType: 7,
  rawData: bytesOf(BigInt64Array.from(values, BigInt)),
});

const places = (...values: number[]): TensorProto => int64([values.length], values);

describe('a sparse tensor made dense', () => {
  test.each<[string, SparseTensorProto, readonly number[]]>([
    ['of a list', { values: floats(1, 2), indices: places(1, 3), dims: [4] }, [0, 1, 0, 2]],
    [
      'of a matrix, by places in the flattened one',
      { values: floats(1, 2), indices: places(1, 5), dims: [2, 3] },
      [0, 1, 0, 0, 0, 2],
    ],
    [
      'of a matrix, by rows and columns',
      { values: floats(1, 2), indices: int64([2, 2], [0, 1, 1, 2]), dims: [2, 3] },
      [0, 1, 0, 0, 0, 2],
    ],
    ['of a list, by tuples of one', { values: floats(5), indices: int64([1, 1], [2]), dims: [3] }, [0, 0, 5]],
    ['that is not in order', { values: floats(1, 2, 3), indices: places(3, 0, 2), dims: [4] }, [2, 0, 3, 1]],
    ['of zeros', { values: floats(), indices: places(), dims: [3] }, [0, 0, 0]],
    ['of zeros, without indices', { values: floats(), dims: [3] }, [0, 0, 0]],
    ['of no elements', { values: floats(), indices: places(), dims: [0, 3] }, []],
    [
      'with indices of 32 bits',
      { values: floats(1), indices: { dims: [1], dataType: 6, rawData: bytesOf(Int32Array.of(2)) }, dims: [3] },
      [0, 0, 1],
    ],
    [
      'in typed fields',
      {
        values: { name: 'w', dims: [1], dataType: 1, floatData: [4] },
        indices: { dims: [1], dataType: 7, int64Data: [1] },
        dims: [2],
      },
      [0, 4],
    ],
  ])('%s', (_, sparse, expected) => {
    const tensor = denseTensor(sparse);
    expect(tensor.dims).toEqual(sparse.dims);
    expect(tensor.type).toBe('float32');
    expect([...tensor.floats()]).toEqual(expected);
  });

  test.each<[DataType, ArrayBufferView, number]>([
    ['float64', Float64Array.of(-0, 1e300), 11],
    ['float16', Uint16Array.of(0x8000, 0x7e01), 10],
    ['int8', Int8Array.of(-1, 5), 3],
    ['bool', Uint8Array.of(1, 1), 9],
    ['complex128', Float64Array.of(1, -0, 0, 2), 15],
  ])('of %s keeps every bit', (type, values, dataType) => {
    const bytes = bytesOf(values);
    const dense = denseTensor({ values: { dims: [2], dataType, rawData: bytes }, indices: places(3, 1), dims: [4] });
    const width = bytes.length / 2;
    expect(dense.type).toBe(type);
    expect([...dense.raw().subarray(3 * width)]).toEqual([...bytes.subarray(0, width)]);
    expect([...dense.raw().subarray(width, 2 * width)]).toEqual([...bytes.subarray(width)]);
  });

  test('keeps name, doc string and metadata', () => {
    const values = { ...floats(1), docString: 'doc', metadataProps: [{ key: 'k', value: 'v' }] };
    expect(denseTensor({ values, indices: places(0), dims: [2] }).proto).toMatchObject({
      name: 'w',
      docString: 'doc',
      metadataProps: [{ key: 'k', value: 'v' }],
    });
  });

  test('texts and packed integers cannot be made dense', () => {
    expect(canBeDense({ values: floats(1) })).toBe(true);
    expect(canBeDense({ values: { dims: [1], dataType: 8 } })).toBe(false);
    expect(canBeDense({ values: { dims: [1], dataType: 22 } })).toBe(false);
    expect(canBeDense({})).toBe(false);
  });

  test.each<[string, SparseTensorProto, RegExp]>([
    [
      'an index beyond the end',
      { values: floats(1, 2), indices: places(0, 4), dims: [4] },
      /has an index \(number 2\) that lies outside/,
    ],
    ['an index below 0', { values: floats(1), indices: places(-1), dims: [4] }, /outside of its dims/],
    [
      'a column beyond the end',
      { values: floats(1), indices: int64([1, 2], [0, 3]), dims: [2, 3] },
      /outside of its dims/,
    ],
    ['a row below 0', { values: floats(1), indices: int64([1, 2], [-1, 2]), dims: [2, 3] }, /outside of its dims/],
    [
      'an element given twice',
      { values: floats(1, 2, 3), indices: places(3, 1, 3), dims: [4] },
      /gives the element at place 3 .* twice/,
    ],
    ['neighbours that are the same', { values: floats(1, 2), indices: places(1, 1), dims: [4] }, /place 1 .* twice/],
    [
      'too few indices',
      { values: floats(1, 2), indices: places(1), dims: [4] },
      /has 2 values and indices of dims \[1\], expected \[2\] or \[2, 1\]/,
    ],
    [
      'indices of another rank',
      { values: floats(1), indices: int64([1, 3], [0, 0, 0]), dims: [2, 2] },
      /expected \[1\] or \[1, 2\]/,
    ],
    ['no indices', { values: floats(1), dims: [2] }, /has 1 values and no indices/],
    [
      'indices that are no integers',
      { values: floats(1), indices: floats(0), dims: [2] },
      /has indices of type float32, expected int64/,
    ],
    [
      'values that are no list',
      { values: { ...floats(1), dims: [1, 1] }, indices: places(0), dims: [2] },
      /has values of rank 2/,
    ],
    ['no dims', { values: floats(1), indices: places(0) }, /is declared as \[\], expected at least one dim/],
    ['a length below 0', { values: floats(), indices: places(), dims: [-1] }, /none below 0/],
    [
      'more bytes than fit',
      { values: floats(), indices: places(), dims: [2 ** 31, 2] },
      /bytes when its zeros are written out, at most/,
    ],
    ['fewer bytes than values', { values: { ...floats(1), dims: [2] }, indices: places(0, 1), dims: [2] }, /holds 4/],
  ])('%s is refused', (_, sparse, message) => {
    expect(() => denseTensor(sparse)).toThrow(message);
    try {
      denseTensor(sparse);
    } catch (error) {
      expect(error).toMatchObject({ code: 'bad-model', subject: 'w' });
    }
  });
});

/** Bytes of a model of this one initializer. */
const fileBytes = (graph: GraphProto): number => partsLength(encodeModelParts({ irVersion: 8, graph }));

describe('a tensor written as a sparse one', () => {
  const mostlyZero = (count: number, stored: readonly [number, number][]): Tensor => {
    const values = new Float32Array(count);
    for (const [at, value] of stored) values[at] = value;
    return Tensor.ofFloats(values, [2, count / 2]);
  };

  test('has linear indices in order, and the values under the name', () => {
    const message = sparseMessage(
      'new',
      mostlyZero(100, [
        [3, 1.5],
        [70, -0],
        [99, Number.NaN],
      ]),
    );
    expect(message?.dims).toEqual([2, 50]);
    expect(message?.values).toMatchObject({ name: 'new', dims: [3], dataType: 1 });
    expect(message?.indices).toMatchObject({ dims: [3], dataType: 7 });
    const indices = atHand(message?.indices?.rawData ?? new Uint8Array());
    expect([...new BigInt64Array(indices.slice().buffer)]).toEqual([3n, 70n, 99n]);
    const values = atHand(message?.values?.rawData ?? new Uint8Array());
    expect([...new Float32Array(values.slice().buffer)]).toEqual([1.5, -0, Number.NaN]);
  });

  test('of zeros keeps one of them', () => {
    const message = sparseMessage('w', mostlyZero(100, []));
    expect(message).toMatchObject({ values: { dims: [1] }, indices: { dims: [1] } });
    expect([...denseTensor(message ?? {}).floats()]).toEqual(Array(100).fill(0));
  });

  test.each<[string, Tensor]>([
    ['a scalar', Tensor.ofFloats(Float32Array.of(0), [])],
    ['no elements', Tensor.ofFloats(new Float32Array(0), [0, 4])],
    ['integers', Tensor.ofIntegers(Array(1000).fill(0))],
    ['bytes', Tensor.of('int8', [1000], new Uint8Array(1000))],
    ['a short list of zeros', Tensor.ofFloats(new Float32Array(8))],
    ['few zeros', Tensor.ofFloats(Float32Array.from({ length: 1000 }, (_, i) => i % 2))],
  ])('is not what %s becomes', (_, tensor) => {
    expect(sparseMessage('w', tensor)).toBeUndefined();
  });

  test('comes back bit for bit, and is never larger', () => {
    const element = (width: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: width, maxLength: width });
    const anyTensor = fc
      .constantFrom<[DataType, number]>(['float32', 4], ['float64', 8], ['float16', 2])
      .chain(([type, width]) =>
        fc
          .record({
            count: fc.integer({ min: 1, max: 300 }),
            elements: fc.array(fc.tuple(fc.nat(), element(width)), { maxLength: 60 }),
          })
          .map(({ count, elements }) => {
            const raw = new Uint8Array(count * 3 * width);
            for (const [at, bytes] of elements) raw.set(bytes, (at % (count * 3)) * width);
            return Tensor.of(type, [count, 3], raw);
          }),
      );
    let written = 0;
    const property = fc.property(anyTensor, (tensor) => {
      const message = sparseMessage('w', tensor);
      if (message === undefined) return;
      written++;
      const back = denseTensor(message);
      expect(back).toMatchObject({ type: tensor.type, dims: tensor.dims });
      expect(Buffer.compare(back.raw(), tensor.raw())).toBe(0);
      const dense = { ...tensor.proto, name: 'w' };
      expect(fileBytes({ sparseInitializer: [message] })).toBeLessThan(fileBytes({ initializer: [dense] }));
    });
    fc.assert(property, { seed, numRuns: 300, includeErrorInReport: true });
    expect(written).toBeGreaterThan(50);
  });

  test('is chosen from two thirds of zeros on, in float32', () => {
    const withZeros = (zeros: number): Tensor => Tensor.ofFloats(new Float32Array(30_000).fill(1, zeros));
    expect(sparseMessage('w', withZeros(19_990))).toBeUndefined();
    expect(sparseMessage('w', withZeros(20_010))).toBeDefined();
  });
});
