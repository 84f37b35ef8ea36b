import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { buildChannelMap } from '../../src/channels/build.ts';
import { Cut } from '../../src/channels/cut.ts';
import { shrink } from '../../src/channels/shrink.ts';
import { bitsOf, type DataType } from '../../src/ir/data-type.ts';
import { exportModel, importModel } from '../../src/ir/model.ts';
import { initializersIn } from '../../src/ir/node.ts';
import { normalise } from '../../src/normalise/normalise.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import { AttributeType, type ModelProto, type NodeProto, type TensorProto } from '../../src/onnx/messages.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { pruneIn } from '../../src/pipeline.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { freshFolder } from '../pipeline/folder.ts';
import { normals } from '../support/random.ts';
import { oddBits, type Storage, TYPES, typedFields } from './every-type.ts';
import { declared, floatTensor, silent } from './messages.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** Features of x, hidden channels and outputs; a row of 7 elements of 4 or 2 bits ends inside a byte. */
const [FEATURES, HIDDEN, OUTPUTS] = [7, 9, 5];

/** How the integers or narrow floats become the numbers that are multiplied. */
type Reader = 'Cast' | 'DequantizeLinear';

interface Stored {
  readonly type: DataType;
  readonly storage: Storage;
  readonly reader: Reader;
}

/**
 * x [2, 7] → Gemm with `first` [9, 7] → Relu → Gemm with `second` [5, 9] → y [2, 5]; both weights of one type, made floats by
 * a node. A third weight, of float32, reads the hidden channels too.
 */
function net({ type, storage, reader }: Stored, random: (count: number, seed: number) => Uint8Array): ModelProto {
  const [, dataType, bits, field] = TYPES.find(([name]) => name === type) ?? expect.fail(`there is no type ${type}`);
  const weight = (name: string, dims: readonly [number, number], seed: number): TensorProto => {
    const raw = random(dims[0] * dims[1], seed);
    const data = storage === 'raw' ? { rawData: raw } : typedFields(type, bits, field, raw);
    return { name, dims: [...dims], dataType, ...data };
  };
  const int = (name: string, i: number): NonNullable<NodeProto['attribute']>[number] => ({
    name,
    type: AttributeType.INT,
    i,
  });
  const read = (name: string): NodeProto =>
    reader === 'Cast'
      ? { opType: 'Cast', input: [name], output: [`${name}.real`], attribute: [int('to', 1)] }
      : { opType: reader, input: [name, `${name}.scale`], output: [`${name}.real`], attribute: [int('axis', 0)] };
  const gemm = (data: string, by: string, output: string): NodeProto => ({
    opType: 'Gemm',
    input: [data, by],
    output: [output],
    attribute: [int('transB', 1)],
  });
  const scales = reader === 'Cast' ? [] : [scale('first.scale', HIDDEN, 3), scale('second.scale', OUTPUTS, 4)];
  return {
    irVersion: 13,
    opsetImport: [{ domain: '', version: 25 }],
    graph: {
      name: 'narrow',
      node: [
        read('first'),
        read('second'),
        gemm('x', 'first.real', 'h'),
        { opType: 'Relu', input: ['h'], output: ['r'] },
        gemm('r', 'second.real', 'y'),
        gemm('r', 'third', 'z'),
      ],
      initializer: [
        weight('first', [HIDDEN, FEATURES], 1),
        weight('second', [OUTPUTS, HIDDEN], 2),
        floatTensor('third', [2, HIDDEN], 5),
        ...scales,
      ],
      input: [declared('x', 1, [2, FEATURES])],
      output: [declared('y', 1, [2, OUTPUTS]), declared('z', 1, [2, 2])],
      valueInfo: [
        declared('first.real', 1, [HIDDEN, FEATURES]),
        declared('second.real', 1, [OUTPUTS, HIDDEN]),
        declared('h', 1, [2, HIDDEN]),
        declared('r', 1, [2, HIDDEN]),
      ],
    },
  };
}

/** Positive scales of float32. */
function scale(name: string, count: number, seed: number): TensorProto {
  const values = normals(count, seed).map((value) => Math.abs(value) + 0.01);
  return { name, dims: [count], dataType: 1, rawData: new Uint8Array(values.buffer) };
}

/** The elements of a row-major matrix, each as the text of its bits. */
function elements(raw: Uint8Array, bits: number, [rows, columns]: readonly [number, number]): string[][] {
  const all = [...raw]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .reverse()
    .join('');
  const at = (i: number): string => all.slice(all.length - (i + 1) * bits, all.length - i * bits);
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => at(row * columns + column)),
  );
}

