import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type NumpyType, parseNpy } from '../../cli/npy.ts';
import { OnnxPruneError } from '../../src/errors.ts';
import { rawBytes, toFloat16 } from '../support/build-tensor.ts';
import { npyBytes, npyFile } from '../support/npy-bytes.ts';

/** numpy.save('x.npy', numpy.array([[1, 2, 3], [4, 5, 6]], 'int16')), byte by byte. */
const BY_HAND = Buffer.concat([
  Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 0x01, 0x00, 0x76, 0x00]),
  Buffer.from(`{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }${' '.repeat(58)}\n`),
  Buffer.from([1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]),
]);

const i4 = (values: readonly number[]) => rawBytes('int32', values);
const numbers = (data: ArrayLike<number | bigint>) => Array.from(data, Number);

function failure(bytes: Uint8Array): string {
  try {
    parseNpy(bytes, 'x.npy');
  } catch (error) {
    if (error instanceof OnnxPruneError && error.code === 'bad-data' && error.subject === 'x.npy') return error.message;
    throw error;
  }
  return 'nothing was thrown';
}

describe('parseNpy', () => {
  it('reads a file written byte by byte', () => {
    const array = parseNpy(BY_HAND, 'x.npy');
    expect(array).toEqual({ dtype: 'int16', shape: [2, 3], data: new Int16Array([1, 2, 3, 4, 5, 6]) });
  });

  const kinds: readonly (readonly [string, NumpyType])[] = [
    ['<f4', 'float32'],
    ['<f8', 'float64'],
    ['<f2', 'float16'],
    ['<i8', 'int64'],
    ['<i4', 'int32'],
    ['<i2', 'int16'],
    ['|i1', 'int8'],
    ['<u8', 'uint64'],
    ['<u4', 'uint32'],
    ['<u2', 'uint16'],
    ['|u1', 'uint8'],
    ['|b1', 'bool'],
  ];
  it.each(kinds)('reads %s as %s, and its big-endian twin as the same', (descr, dtype) => {
    const raw = rawBytes(dtype, [0, 1, 1, 0]);
    const width = raw.length / 4;
    const one = dtype === 'float16' ? toFloat16(1) : 1;
    const array = parseNpy(npyBytes(descr, [4], raw), 'x.npy');
    expect(array.dtype).toBe(dtype);
    expect(numbers(array.data)).toEqual([0, one, one, 0]);
    const swapped = Buffer.concat(
      [0, 1, 2, 3].map((i) => Buffer.from(raw.slice(i * width, i * width + width)).reverse()),
    );
    expect(parseNpy(npyBytes(descr.replace('<', '>'), [4], swapped), 'x.npy')).toEqual(array);
  });

  it.each([1, 2, 3] as const)('reads format version %i', (version) => {
    expect(numbers(parseNpy(npyBytes('<i4', [2], i4([7, 8]), { version }), 'x.npy').data)).toEqual([7, 8]);
  });

  it('reads a view at any offset, without touching it', () => {
    const bytes = npyBytes('>i4', [2], new Uint8Array([0, 0, 0, 7, 0, 0, 0, 8]));
    for (let offset = 0; offset < 8; offset += 1) {
      const place = new Uint8Array(bytes.length + offset);
      place.set(bytes, offset);
      expect(numbers(parseNpy(place.subarray(offset), 'x.npy').data)).toEqual([7, 8]);
      expect(place.subarray(offset)).toEqual(bytes);
    }
  });

  it('transposes Fortran order', () => {
    const array = parseNpy(npyBytes('<i4', [2, 3], i4([1, 4, 2, 5, 3, 6]), { fortran: true }), 'x.npy');
    expect(array).toMatchObject({ shape: [2, 3], data: new Int32Array([1, 2, 3, 4, 5, 6]) });
  });

  it('transposes Fortran order of any shape, as the definition says', () => {
    const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
    fc.assert(
      fc.property(shapes, (shape) => {
        const count = shape.reduce((product, dim) => product * dim, 1);
        const stored = Array.from({ length: count }, (_, index) => index);
        const { data } = parseNpy(npyBytes('<i4', shape, i4(stored), { fortran: true }), 'x.npy');
        for (let flat = 0; flat < count; flat += 1) {
          let rest = flat;
          const index = shape.map(() => 0);
          for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
            index[axis] = rest % (shape[axis] ?? 1);
            rest = Math.floor(rest / (shape[axis] ?? 1));
          }
          let stride = 1;
          let expected = 0;
          for (const [axis, at] of index.entries()) {
            expected += at * stride;
            stride *= shape[axis] ?? 1;
          }
          expect(data[flat]).toBe(expected);
        }
      }),
    );
  });

  it('reads scalars and empty arrays', () => {
    expect(parseNpy(npyBytes('<i4', [], i4([3])), 'x.npy')).toMatchObject({ shape: [], data: new Int32Array([3]) });
    expect(parseNpy(npyBytes('<i4', [0, 5], i4([])), 'x.npy')).toMatchObject({ shape: [0, 5], data: new Int32Array() });
  });

  it.each([
    ['keys in another order', "{'shape': (2,), 'descr': '<i4', 'fortran_order': False}"],
    ['double quotes and no spaces', '{"descr":"<i4","fortran_order":False,"shape":(2,)}'],
    ["Python 2's long integers", "{'descr': '<i4', 'fortran_order': False, 'shape': (2L,), }"],
    ['native byte order and a list', "{ 'descr' : '=i4' ,\n'fortran_order':False, 'shape': [2] }"],
  ])('reads a header with %s', (_, header) => {
    expect(numbers(parseNpy(npyFile(header, i4([7, 8])), 'x.npy').data)).toEqual([7, 8]);
  });

  const header = (descr: string, shape: string) => `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }`;
  const damaged: readonly (readonly [string, Uint8Array, string])[] = [
    ['an empty file', new Uint8Array(), 'does not start with the .npy signature'],
    ['another file', Buffer.from('PK\x03\x04 something'), 'does not start with the .npy signature'],
    ['an unknown version', Buffer.concat([BY_HAND.subarray(0, 6), Buffer.from([9, 0])]), 'format version is 9'],
    ['a header cut off', BY_HAND.subarray(0, 40), 'ends within the header'],
    ['a length cut off', BY_HAND.subarray(0, 9), 'ends within the header'],
    ['data cut off', BY_HAND.subarray(0, -1), '12 bytes, but 11 follow the header: the file is cut off'],
    ['two arrays in a row', Buffer.concat([BY_HAND, BY_HAND]), 'more than one array may have been saved'],
    ['Python objects', npyBytes('|O', [2], i4([0])), 'Python objects (pickled)'],
    ['text', npyBytes('<U3', [2], i4([0])), 'holds text'],
    ['complex numbers', npyBytes('<c8', [2], i4([0])), 'complex numbers'],
    ['records', npyFile(header("[('a', '<i4'), ('b', '<f4', (2,))]", '(2,)'), i4([0])), 'structured records'],
    ['long doubles', npyBytes('<f16', [2], i4([0])), "elements of type 'f16'"],
    ['a negative axis', npyFile(header("'<i4'", '(-1,)'), i4([0])), 'has -1 as an axis length'],
    ['a huge shape', npyFile(header("'<i4'", '(4000000000, 4000000000)'), i4([0])), 'the file is cut off'],
    ['a shape that is none', npyFile(header("'<i4'", '3'), i4([0])), "no tuple under 'shape'"],
    ['no element type', npyFile("{'fortran_order': False, 'shape': (1,)}", i4([0])), "no element type under 'descr'"],
    ['a key twice', npyFile("{'shape': (1,), 'shape': (1,)}", i4([0])), 'twice'],
    ['an unclosed dict', npyFile("{'shape': (1,", i4([0])), 'ends early'],
    ['code', npyFile("{'shape': __import__('os')}", i4([0])), 'cannot be read from character'],
    ['deep nesting', npyFile(`{'shape': ${'('.repeat(30_000)}`, i4([0])), 'nested more than 16 deep'],
  ];
  it.each(damaged)('refuses %s', (_, bytes, expected) => {
    expect(failure(bytes)).toContain(expected);
  });

  it('never fails otherwise than with its own error, whatever bytes change', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: BY_HAND.length - 1 }), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const bytes = new Uint8Array(BY_HAND);
        bytes[at] = value;
        failure(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});
