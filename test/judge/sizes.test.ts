import { afterAll, describe, expect, test } from 'vitest';
import { trySizes } from '../../src/judge/sizes.ts';
import { type InputSpec, RuntimeChild } from '../../src/runtime/index.ts';
import { scratch } from '../runtime/models.ts';
import { type Dims, ModelBuilder } from '../support/build.ts';

const child = new RuntimeChild();
afterAll(() => child.close());
const write = scratch();
const seed = { seed: 1 };

/** y = relu(x · w) of x [N, T, 4], by way of a Reshape to `shape`. */
function through(name: string, shape: readonly number[], scale = 1): string {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', ['N', 'T', 4]);
  const moved = b.node('Reshape', [x, b.constant('shape', 'int64', [shape.length], shape)]);
  const sums = b.node('MatMul', [moved, b.weight('w', [4, 4])]);
  const scaled = b.node('Mul', [sums, b.constant('scale', 'float32', [], [scale])]);
  b.output(b.node('Relu', [scaled], {}, { outputs: ['y'] }), 'float32');
  return write(name, b.bytes());
}

const specs = (...dims: Dims): InputSpec[] => [{ name: 'x', type: 'float32', dims }];
const open = specs('N', 'T', 4);

describe('trySizes', { timeout: 30_000 }, () => {
  test('compares at several numbers of samples and at other sizes', async () => {
    const trials = await trySizes(child, through('a.onnx', [0, 0, 4]), through('b.onnx', [0, 0, 4], 1.25), open, seed);
    expect(trials.length).toBeGreaterThan(4);
    expect(trials.length).toBeLessThanOrEqual(8);
    expect(trials.slice(0, 4).map(({ batch }) => batch)).toEqual([1, 2, 3, 5]);
    expect(new Set(trials.map(({ dims }) => dims['T'])).size).toBeGreaterThan(3);
    for (const { relativeL2, cosine, problem } of trials) {
      expect(problem).toBeNull();
      expect(relativeL2).toBeCloseTo(0.25, 5);
      expect(cosine).toBeCloseTo(1, 5);
    }
  });

  test('finds out a model that fixed the number of samples inside', async () => {
    const a = through('open.onnx', [0, -1, 4]);
    const trials = await trySizes(child, a, through('single.onnx', [1, -1, 4]), open, seed);
    const problems = new Map(trials.slice(0, 4).map(({ batch, problem }) => [batch, problem]));
    expect(problems.get(1)).toBeNull();
    for (const batch of [2, 3, 5]) expect(problems.get(batch)).toMatch(/"y" cannot be compared: shape \[\d, \d+, 4\]/);
  });

  test('reports that B does not run, and leaves out what A does not run with', async () => {
    const [a, b] = [through('fine.onnx', [0, 0, 4]), through('one.onnx', [1, 8, 4])];
    const trials = await trySizes(child, a, b, open, seed);
    expect(trials.filter(({ problem }) => problem === null)).toMatchObject([{ batch: 1, dims: { T: 8 } }]);
    expect(trials.some(({ problem }) => problem?.includes('cannot run'))).toBe(true);
    expect(await trySizes(child, b, a, open, seed)).toMatchObject([{ batch: 1, dims: { T: 8 }, problem: null }]);
  });

  test('tries only what is open', async () => {
    const a = through('same.onnx', [0, 0, 4]);
    expect(await trySizes(child, a, a, specs(2, 8, 4), seed)).toEqual([]);
    const batches = await trySizes(child, a, a, specs('N', 8, 4), seed);
    expect(batches.map(({ batch, dims }) => [batch, dims])).toEqual([1, 2, 3, 5].map((batch) => [batch, {}]));
    expect(batches.every(({ relativeL2 }) => relativeL2 === 0)).toBe(true);
    const lengths = await trySizes(child, a, a, specs(2, 'T', 4), seed);
    expect(new Set(lengths.map(({ dims }) => dims['T'])).size).toBe(lengths.length);
  });

  test('has nothing to say where no inputs can be made up', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 'T', 4]);
    b.output(b.node('Reshape', [x, b.constant('s', 'int64', [1], [9973])], {}, { outputs: ['y'] }), 'float32');
    const path = write('never.onnx', b.bytes());
    expect(await trySizes(child, path, path, open, seed)).toEqual([]);
  });
});