/** What is left of the weights of a net where these hidden channels stay. */
function expectKept(type: DataType, before: ModelProto, after: ModelProto, kept: readonly number[]): void {
  const bits = bitsOf(type);
  const tensors = (proto: ModelProto): Map<string, Uint8Array> =>
    new Map(
      initializersIn(importModel(proto).graph).map(({ name, tensor }) => [name, tensor?.raw() ?? new Uint8Array()]),
    );
  const [was, is] = [tensors(before), tensors(after)];
  const rows = (name: string, dims: readonly [number, number], from: Map<string, Uint8Array>): string[][] =>
    elements(from.get(name) ?? expect.fail(`"${name}" is gone`), bits, dims);
  const first = rows('first', [HIDDEN, FEATURES], was);
  expect(rows('first', [kept.length, FEATURES], is)).toEqual(kept.map((row) => first[row]));
  const second = rows('second', [OUTPUTS, HIDDEN], was);
  expect(rows('second', [OUTPUTS, kept.length], is)).toEqual(second.map((row) => kept.map((column) => row[column])));
}

// Nothing makes floats of complex numbers.
const REAL = TYPES.filter(([type]) => !type.startsWith('complex')).map(([type]) => type);

describe('weights of every type lose channels, and keep the bits of the others', { timeout: 30_000 }, () => {
  test.each(REAL)('%s', async (type) => {
    for (const storage of ['raw', 'typed'] as const) {
      for (const removed of [[0], [8], [1, 3, 4, 7], [0, 1, 2, 3, 4, 5, 6, 8]]) {
        const random = (count: number, seed: number): Uint8Array => oddBits(type, bitsOf(type), count, seed);
        const before = decodeModel(encodeModel(net({ type, storage, reader: 'Cast' }, random)));
        const model = importModel(before);
        await normalise(model, silent);
        const map = buildChannelMap(model.graph, ruleOf);
        expect(map.groups.map(({ count }) => count)).toEqual([HIDDEN]);
        const flags = Uint8Array.from({ length: HIDDEN }, (_, i) => (removed.includes(i) ? 1 : 0));
        shrink(model.graph, new Cut(map, flags), ruleOf);
        const kept = Array.from({ length: HIDDEN }, (_, i) => i).filter((i) => !removed.includes(i));
        expectKept(type, before, decodeModel(encodeModel(exportModel(model))), kept);
      }
    }
  });
});

// A Cast of float64 to float32 makes what it gives smaller, so that it is done once and for all.
describe('in onnxruntime, too, where it knows the type', { timeout: 60_000 }, () => {
  const DEQUANTIZED = [
    'int8',
    'uint8',
    'int16',
    'uint16',
    'int4',
    'uint4',
    'int2',
    'uint2',
    'float8e4m3fn',
    'float8e5m2',
  ];
  const CAST = ['float16', 'bfloat16', 'float8e4m3fnuz', 'float8e5m2fnuz', 'int4', 'int2'];
  test.each([
    ...REAL.filter((type) => DEQUANTIZED.includes(type)).map((type) => ['DequantizeLinear' as const, type] as const),
    ...REAL.filter((type) => CAST.includes(type)).map((type) => ['Cast' as const, type] as const),
  ])('%s of %s: the cut is proven, and by the kept indices of the report', async (reader, type) => {
    // Finite numbers of a moderate size in every format: the exponent's highest bits are not all ones.
    const random = (count: number, seed: number): Uint8Array => {
      const raw = oddBits(type, bitsOf(type), Math.max(count, 64), seed).slice(-Math.ceil((count * bitsOf(type)) / 8));
      const width = bitsOf(type) / 8;
      if (!type.includes('float')) return raw;
      return raw.map((byte, i) => (i % width === Math.ceil(width) - 1 ? (byte & 0x87) | 0x38 : byte));
    };
    const before = net({ type, storage: 'raw', reader }, random);
    const folder = freshFolder();
    const [input, output] = [folder.write('in.onnx', encodeModel(before)), folder.path('out.onnx')];
    const report = await pruneIn(
      child,
      input,
      { structured: '50%', align: 'none', lossless: false, bench: false, output },
      {},
    );
    expect(report.proof).toMatchObject({ passed: true });
    expect(report.pruning.groups.map(({ before, after }) => [before, after])).toEqual([[HIDDEN, 4]]);
    const kept = report.pruning.groups[0]?.kept ?? [];
    expectKept(type, before, decodeModel(readFileSync(output)), kept);
  });
});
