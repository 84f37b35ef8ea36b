import Long from 'long';
import { afterAll, describe, expect, it } from 'vitest';
import { buildChannelMap } from '../../src/channels/build.ts';
import { inputSpecs } from '../../src/judge/inputs.ts';
import { normalise } from '../../src/normalise/normalise.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { createEngine, makeInputs, RuntimeChild } from '../../src/runtime/index.ts';
import { type BentGraph, bend, importBytes, laterRefusal, nodeOf, refusalOf, tensorOf } from '../support/bent-model.ts';
import { ModelBuilder } from '../support/build.ts';

const child = new RuntimeChild({ deadlineMs: 60_000 });
afterAll(() => child.close());

const HUGE = Long.fromString('1099511627776');
const LARGEST = Long.fromString('9223372036854775807');
const NO_DATA = new Uint8Array();

/** How somebody had a hand in the weight `w1` [16, 8], and what is said of it. */
const WEIGHTS: readonly [string, (graph: BentGraph) => void, RegExp][] = [
  [
    'longer than memory',
    (g) => give(g, { dims: [HUGE, 8] }),
    /\[1099511627776, 8\], which takes 35184372088832 bytes, but holds 512/,
  ],
  [
    'longer than memory, without data',
    (g) => give(g, { dims: [HUGE, 8], rawData: NO_DATA }),
    /takes 8796093022208 elements, but holds 0/,
  ],
  [
    'more elements than a number counts',
    (g) => give(g, { dims: [Long.fromNumber(3e9), Long.fromNumber(4e9)] }),
    /expected lengths from 0 up that memory can hold/,
  ],
  [
    'the largest length there is',
    (g) => give(g, { dims: [LARGEST, 8] }),
    /declared as \[9223372036854775807, 8\], expected lengths/,
  ],
  ['the largest twice, and none', (g) => give(g, { dims: [LARGEST, LARGEST, 0] }), /expected lengths/],
  [
    'negative lengths whose product fits',
    (g) => give(g, { dims: [-16, -8] }),
    /declared as \[-16, -8\], expected lengths from 0 up/,
  ],
  ['an unknown length', (g) => give(g, { dims: [-1, 8] }), /expected lengths from 0 up/],
  ['fewer raw bytes', (g) => give(g, { rawData: new Uint8Array(100) }), /takes 512 bytes, but holds 100/],
  ['more raw bytes', (g) => give(g, { rawData: new Uint8Array(513) }), /takes 512 bytes, but holds 513/],
  [
    'fewer typed elements',
    (g) => give(g, { rawData: NO_DATA, floatData: [1, 2, 3] }),
    /takes 128 elements, but holds 3/,
  ],
  [
    'more typed elements',
    (g) => give(g, { rawData: NO_DATA, floatData: Array(129).fill(1) }),
    /takes 128 elements, but holds 129/,
  ],
  [
    'elements in the field of another type',
    (g) => give(g, { rawData: NO_DATA, doubleData: Array(128).fill(1) }),
    /takes 128 elements, but holds 0/,
  ],
  [
    'too few texts',
    (g) => give(g, { dataType: 8, rawData: NO_DATA, stringData: [new Uint8Array(1)] }),
    /string\[16, 8\], which takes 128 elements, but holds 1/,
  ],
  [
    'too few halves of bytes',
    (g) => give(g, { dataType: 22, rawData: NO_DATA, int32Data: Array(63).fill(1) }),
    /int4\[16, 8\], which takes 64 elements, but holds 63/,
  ],
  [
    'a hundred thousand axes',
    (g) => give(g, { dims: Array(100_000).fill(2) }),
    /declared as \[2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, …\], expected lengths/,
  ],
];

function give(graph: BentGraph, what: object): void {
  Object.assign(tensorOf(graph, 'w1'), what);
}

