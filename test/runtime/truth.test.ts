import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AccuracyMeasure } from '../../src/runtime/accuracy.ts';
import type { Accuracy, Comparison, HostTensor } from '../../src/runtime/index.ts';
import { argmax } from '../../src/runtime/measure.ts';
import { TruthMeasure } from '../../src/runtime/truth.ts';
import { floats } from './models.ts';

const whole = (dims: readonly number[], values: readonly number[]): HostTensor => ({
  type: 'int64',
  dims,
  data: BigInt64Array.from(values, BigInt),
});

/** Answers of A alone to one batch. */
function accuracyOf(output: HostTensor, labels: HostTensor, other = output): Accuracy {
  const measure = new AccuracyMeasure('y');
  measure.add({ y: output }, { y: other }, labels);
  return measure.result();
}

function truthOf(
  outputs: Readonly<Record<string, HostTensor>>,
  labels: HostTensor,
): Pick<Comparison, 'accuracy' | 'regression'> {
  const truth = new TruthMeasure([labels]);
  truth.add(outputs, outputs, labels);
  return truth.result();
}

describe('right answers', () => {
  test('are counted over batches, for [N, classes]', () => {
    const accuracy = new AccuracyMeasure('y');
    const first = floats([2, 2], [1, 0, 0, 1]);
    accuracy.add({ y: first }, { y: floats([2, 2], [1, 0, 1, 0]) }, whole([2], [0, 1]));
    accuracy.add({ y: first }, { y: first }, whole([2, 1], [1, 1]));
    expect(accuracy.result()).toMatchObject({ output: 'y', total: 4, hitsA: 3, hitsB: 2, top5A: null, top5B: null });
  });

  test('are the first maximum, and nothing where there is NaN', () => {
    expect(accuracyOf(floats([1, 2], [3, 3]), whole([1], [0])).hitsA).toBe(1);
    expect(accuracyOf(floats([1, 2], [3, 3]), whole([1], [1])).hitsA).toBe(0);
    for (const label of [0, 1]) {
      expect(accuracyOf(floats([1, 2], [Number.NaN, Number.NaN]), whole([1], [label])).hitsA).toBe(0);
    }
  });

  test('may be among five, of which equal ones come by index', () => {
    const row = floats([1, 7], [9, 8, 7, 6, 5, 5, 5]);
    expect(accuracyOf(row, whole([1], [4]))).toMatchObject({ hitsA: 0, top5A: 1, top5B: 1 });
    expect(accuracyOf(row, whole([1], [5]))).toMatchObject({ hitsA: 0, top5A: 0 });
    expect(accuracyOf(floats([1, 5], [5, 4, 3, 2, 1]), whole([1], [4])).top5A).toBeNull();
    // Sorting tells the same.
    const rows = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 6, maxLength: 12 });
    fc.assert(
      fc.property(rows, fc.nat(), (values, at) => {
        const label = at % values.length;
        const order = values.map((_, i) => i).toSorted((i, j) => (values[j] ?? 0) - (values[i] ?? 0) || i - j);
        const { hitsA, top5A } = accuracyOf(floats([1, values.length], values), whole([1], [label]));
        expect(top5A).toBe(order.indexOf(label) < 5 ? 1 : 0);
        expect(hitsA).toBe(argmax(Float32Array.from(values), 0, values.length) === label ? 1 : 0);
      }),
    );
  });

  test('cost cross-entropy: closed forms', () => {
    // Two classes, scores 0 and ln 3: probabilities 1/4 and 3/4.
    const scores = floats([2, 2], [0, Math.log(3), 0, Math.log(3)]);
    const expected = -(Math.log(0.25) + Math.log(0.75)) / 2;
    expect(accuracyOf(scores, whole([2], [0, 1])).lossA).toBeCloseTo(expected, 6);
    const probabilities = floats([2, 2], [0.25, 0.75, 0.25, 0.75]);
    expect(accuracyOf(probabilities, whole([2], [0, 1])).lossA).toBeCloseTo(expected, 6);
    const logarithms = floats([2, 2], [Math.log(0.25), Math.log(0.75), Math.log(0.25), Math.log(0.75)]);
    expect(accuracyOf(logarithms, whole([2], [0, 1])).lossA).toBeCloseTo(expected, 6);
    // Shifted scores are no logarithms of probabilities, and large ones do not overflow.
    const large = floats([1, 3], [1e4, 1e4, 1e4]);
    expect(accuracyOf(large, whole([1], [2])).lossA).toBeCloseTo(Math.log(3), 6);
    expect(accuracyOf(floats([1, 2], [0, 1]), whole([1], [0])).lossA).toBeCloseTo(-Math.log(1e-12), 6);
  });

  test('of B are read as those of A', () => {
    // Rounding spoilt the sum; as scores its loss would be log(1 + e^0.5).
    const { lossA, lossB } = accuracyOf(floats([1, 2], [0.25, 0.75]), whole([1], [1]), floats([1, 2], [0.2, 0.7]));
    expect(lossA).toBeCloseTo(-Math.log(0.75), 6);
    expect(lossB).toBeCloseTo(-Math.log(0.7), 6);
    const measure = new AccuracyMeasure('y');
    measure.add({ y: floats([1, 2], [1, 0]) }, {}, whole([1], [0]));
    expect(measure.result()).toMatchObject({ hitsA: 1, hitsB: 0, lossB: Number.NaN });
  });

  test('need labels among the classes', () => {
    expect(() => accuracyOf(floats([1, 2], [1, 2]), whole([1], [2]))).toThrow(/Label 2 .* 2 classes/);
  });
});

