import { afterAll, describe, expect, test } from 'vitest';
import { importModel } from '../../src/ir/model.ts';
import { type Dim, dimsOf } from '../../src/ir/value.ts';
import { normalise } from '../../src/normalise/normalise.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { createEngine, RuntimeChild } from '../../src/runtime/index.ts';
import { type Dims, ModelBuilder } from '../support/build.ts';
import { useCutEqualsMasked } from '../support/cut-equals-masked.ts';
import { endless } from './models.ts';

const child = new RuntimeChild();
afterAll(() => child.close());
const engine = createEngine(child);
const cutEqualsMasked = useCutEqualsMasked();

async function observed(b: ModelBuilder, ...names: readonly string[]): Promise<(readonly Dim[] | undefined)[]> {
  const found = await engine.observeShapes(decodeModel(b.bytes()), names);
  return names.map((name) => found.get(name));
}

/** A model that reads x of these dims and gives what `make` makes of it. */
function modelOf(dims: Dims, make: (b: ModelBuilder, x: string) => string): ModelBuilder {
  const b = new ModelBuilder();
  b.output(make(b, b.input('x', 'float32', dims)), 'float32');
  return b;
}

const ints = (b: ModelBuilder, name: string, ...values: readonly number[]): string =>
  b.constant(name, 'int64', [values.length], values);

/** A length of a value, as a list of one, behind arithmetic that shape inference does not follow. */
function hiddenLength(b: ModelBuilder, x: string, dim: number): string {
  const length = b.node('Gather', [b.node('Shape', [x]), ints(b, `dim${dim}`, dim)]);
  return b.node('Cast', [b.node('Ceil', [b.node('Cast', [length], { to: 1 })])], { to: 7 });
}

/** A name for lengths that go by no symbol. */
const MADE_UP = expect.stringMatching(/^seen as /);

describe('dims that are seen', { timeout: 30_000 }, () => {
  test('go by the symbol that they follow, and by number where they stay the same', async () => {
    const b = modelOf(['N', 'T', 4], (m, x) => {
      const target = m.node('Concat', [hiddenLength(m, x, 1), hiddenLength(m, x, 0), ints(m, 'rest', 4)], { axis: 0 });
      return m.node('Reshape', [m.node('Transpose', [x], { perm: [1, 0, 2] }), target], {}, { outputs: ['y'] });
    });
    expect(await observed(b, 'y')).toEqual([['T', 'N', 4]]);
  });

  test('get a name of their own, each another, where they are sums or products of symbols', async () => {
    const b = modelOf(['N', 'T', 4], (m, x) => {
      const folded = m.node('Reshape', [x, ints(m, 'target', -1, 4)], {}, { outputs: ['folded'] });
      return m.node('Concat', [folded, m.weight('one', [1, 4])], { axis: 0 }, { outputs: ['longer'] });
    });
    const [folded = [], longer = []] = await observed(b, 'folded', 'longer');
    expect([folded, longer]).toEqual([
      [MADE_UP, 4],
      [MADE_UP, 4],
    ]);
    expect(folded[0]).not.toBe(longer[0]);
  });

  // Whatever up to 8 is padded to, 8 comes out: one other size would have called it constant.
  test('are not taken for the symbol that they are rounded up from', async () => {
    const b = modelOf([1, 1, 'H', 8], (m, x) => {
      const height = m.node('Cast', [m.node('Gather', [m.node('Shape', [x]), ints(m, 'dim', 2)])], { to: 1 });
      const windows = m.node('Ceil', [m.node('Div', [height, m.constant('side', 'float32', [], [7])])]);
      const whole = m.node('Mul', [windows, m.constant('again', 'float32', [], [7])]);
      const missing = m.node('Cast', [m.node('Sub', [whole, height])], { to: 7 });
      const pads = m.node('Concat', [ints(m, 'zeros', 0, 0, 0, 0, 0, 0), missing, ints(m, 'zero', 0)], { axis: 0 });
      return m.node('Pad', [x, pads], {}, { outputs: ['padded'] });
    });
    expect(await observed(b, 'padded')).toEqual([[1, 1, MADE_UP, 8]]);
  });

  test('go by the first of symbols that cannot be told apart', async () => {
    const b = new ModelBuilder();
    const [x, z] = [b.input('x', 'float32', ['N', 4]), b.input('z', 'float32', ['batch', 4])];
    b.output(b.node('Concat', [x, z], { axis: 1 }, { outputs: ['y'] }), 'float32');
    // Both count samples, and get the same size.
    expect(await observed(b, 'y')).toEqual([['N', 8]]);
  });

  test('of scalars and of what was not asked for are as they should be', async () => {
    const b = modelOf(['N', 4], (m, x) => {
      const sum = m.node('ReduceSum', [x], { keepdims: 0 }, { outputs: ['sum'] });
      return m.node('Mul', [x, sum], {}, { outputs: ['y'] });
    });
    const found = await engine.observeShapes(decodeModel(b.bytes()), ['sum']);
    expect([...found]).toEqual([['sum', []]]);
  });

  test('of inputs without names are found as numbers, and their symbols get names', async () => {
    const b = modelOf([undefined, undefined, 4], (m, x) => m.node('Tanh', [x], {}, { outputs: ['y'] }));
    expect(await observed(b, 'y')).toEqual([[MADE_UP, MADE_UP, 4]]);
  });
});

