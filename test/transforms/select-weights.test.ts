import { describe, expect, test } from 'vitest';
import { ModelBuilder } from '../support/build.ts';
import { prune, reasonsOf, zerosOf } from './pruned-weights.ts';

describe('what stays', { timeout: 60_000 }, () => {
  function embedded(): ModelBuilder {
    const b = new ModelBuilder();
    const ids = b.input('ids', 'int64', ['N', 3]);
    const x = b.node('Gather', [b.weight('table', [10, 4]), ids], {}, { name: 'embed' });
    const normal = b.node('LayerNormalization', [x, b.vector('gain', 4), b.vector('shift', 4)], { axis: -1 });
    const hidden = b.node('Gemm', [
      b.node('Reshape', [normal, b.constant('rows', 'int64', [2], [-1, 4])]),
      b.weight('dense', [4, 6]),
      b.vector('bias', 6),
    ]);
    b.output(b.node('MatMul', [hidden, b.weight('head', [6, 2])], {}, { name: 'head/MatMul' }), 'float32');
    return b;
  }

  test('says why', async () => {
    const outcome = await prune(embedded());
    expect(Object.keys(zerosOf(outcome))).toEqual(['dense', 'head']);
    expect(reasonsOf(outcome)).toEqual({
      table: 'it is an embedding (--include takes it)',
      gain: 'it is a parameter of a normalization (--include takes it)',
      shift: 'it is a parameter of a normalization (--include takes it)',
      bias: 'it is a bias (--include takes it)',
    });
    for (const name of ['table', 'gain', 'shift', 'bias']) expect(outcome.after[name]).toEqual(outcome.before[name]);
  });

  test('is for the user to say, by names of initializers and nodes', async () => {
    expect(zerosOf(await prune(embedded(), { include: ['embed', 'bi*'] }))).toEqual({
      table: 20,
      dense: 12,
      bias: 3,
      head: 6,
    });
    const excluded = await prune(embedded(), { exclude: ['head/*'] });
    expect([zerosOf(excluded), reasonsOf(excluded)['head']]).toEqual([{ dense: 12 }, '--exclude "head/*"']);
    const only = await prune(embedded(), { only: ['head'] });
    expect([zerosOf(only), reasonsOf(only)['dense']]).toEqual([{ head: 6 }, 'no --only pattern matches it']);
  });

  test.each([
    [{ exclude: ['nowhere'] }, '--exclude'],
    [{ only: ['nowhere'] }, '--only'],
    [{ include: ['nowhere'] }, '--include'],
    [{ layers: [{ match: ['nowhere'], amount: 0.1 }] }, 'The recipe’s "match"'],
  ])('is not decided by a name that nothing bears: %o', async (options, option) => {
    await expect(prune(embedded(), options)).rejects.toMatchObject({
      code: 'bad-option',
      message: expect.stringContaining(`${option} "nowhere" matches no node and no initializer`),
    });
  });

  test('may be said by names that are gone where a step before has read them, but nothing else has read --include', async () => {
    const gone = { exclude: ['nowhere'], layers: [{ match: ['nowhere'], amount: 0.1 }], again: true };
    expect(zerosOf(await prune(embedded(), gone))).toEqual({ dense: 12, head: 6 });
    await expect(prune(embedded(), { include: ['nowhere'], again: true })).rejects.toMatchObject({
      subject: 'nowhere',
    });
  });

  test('includes weights that are stored as integers', async () => {
    const b = new ModelBuilder({ opset: 13 });
    const stored = b.constant(
      'stored',
      'int8',
      [4, 4],
      Array.from({ length: 16 }, (_, i) => i - 8),
    );
    const weight = b.node('DequantizeLinear', [stored, b.constant('scale', 'float32', [], [0.1])]);
    b.output(b.node('MatMul', [b.input('x', 'float32', ['N', 4]), weight]), 'float32');
    const outcome = await prune(b);
    expect(outcome.report).toMatchObject({ weights: 0, zeroed: 0, sparsity: 0 });
    expect(reasonsOf(outcome)).toEqual({ stored: 'it stores int8' });
  });
});
