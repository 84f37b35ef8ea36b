import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { PruneOptions } from '../../src/index.ts';
import { digits } from '../support/digits.ts';
import { prune } from '../support/shared-runtime.ts';
import { fixture, freshFolder } from './folder.ts';
import { type Lesson, learn } from './held-out.ts';
import { decoded } from './int8-runs.ts';
import { countWeights, countZeros, layerWeights } from './slow-sparsity.ts';

const patient = { timeout: 120_000 };
const lessons = { calibration: digits(5, 30, 64), heldOut: digits(0, 10, 1000) };
const MLP = fixture('mnist-mlp.onnx');

/** A run, and the same without integers. */
async function both(
  options: PruneOptions,
  integers: PruneOptions = {},
): Promise<{ readonly float: Lesson; readonly int8: Lesson }> {
  const float = await learn(MLP, options, lessons);
  return { float, int8: await learn(MLP, { ...options, int8: true, ...integers }, lessons) };
}

/** Zeros of all integer weights of a file. */
function integerZeros(path: string): number {
  const weights = [...decoded(path).weights.values()];
  return weights.reduce((sum, { codes }) => sum + codes.filter((code) => code === 0).length, 0);
}

describe('integers after pruning', patient, () => {
  it('of single weights keep the zeros', async () => {
    const { float, int8 } = await both({ unstructured: '80%' }, { rounding: 'nearest' });
    const zeros = countZeros(layerWeights(float.output));
    expect(zeros).toBeGreaterThan(0.7 * countWeights(layerWeights(float.output)));
    expect(integerZeros(int8.output)).toBeGreaterThanOrEqual(zeros);
    // Few of those that stay round to zero.
    expect(integerZeros(int8.output)).toBeLessThan(1.05 * zeros);
    expect(int8.report.weights).toEqual(float.report.weights);
    expect(Math.abs(int8.accuracy - float.accuracy)).toBeLessThanOrEqual(0.003);
  });

  it('by a pattern keep the pattern', async () => {
    const { float, int8 } = await both({ pattern: '2:4' }, { rounding: 'nearest' });
    const before = layerWeights(float.output);
    for (const [{ codes }, { floats, dims }] of zip(decoded(int8.output).weights.values(), before.values())) {
      expect(codes.length).toBe(floats.length);
      // A row of the float weight is a column of the integer one, or the other way round.
      const [rows = 0, columns = 0] = dims;
      const zero = (i: number): boolean => floats[i] === 0;
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++)
          if (zero(row * columns + column) && codes[column * rows + row] !== 0)
            expect.fail(`a zero at ${row}, ${column} is none any more`);
    }
    expect(Math.abs(int8.accuracy - float.accuracy)).toBeLessThanOrEqual(0.003);
  });

  it('of everything come last, in one report, proven, hardly less accurate, in a quarter of the bytes', async () => {
    const { float, int8 } = await both({ structured: '30%', unstructured: '60%', oneShot: 'wanda' });
    const { report } = int8;
    expect(report).toMatchObject({
      proof: { passed: true },
      quantization: { asked: 'auto', untouched: null, samples: 64, search: null, fusion: { time: null } },
      latency: null,
    });
    expect(report.pruning.removedChannels).toBeGreaterThan(0);
    expect(report.pruning.groups).toEqual(float.report.pruning.groups);
    expect(report.recovery).toEqual(float.report.recovery);
    expect(report.weights).toEqual(float.report.weights);
    expect(report.quantization?.layers.map(({ how, bits }) => [how, bits])).toEqual(Array(3).fill(['dynamic', 8]));
    expect(report.quantization?.fusion?.kernels).toEqual({ DynamicQuantizeMatMul: 3 });
    expect(integerZeros(int8.output)).toBeGreaterThanOrEqual(countZeros(layerWeights(float.output)));
    expect(Math.abs(int8.accuracy - float.accuracy)).toBeLessThanOrEqual(0.003);
    const [small, large] = [statSync(int8.output).size, statSync(float.output).size];
    expect(small / large).toBeGreaterThan(0.24);
    expect(small / large).toBeLessThan(0.29);
    expect(report.size.after.fileBytes).toBe(small);
    // Plain data: what is written is what was reported.
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});

it('a trained convolutional net stays as right as it was on integers alone', patient, async () => {
  const output = freshFolder().path('int8.onnx');
  const heldOut = digits(0, 10, 1000);
  const report = await prune(
    fixture('mnist-cnn.onnx'),
    { int8: true, rounding: 'nearest', output },
    { calibration: async () => ({ ...digits(5, 30, 64), labels: undefined }), testData: async () => heldOut },
  );
  const { hitsA = 0, hitsB = 0 } = report.fidelity?.accuracy ?? {};
  expect(hitsA - hitsB).toBeLessThanOrEqual(3);
  expect(report.quantization?.layers.map(({ how }) => how)).toEqual(Array(4).fill('static'));
  expect(report.quantization?.fusion).toMatchObject({ float: 0, floats: [], kernels: { QLinearConv: 2, QGemm: 2 } });
  const { time } = report.quantization?.fusion ?? {};
  expect(Object.values(time ?? {}).reduce((sum, part) => sum + part, 0)).toBeCloseTo(1, 6);
  expect(report.latency?.before.median).toBeGreaterThan(0);
});

function* zip<A, B>(a: Iterable<A>, b: Iterable<B>): Generator<readonly [A, B]> {
  const others = [...b];
  let at = 0;
  for (const each of a) {
    const other = others[at++];
    if (other === undefined) expect.fail('there are more of one');
    yield [each, other];
  }
  expect(at).toBe(others.length);
}