describe('labels', () => {
  test('are classes of the first output that fits, for [N, T, classes]; negative ones are skipped', () => {
    const outputs = { hidden: floats([1, 4], [1, 2, 3, 4]), logits: floats([1, 3, 2], [1, 0, 0, 1, 1, 0]) };
    const { accuracy, regression } = truthOf(outputs, whole([1, 3], [0, 0, -100]));
    expect(accuracy).toMatchObject({ output: 'logits', total: 2, hitsA: 1, hitsB: 1 });
    expect(regression).toBeUndefined();
  });

  test('that fit nothing give nothing', () => {
    const nothing = { accuracy: undefined, regression: undefined };
    expect(truthOf({ y: floats([2, 2], [1, 2, 3, 4]) }, whole([3], [0, 0, 0]))).toEqual(nothing);
    // Whole numbers of the shape of an output with several numbers per sample are neither.
    expect(truthOf({ y: floats([2, 2], [1, 2, 3, 4]) }, whole([2, 2], [0, 0, 0, 0]))).toEqual(nothing);
  });

  test.each<[string, HostTensor, HostTensor, number]>([
    ['[N] of [N]', floats([2], [1, 2]), floats([2], [1.5, 0]), (0.25 + 4) / 2],
    ['[N, 1] of [N]', floats([2], [1, 2]), floats([2, 1], [1, 4]), 2],
    ['[N] of [N, 1], whole', floats([2, 1], [1, 2]), whole([2], [3, 2]), 2],
    ['[N, C] of [N, C]', floats([2, 2], [1, 2, 3, 4]), floats([2, 2], [1, 2, 3, 0]), 4],
  ])('that are numbers give the mean squared error: %s', (_, output, labels, mse) => {
    const { accuracy, regression } = truthOf({ y: output }, labels);
    expect(accuracy).toBeUndefined();
    expect(regression).toEqual({ output: 'y', total: labels.data.length, mseA: mse, mseB: mse });
  });

  test('that could be both are classes where they are whole', () => {
    const outputs = { score: floats([2, 1], [0, 1]), logits: floats([2, 3], [1, 0, 0, 0, 1, 0]) };
    expect(truthOf(outputs, whole([2], [0, 1])).accuracy?.output).toBe('logits');
    expect(truthOf(outputs, floats([2], [0, 1])).accuracy?.output).toBe('logits');
    expect(truthOf(outputs, floats([2], [0.5, 1])).regression?.output).toBe('score');
    expect(() => truthOf({ logits: outputs.logits }, floats([2], [0.5, 1]))).toThrow(/Label 0.5/);
  });

  test('are held against both models over all batches', () => {
    const truth = new TruthMeasure([floats([1], [0]), floats([3], [1, 1, 1])]);
    truth.add({ y: floats([1], [2]) }, { y: floats([1], [3]) }, floats([1], [0]));
    truth.add({ y: floats([3], [0, 0, 0]) }, { y: floats([3], [1, 1, 1]) }, floats([3], [1, 1, 1]));
    expect(truth.result().regression).toEqual({ output: 'y', total: 4, mseA: 7 / 4, mseB: 9 / 4 });
  });

  test('say nothing good of a model without the output', () => {
    const truth = new TruthMeasure([floats([1], [0])]);
    truth.add({ y: floats([1], [2]) }, {}, floats([1], [0]));
    expect(truth.result().regression).toMatchObject({ mseA: 4, mseB: Number.NaN });
  });

  test.each<[string, HostTensor]>([
    ['floats', floats([2, 3], [0, 1, 0, 1, 0, 0])],
    ['integers', whole([2, 3], [0, 1, 0, 1, 0, 0])],
    ['booleans', { type: 'bool', dims: [2, 3], data: Uint8Array.of(0, 1, 0, 1, 0, 0) }],
  ])('that are one-hot rows are classes: %s', (_, labels) => {
    const { accuracy, regression } = truthOf({ y: floats([2, 3], [1, 5, 2, 3, 4, 0]) }, labels);
    expect(accuracy).toMatchObject({ output: 'y', total: 2, hitsA: 1, hitsB: 1 });
    expect(regression).toBeUndefined();
  });

  test('are no one-hot rows unless all of them are, in whichever batch', () => {
    const output = { y: floats([1, 3], [1, 5, 2]) };
    const batches = [floats([1, 3], [0, 1, 0]), floats([1, 3], [0, 1, 1])];
    const truth = new TruthMeasure(batches);
    for (const batch of batches) truth.add(output, output, batch);
    expect(truth.result()).toMatchObject({ accuracy: undefined, regression: { total: 6 } });
  });

  test.each<[string, HostTensor]>([
    ['[N]', whole([4], [1, 0, 0, 1])],
    ['[N, 1], floats', floats([4, 1], [1, 0, 0, 1])],
  ])('of yes and no are answered by one probability per sample: %s', (_, labels) => {
    const truth = new TruthMeasure([labels]);
    const b = { y: floats([4, 1], [0.9, 0.2, 0.7, 0.5]) };
    truth.add({ y: floats([4, 1], [0.75, 0.25, 0.5, 1]) }, b, labels);
    const { accuracy, regression } = truth.result();
    expect(accuracy).toMatchObject({ output: 'y', total: 4, hitsA: 4, hitsB: 2, top5A: null });
    // Exactly a half is no yes, and costs ln 2.
    expect(accuracy?.lossA).toBeCloseTo(-(Math.log(0.75) * 2 + Math.log(0.5)) / 4, 6);
    expect(regression).toBeUndefined();
    // Scores have no place of their own at which a yes begins.
    const scores = { y: floats([4, 1], [3, -2, 0.5, 1]) };
    expect(truthOf(scores, labels).regression?.total).toBe(4);
  });

  test.each<[string, HostTensor, HostTensor, HostTensor]>([
    ['integers', whole([4], [2, 0, 1, 1]), whole([4], [2, 1, 0, 1]), whole([4, 1], [2, 0, 0, -1])],
    [
      'words',
      { type: 'string', dims: [3], data: ['cat', 'dog', 'cat'] },
      { type: 'string', dims: [3], data: ['cat', 'cat', 'dog'] },
      { type: 'string', dims: [3], data: ['cat', 'dog', 'dog'] },
    ],
  ])('are the answers of an output without scores: %s', (_, a, b, labels) => {
    const truth = new TruthMeasure([labels]);
    truth.add({ y: a }, { y: b }, labels);
    const { accuracy, regression } = truth.result();
    expect(accuracy).toMatchObject({ output: 'y', total: 3, hitsA: 2, hitsB: 2, top5A: null, lossA: Number.NaN });
    expect(regression).toBeUndefined();
    // Scores say more where there are some.
    const scores = floats([labels.data.length, 3], new Array<number>(3 * labels.data.length).fill(0));
    if (labels.type !== 'string') expect(truthOf({ y: a, scores }, labels).accuracy?.output).toBe('scores');
    const gone = new TruthMeasure([labels]);
    gone.add({ y: a }, {}, labels);
    expect(gone.result().accuracy).toMatchObject({ hitsA: 2, hitsB: 0 });
  });

  test('that fit nothing are told, with what would fit', () => {
    const truth = new TruthMeasure([whole([2, 2], [0, 0, 0, 0])]);
    const output = { y: floats([2, 3], [1, 2, 3, 4, 5, 6]) };
    truth.add(output, output, whole([2, 2], [0, 0, 0, 0]));
    expect(truth.unfit).toBe(
      'the labels, int64 [N, 2], fit no output, so nothing was held against them: numbers of classes need a floating output of shape [N, 2, classes], and one-hot rows, numbers or answers an output of shape [N, 2]',
    );
  });
});
