import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shareWeights, type WeightBudget } from '../../src/budget/share-weights.ts';
import { BLOCK } from '../../src/numeric/blocks.ts';
import { type Keys, magnitudeKeyAt, magnitudeKeys } from '../../src/numeric/keys.ts';
import { zeroBelow } from '../../src/numeric/zero.ts';
import { bytesAt, cleared, slowestLeave, weights } from '../numeric/weights.ts';
import { normals } from '../support/random.ts';

interface Tensor {
  readonly values: readonly number[];
  readonly amount?: number | undefined;
}

/** What is left of the tensors, as numbers. */
function pruned(tensors: readonly Tensor[], budget: WeightBudget): number[][] {
  const bytes = tensors.map(({ values }) => bytesAt('float32', values, 0));
  const keys = bytes.map((each) => magnitudeKeys('float32', each));
  const { boundaries } = shareWeights(
    tensors.map(({ amount }, i) => ({ keys: keys[i] as Keys, amount })),
    budget,
  );
  return bytes.map((each, i) => {
    zeroBelow('float32', each, keys[i] as Keys, boundaries[i] ?? { key: 0, ties: 0 });
    return [...new Float32Array(each.buffer)];
  });
}

/** The layer-adaptive score of every weight by its definition, in quadratic time. */
function layerAdaptive(values: readonly number[]): number[] {
  const squares = values.map((value) => value * value);
  return squares.map((own) => {
    const rest = squares.filter((each) => each >= own).sort((a, b) => b - a);
    return own === 0 ? 0 : own / rest.reduce((sum, each) => sum + each, 0);
  });
}

const abs = (values: readonly number[]): number[] => values.map(Math.abs);
const rounded = weights.map(Math.fround);
const amounts = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100);
const tensorsOf = (each: fc.Arbitrary<number>): fc.Arbitrary<number[][]> =>
  fc.array(fc.array(each, { minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 4 });

/** Small whole numbers, whose squares add up exactly in any order. */
const whole = fc.integer({ min: -3, max: 3 });

/** Leaves the same as sorting and keeps it so the second time. */
function check(lists: number[][], budget: WeightBudget, wanted: readonly (readonly boolean[])[]): void {
  const once = pruned(
    lists.map((values) => ({ values })),
    budget,
  );
  expect(once).toEqual(cleared(lists, wanted));
  expect(
    pruned(
      once.map((values) => ({ values })),
      budget,
    ),
  ).toEqual(once);
}

describe('an amount', () => {
  test('of each tensor leaves each', () => {
    fc.assert(
      fc.property(tensorsOf(rounded), amounts, (lists, amount) => {
        const wanted = lists.flatMap((values) => slowestLeave([abs(values)], Math.round(amount * values.length)));
        check(lists, { kind: 'amount', amount, scope: 'uniform' }, wanted);
      }),
    );
  });

  test('of all tensors leaves them under one threshold, of equals the last first', () => {
    fc.assert(
      fc.property(tensorsOf(rounded), amounts, (lists, amount) => {
        const wanted = slowestLeave(lists.map(abs), Math.round(amount * lists.flat().length));
        check(lists, { kind: 'amount', amount, scope: 'global' }, wanted);
      }),
    );
  });

  test('by layer-adaptive scores leaves as the definition has it, of equals the last first', () => {
    fc.assert(
      fc.property(tensorsOf(whole), amounts, (lists, amount) => {
        const wanted = slowestLeave(lists.map(layerAdaptive), Math.round(amount * lists.flat().length));
        check(lists, { kind: 'amount', amount, scope: 'lamp' }, wanted);
      }),
    );
  });

  test('by layer-adaptive scores is exact over tensors of many blocks and unlike scales', () => {
    const [count, scales] = [2 * BLOCK + 11, [1, 40, 1e-3]];
    const lists = scales.map((scale, i) => [...normals(count, i + 1).map((value) => value * scale)]);
    const scores = lists.map((values) => {
      const order = abs(values)
        .map((value, i) => ({ value, i }))
        .sort((a, b) => b.value - a.value);
      const list = values.map(() => 0);
      let sum = 0;
      for (const { value, i } of order) {
        sum += value * value;
        list[i] = (value * value) / sum;
      }
      return list;
    });
    for (const amount of [0.05, 0.5, 0.9, 0.999]) {
      const wanted = slowestLeave(scores, Math.round(amount * 3 * count));
      check(lists, { kind: 'amount', amount, scope: 'lamp' }, wanted);
    }
  });

  test('by layer-adaptive scores leaves tensors alike where one is a permutation or a multiple of the other', () => {
    const values = [...normals(4001, 9)];
    const lists = [values, [...values].reverse(), values.map((value) => value * 8)];
    const left = pruned(
      lists.map((each) => ({ values: each })),
      { kind: 'amount', amount: 2 / 3, scope: 'lamp' },
    ).map((list) => list.filter((value) => value !== 0).length);
    expect(left).toEqual([1334, 1334, 1333]);
  });

  test('of its own leaves a tensor, and the rest is shared by the others', () => {
    const lists = [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [0.5, 9, 10, 11],
    ];
    for (const scope of ['uniform', 'global'] as const) {
      const left = pruned(
        lists.map((values, i) => ({ values, amount: i === 0 ? 0.25 : undefined })),
        { kind: 'amount', amount: 0.5, scope },
      );
      expect(left[0]).toEqual([0, 2, 3, 4]);
      expect(left.slice(1)).toEqual(
        scope === 'uniform'
          ? [
              [0, 0, 7, 8],
              [0, 0, 10, 11],
            ]
          : [
              [0, 0, 0, 8],
              [0, 9, 10, 11],
            ],
      );
    }
  });
});

describe('a threshold', () => {
  test('lets go of what lies below it and of nothing else', () => {
    fc.assert(
      fc.property(tensorsOf(rounded), fc.double({ min: 0, max: 3, noNaN: true }), (lists, threshold) => {
        const wanted = lists.map((values) => values.map((value) => Math.abs(value) < threshold));
        check(lists, { kind: 'threshold', key: magnitudeKeyAt(threshold) }, wanted);
      }),
    );
  });
});

test.each([
  { kind: 'amount', amount: 0.5, scope: 'uniform' },
  { kind: 'amount', amount: 0, scope: 'global' },
  { kind: 'amount', amount: 0.5, scope: 'lamp' },
  { kind: 'threshold', key: 1 },
] as const)('what is not finite is counted, by %o', (budget) => {
  const lists = [
    [1, 2],
    [Number.NaN, 3, -Infinity],
  ];
  const keys = lists.map((values) => magnitudeKeys('float32', bytesAt('float32', values, 0)));
  const shares = shareWeights(
    keys.map((each) => ({ keys: each })),
    budget,
  );
  expect(shares.unranked).toEqual([0, 2]);
});