describe('A weight', () => {
  it.each(WEIGHTS)('with %s is refused by its name', (_, change, sentence) => {
    const error = refusalOf(() => importBytes(bend(change)));
    expect(error).toMatchObject({ code: 'bad-model', subject: 'w1' });
    expect(error.message).toMatch(/^Tensor "w1" /);
    expect(error.message).toMatch(sentence);
    expect(error.message).toMatch(/; export the model again\.$/);
  });

  it.each([
    ['raw and typed elements', (g: BentGraph) => give(g, { floatData: Array(128).fill(1) })],
    ['no channels', (g: BentGraph) => give(g, { dims: [0, 8], rawData: NO_DATA })],
  ])('with %s is what it says', (_, change) => {
    expect(() => importBytes(bend(change))).not.toThrow();
  });

  it.each([
    ['of a node', (g: BentGraph) => nodeOf(g, 'r').attribute?.push(tensorAttribute())],
    [
      'of a body',
      (g: BentGraph) => nodeOf(g, 'r').attribute?.push({ name: 'then', type: 5, g: { initializer: [short()] } }),
    ],
    [
      'of a node of a body',
      (g: BentGraph) =>
        nodeOf(g, 'r').attribute?.push({ name: 'then', type: 5, g: { node: [{ attribute: [tensorAttribute()] }] } }),
    ],
  ])('%s is looked at as well', (_, change) => {
    expect(refusalOf(() => importBytes(bend(change))).message).toMatch(
      /^Tensor "short" .* takes 20 bytes, but holds 3/,
    );
  });

  it('of a function is looked at as well', () => {
    const bytes = bend((_, model) => {
      model.functions = [{ name: 'F', domain: 'local', node: [{ attribute: [tensorAttribute()] }] }];
    });
    expect(refusalOf(() => importBytes(bytes)).message).toMatch(/^Tensor "short" /);
  });
});

function short(): { name: string; dims: number[]; dataType: number; rawData: Uint8Array } {
  return { name: 'short', dims: [5], dataType: 1, rawData: new Uint8Array(3) };
}

function tensorAttribute(): { name: string; type: number; t: ReturnType<typeof short> } {
  return { name: 'value', type: 4, t: short() };
}

describe('Sparse tensors', () => {
  const few = (rows: number): Uint8Array => {
    const b = new ModelBuilder();
    b.input('x', 'float32', [1]);
    b.sparseInitializer('s', {
      dims: [rows, 2 ** 14],
      indices: [3],
      values: { dtype: 'float32', dims: [1], values: [1] },
    });
    b.output('x');
    return b.bytes();
  };

  it('that stand for gigabytes of zeros are refused before any are made', () => {
    expect(refusalOf(() => importBytes(few(2 ** 16))).message).toMatch(
      /^The sparse tensors up to "s" hold 4 bytes and stand for 4294967296 bytes .*; export the model again/,
    );
  });

  it('that stand for a few are read', () => {
    expect(importBytes(few(4)).graph.initializers.size).toBe(1);
  });
});

/** The net with something behind it that only onnxruntime says the size of. */
function grown(grow: (b: ModelBuilder, y: string) => string): Uint8Array {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', ['N', 8]);
  const y = b.node('Gemm', [x, b.weight('w', [4, 8])], { transB: 1 });
  b.output(grow(b, y), 'float32');
  return b.bytes();
}

const int64 = (b: ModelBuilder, name: string, values: readonly (number | bigint)[], dims = [values.length]): string =>
  b.constant(name, 'int64', dims, values);
const added = (b: ModelBuilder, y: string, large: string): string =>
  b.node('Add', [y, b.node('Cast', [b.node('ReduceSum', [large], { keepdims: 0 })], { to: 1 })]);

/** A few bytes that ask for more than memory, where folding constants or running the model would compute it. */
const BOMBS: readonly [string, (b: ModelBuilder, y: string) => string][] = [
  ['ConstantOfShape', (b, y) => added(b, y, b.node('ConstantOfShape', [int64(b, 's', [2n ** 40n])]))],
  [
    'Range',
    (b, y) =>
      added(b, y, b.node('Range', [int64(b, 'a', [0], []), int64(b, 'e', [2n ** 31n], []), int64(b, 'd', [1], [])])),
  ],
  ['Tile', (b, y) => added(b, y, b.node('Tile', [int64(b, 't', [7]), int64(b, 'r', [2n ** 40n])]))],
  [
    'Expand',
    (b, y) =>
      added(
        b,
        y,
        b.node('Slice', [
          b.node('Expand', [int64(b, 't', [7]), int64(b, 'r', [2n ** 30n])]),
          int64(b, 'a', [0]),
          int64(b, 'e', [4]),
        ]),
      ),
  ],
  ['Pad', (b, y) => added(b, y, b.node('Pad', [int64(b, 't', [7]), int64(b, 'p', [2n ** 62n, 0n])]))],
  [
    'OneHot',
    (b, y) =>
      added(b, y, b.node('OneHot', [int64(b, 't', [1]), int64(b, 'd', [2n ** 40n], []), int64(b, 'v', [0, 1])])),
  ],
  ['Reshape', (b, y) => b.node('Reshape', [y, int64(b, 't', [2n ** 40n, 4n])])],
];