describe('a model that does not run on made-up inputs', { timeout: 60_000 }, () => {
  test('gives nothing, and is no error', async () => {
    const b = modelOf(['N', 4], (m, x) => {
      // Rows cannot be 3001 and made up.
      const target = ints(m, 'target', 3001, 4);
      return m.node('Reshape', [x, target], {}, { outputs: ['y'] });
    });
    expect(await engine.observeShapes(decodeModel(b.bytes()), ['y'])).toEqual(new Map());
  });

  test('gives nothing where it runs at one size only', async () => {
    const b = modelOf(['N', 'T'], (m, x) => {
      const made = m.node('MatMul', [x, m.weight('w', [8, 4], { fanIn: 8 })], {}, { outputs: ['y'] });
      return made;
    });
    expect(await engine.observeShapes(decodeModel(b.bytes()), ['y'])).toEqual(new Map());
  });

  test('gives nothing where it does not end in time', async () => {
    const impatient = createEngine(child, { deadlineMs: 300 });
    expect(await impatient.observeShapes(decodeModel(endless()), ['y'])).toEqual(new Map());
  });

  test('passes giving up on', async () => {
    const abort = new AbortController();
    const looking = createEngine(child, { signal: abort.signal }).observeShapes(decodeModel(endless()), ['y']);
    abort.abort(new Error('no patience'));
    await expect(looking).rejects.toThrow('no patience');
  });
});

describe('what normalising does with it', { timeout: 30_000 }, () => {
  /** [N, T, 5] → "first" → heads, by a shape that only a run can tell → Tanh → "last". */
  const net = (): ModelBuilder =>
    modelOf(['N', 'T', 5], (m, x) => {
      const made = m.node('MatMul', [x, m.weight('first', [5, 8], { fanIn: 5 })]);
      const kept = m.node('Concat', [hiddenLength(m, made, 0), hiddenLength(m, made, 1), ints(m, 'rest', 8)], {
        axis: 0,
      });
      const same = m.node('Reshape', [made, kept], {}, { outputs: ['same'] });
      return m.node('MatMul', [m.node('Tanh', [same]), m.weight('last', [8, 3], { fanIn: 8 })]);
    });

  test('fills in dims that inference leaves open', async () => {
    const model = importModel(decodeModel(net().bytes()));
    await normalise(model, engine);
    const same = [...model.graph.values].find((value) => value.name === 'same');
    expect(same && dimsOf(same)).toEqual(['N', 'T', 8]);
  });

  test('lets channels leave that would have stayed', async () => {
    const { groups } = await cutEqualsMasked(net(), { symbols: { T: 6 } });
    expect(groups).toEqual(['first 8']);
  });
});
