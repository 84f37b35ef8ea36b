import { afterAll, describe, expect, test } from 'vitest';
import {
  batchSymbols,
  findRunnableInputs,
  type InputSpec,
  makeInputs,
  modelInfo,
  RuntimeChild,
  resolveDims,
  run,
  symbolsOf,
} from '../../src/runtime/index.ts';
import { ModelBuilder } from '../support/build.ts';
import type { ElementType } from '../support/build-tensor.ts';
import { unary } from './models.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

function spec(name: string, dims: InputSpec['dims'], type = 'float32'): InputSpec {
  return { name, type, dims };
}

describe('symbols', () => {
  test('named batches count as batches, wherever they are', () => {
    const specs = [spec('x', ['seq', 'batch_size', 8]), spec('m', ['batch_size', 'seq'])];
    expect([...batchSymbols(specs)]).toEqual(['batch_size']);
    expect(symbolsOf(specs)).toEqual(['seq']);
  });

  test('first axes count as batches where none is named so', () => {
    const specs = [spec('x', ['foo', 3, 'h', 'w']), spec('y', [undefined, 4, undefined])];
    expect([...batchSymbols(specs)]).toEqual(['foo', 'y[0]']);
    expect(symbolsOf(specs)).toEqual(['h', 'w', 'y[2]']);
  });

  test('sums of symbols follow from their parts', () => {
    const specs = [
      spec('ids', ['batch', 'seq']),
      spec('mask', ['batch', 'past + seq']),
      spec('next', ['batch', 'past + 1']),
    ];
    expect(symbolsOf(specs)).toEqual(['seq', 'past']);
    const dims = new Map([
      ['seq', 5],
      ['past', 3],
    ]);
    const sizes = specs.map((each) => resolveDims(each, batchSymbols(specs), { batch: 2, dims }));
    expect(sizes).toEqual([
      [2, 5],
      [2, 8],
      [2, 4],
    ]);
  });
});

describe('makeInputs', () => {
  const options = { seed: 7, batch: 4, dims: new Map<string, number>() };

  test('gives the same numbers for the same seed, and others for another', () => {
    const specs = [spec('x', ['N', 5])];
    expect(makeInputs(specs, options)).toEqual(makeInputs(specs, options));
    expect(makeInputs(specs, options)).not.toEqual(makeInputs(specs, { ...options, seed: 8 }));
  });

  test('floats are standard normal', () => {
    const { x } = makeInputs([spec('x', [20_000])], options);
    const values = Array.from(x?.data ?? [], Number);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length - mean * mean;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.05);
  });

  test('integers stay below their bound, 2 by default', () => {
    const { ids, mask } = makeInputs(
      [{ ...spec('ids', [500], 'int64'), bound: 30 }, spec('mask', [500], 'int32')],
      options,
    );
    const seen = new Set(Array.from(ids?.data ?? [], Number));
    expect(Math.min(...seen)).toBe(0);
    expect(Math.max(...seen)).toBe(29);
    expect(new Set(Array.from(mask?.data ?? [], Number))).toEqual(new Set([0, 1]));
  });

  test('refuses types without arrays', () => {
    expect(() => makeInputs([spec('x', [1], 'bfloat16')], options)).toThrow(/bfloat16.*give data/);
  });

  const types: ElementType[] = ['float32', 'float64', 'float16', 'int8', 'uint8', 'int16', 'uint16', 'int32'];
  types.push('uint32', 'int64', 'uint64', 'bool', 'string');
  test.each(types)('%s goes to onnxruntime and comes back unchanged', async (type) => {
    const feeds = makeInputs([{ ...spec('x', ['N', 3], type), bound: 100 }], options);
    const { y } = await run(child, unary('Identity', type), feeds);
    const { x } = feeds;
    expect(y).toEqual(x);
  });
});

describe('findRunnableInputs', () => {
  test('takes a model without free sizes as it is', async () => {
    const model = unary('Relu');
    const { inputs } = await modelInfo(child, model);
    expect(await findRunnableInputs(child, model, inputs, { seed: 1, batch: 3 })).toEqual({
      batch: 3,
      dims: new Map(),
    });
  });

  test('finds the size that the model wants', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 'features']);
    b.output(b.node('MatMul', [x, b.weight('w', [64, 2])], {}, { outputs: ['y'] }), 'float32', ['N', 2]);
    const { inputs } = await modelInfo(child, b.bytes());
    const found = await findRunnableInputs(child, b.bytes(), inputs, { seed: 1, batch: 3 });
    expect(found).toEqual({ batch: 3, dims: new Map([['features', 64]]) });
    const { y } = await run(child, b.bytes(), makeInputs(inputs, { seed: 1, ...found }));
    expect(y?.dims).toEqual([3, 2]);
  });

  test('finds sizes that differ', async () => {
    const b = new ModelBuilder();
    const p = b.node('MatMul', [b.input('x', 'float32', ['N', 'p']), b.weight('w', [8, 2])]);
    const q = b.node('MatMul', [b.input('z', 'float32', ['N', 'q']), b.weight('v', [16, 2])]);
    b.output(b.node('Add', [p, q], {}, { outputs: ['y'] }), 'float32', ['N', 2]);
    const { inputs } = await modelInfo(child, b.bytes());
    const found = await findRunnableInputs(child, b.bytes(), inputs, { seed: 1, batch: 2 });
    expect([...found.dims]).toEqual([
      ['p', 8],
      ['q', 16],
    ]);
  });

  test('falls back to one sample where the batch was fixed inside', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 4]);
    const shape = b.constant('shape', 'int64', [2], [1, 4]);
    b.output(b.node('Reshape', [x, shape], {}, { outputs: ['y'] }), 'float32', [1, 4]);
    const { inputs } = await modelInfo(child, b.bytes());
    expect((await findRunnableInputs(child, b.bytes(), inputs, { seed: 1, batch: 8 })).batch).toBe(1);
  });

  test('asks for data where nothing fits', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 'features']);
    b.output(b.node('MatMul', [x, b.weight('w', [77, 2])], {}, { outputs: ['y'] }), 'float32', ['N', 2]);
    const { inputs } = await modelInfo(child, b.bytes());
    await expect(findRunnableInputs(child, b.bytes(), inputs, { seed: 1, batch: 1 })).rejects.toMatchObject({
      code: 'runtime-refused',
      message: expect.stringMatching(/give data with --test\. The last error: .*MatMul/),
    });
  });
});