describe('A node', () => {
  it.each(BOMBS)('%s that makes more than memory holds is refused before it runs', async (_, grow) => {
    const model = importBytes(grown(grow));
    const error = await laterRefusal(normalise(model, createEngine(child)));
    expect(error.code).toBe('unsupported');
    expect(error.message).toMatch(
      /^Value ".*" is \w+\[[\d, ]+\], which takes \d+ bytes at run time, more than the \d+ that can be handled/,
    );
  });

  it('that makes ten thousand axes is refused', async () => {
    const axes = Array.from({ length: 10_000 }, (_, i) => i);
    const bytes = grown((b, y) =>
      b.node('ReduceMax', [b.node('Unsqueeze', [y, int64(b, 'axes', axes)])], { keepdims: 0 }),
    );
    const error = await laterRefusal(normalise(importBytes(bytes), createEngine(child)));
    expect(error.message).toMatch(/^Value ".*" has 10002 axes, more than the 256 that can be handled/);
  });

  it.each([0, 2 ** 40, -3])('with %d groups is no reason to count to infinity', async (group) => {
    const b = new ModelBuilder();
    const h = b.node('Conv', [b.input('x', 'float32', ['N', 3, 8, 8]), b.weight('w1', [16, 3, 3, 3])], { group });
    b.output(b.node('Conv', [b.node('Relu', [h]), b.weight('w2', [4, 16, 1, 1])]));
    const model = importBytes(b.bytes());
    await normalise(model, createEngine(child)).catch(() => undefined);
    expect(buildChannelMap(model.graph, ruleOf).groups.length).toBeLessThan(2);
  });

  it('behind weights without elements has no more channels than can be looked at', async () => {
    const empty = (name: string, dims: number[]): object => ({ name, dims, dataType: 1, rawData: NO_DATA });
    const bytes = bend((graph) => {
      Object.assign(tensorOf(graph, 'w1'), empty('w1', [0, 8]));
      Object.assign(tensorOf(graph, 'b1'), empty('b1', [0]));
      Object.assign(tensorOf(graph, 'w2'), empty('w2', [2 ** 31, 0]));
      graph.output[0] = { name: 'y', type: { tensorType: { elemType: 1 } } };
    });
    const model = importBytes(bytes);
    await normalise(model, createEngine(child));
    const error = refusalOf(() => buildChannelMap(model.graph, ruleOf));
    expect(error).toMatchObject({ code: 'unsupported', subject: expect.stringMatching(/w2|y/) });
  });
});

describe('An input', () => {
  const declared = (...dims: (number | Long | string)[]): Uint8Array =>
    bend((graph) => {
      const dim = dims.map((each) => (typeof each === 'string' ? { dimParam: each } : { dimValue: each }));
      graph.input.push({ name: 'z', type: { tensorType: { elemType: 1, shape: { dim } } } });
    });

  it.each([
    [
      'as large as no memory',
      [HUGE, 8],
      /^Value "z" is float32\[1099511627776, 8\], which takes \d+ bytes at run time/,
    ],
    ['of a negative length', [-5, 8], /^Value "z" is declared as \[-5, 8\], where no length may be negative/],
  ] as const)('%s is refused', async (_, dims, sentence) => {
    const error = await laterRefusal(normalise(importBytes(declared(...dims)), createEngine(child)));
    expect(error.message).toMatch(sentence);
  });

  it('that is merely very large is not made up', () => {
    const specs = inputSpecs(importBytes(declared('N', 2 ** 27)).graph);
    const make = (): unknown => makeInputs(specs, { seed: 1, batch: 2, dims: new Map() });
    expect(refusalOf(make)).toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(
        /^With input "z" of \[2, 134217728\], one batch has 268435472 elements, more than the \d+ that are made up; give data for it\.$/,
      ),
    });
  });
});
