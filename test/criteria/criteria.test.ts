import { describe, expect, test } from 'vitest';
import { buildChannelMap } from '../../src/channels/build.ts';
import type { ChannelMap, Group } from '../../src/channels/group.ts';
import { type CriterionName, criterionNamed, scoreGroup } from '../../src/criteria/criteria.ts';
import { importModel } from '../../src/ir/model.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { ModelBuilder } from '../support/build.ts';

interface Net {
  readonly map: ChannelMap;
  readonly group: Group;
}

/** rows [N, 2] → Gemm "first" (3 channels with these rows) → batch norm with these gains → Gemm "last" with these columns. */
function net(rows: readonly number[], columns: readonly number[], gains?: readonly number[]): Net {
  const b = new ModelBuilder();
  const x = b.input('rows', 'float32', ['N', 2]);
  const bias = b.constant('bias', 'float32', [3], [100, -100, 50]);
  let y = b.valueInfo(
    b.node('Gemm', [x, b.constant('first', 'float32', [3, 2], rows), bias], { transB: 1 }),
    'float32',
    ['N', 3],
  );
  if (gains !== undefined) {
    const others = ['shift', 'mean', 'variance'].map((name) => b.constant(name, 'float32', [3], [1, 1, 1]));
    y = b.valueInfo(
      b.node('BatchNormalization', [y, b.constant('gain', 'float32', [3], gains), ...others]),
      'float32',
      ['N', 3],
    );
  }
  b.output(b.node('Gemm', [y, b.constant('last', 'float32', [1, 3], columns)], { transB: 1 }), 'float32', ['N', 1]);
  const map = buildChannelMap(importModel(decodeModel(b.bytes())).graph, ruleOf);
  const group = map.groups.find((each) => each.name === 'first');
  if (group === undefined) throw new Error('the group of "first" is missing');
  return { map, group };
}

function score({ map, group }: Net, name: CriterionName, seed = 0): { scores: number[]; by: string } {
  const { scores, by } = scoreGroup(criterionNamed(name), group, {
    map,
    floatsOf: (value) => value.tensor?.floats() ?? new Float32Array(),
    seed,
  });
  return { scores: [...scores], by };
}

/** Numbers scaled to a mean of 1. */
function scaled(...numbers: readonly number[]): number[] {
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  return numbers.map((number) => number / mean);
}

function average(a: readonly number[], b: readonly number[]): number[] {
  return a.map((number, i) => (number + (b[i] ?? 0)) / 2);
}

const close = (numbers: readonly number[]): unknown[] => numbers.map((number) => expect.closeTo(number, 6));

describe('scores in closed form', () => {
  const simple = net([3, -4, 0, 1, 6, 8], [1, -2, 3]);

  test('l1: absolute sums of each weight, scaled to a mean of 1, averaged; biases do not count', () => {
    expect(score(simple, 'l1').scores).toEqual(close(average(scaled(7, 1, 14), scaled(1, 2, 3))));
  });

  test('l2: Euclidean norms likewise', () => {
    expect(score(simple, 'l2').scores).toEqual(close(average(scaled(5, 1, 10), scaled(1, 2, 3))));
  });

  test('fan-out: what the reader takes of each channel, squares scaled to a mean of 1', () => {
    expect(score(simple, 'fan-out')).toEqual({ scores: close(scaled(1, 4, 9).map(Math.sqrt)), by: 'fan-out' });
  });

  test('fpgm: distances to all the other filters', () => {
    const [d01, d02, d12] = [Math.hypot(3, -5), Math.hypot(3, 12), Math.hypot(6, 7)];
    expect(score(simple, 'fpgm').scores).toEqual(close(scaled(d01 + d02, d01 + d12, d02 + d12)));
  });

  test('bn-scale: the gain of the normalization, whatever its sign', () => {
    expect(score(net([3, -4, 0, 1, 6, 8], [1, 2, 3], [0.5, -2, 0.5]), 'bn-scale')).toEqual({
      scores: close(scaled(0.5, 2, 0.5)),
      by: 'bn-scale',
    });
  });

  test('bn-scale without a normalization falls back to l2, and says so', () => {
    expect(score(simple, 'bn-scale')).toEqual({ scores: score(simple, 'l2').scores, by: 'l2' });
  });

  test('a weight of zeros has no say', () => {
    expect(score(net([3, -4, 0, 1, 6, 8], [0, 0, 0]), 'l2').scores).toEqual(
      close(scaled(5, 1, 10).map((number) => number / 2)),
    );
  });
});

describe('fan-out', () => {
  /** rows → Gemm "first" of 3 channels → Relu → whatever reads them. */
  const readBy = (read: (b: ModelBuilder, x: string) => string): Net => {
    const b = new ModelBuilder();
    const made = b.node('Gemm', [b.input('rows', 'float32', ['N', 2]), b.weight('first', [3, 2])], { transB: 1 });
    const active = b.valueInfo(b.node('Relu', [b.valueInfo(made, 'float32', ['N', 3])]), 'float32', ['N', 3]);
    b.output(read(b, active), 'float32', ['N', 1]);
    const map = buildChannelMap(importModel(decodeModel(b.bytes())).graph, ruleOf);
    const [group] = map.groups;
    if (group === undefined) throw new Error('no group');
    return { map, group };
  };
  const reader = (b: ModelBuilder, x: string, name: string, columns: readonly number[]): string => {
    const made = b.node('Gemm', [x, b.constant(name, 'float32', [1, 3], columns)], { transB: 1 });
    return b.valueInfo(made, 'float32', ['N', 1]);
  };

  test('is the root mean square over all readers, however big their numbers', () => {
    const both = readBy((b, x) =>
      b.node('Add', [reader(b, x, 'left', [1, 2, 3]), reader(b, x, 'right', [300, 100, 200])]),
    );
    const squares = average(scaled(1, 4, 9), scaled(9, 1, 4));
    expect(score(both, 'fan-out').scores).toEqual(close(squares.map(Math.sqrt)));
  });

  test('counts every row of a reader that makes several channels', () => {
    const wide = readBy((b, x) => {
      const weight = b.constant('wide', 'float32', [2, 3], [3, 0, 1, 4, 1, 1]);
      const made = b.valueInfo(b.node('Gemm', [x, weight], { transB: 1 }), 'float32', ['N', 2]);
      return b.node('ReduceMax', [made], { axes: [1] });
    });
    expect(score(wide, 'fan-out').scores).toEqual(close(scaled(25, 1, 2).map(Math.sqrt)));
  });

  test('falls back, and says so, where no layer reads the channels', () => {
    const unread = readBy((b, x) => b.node('ReduceSum', [x, b.constant('axes', 'int64', [1], [1])], { keepdims: 1 }));
    expect(score(unread, 'fan-out')).toEqual({ scores: score(unread, 'l2').scores, by: 'l2' });
  });
});

describe('random', () => {
  const simple = net([1, 2, 3, 4, 5, 6], [1, 2, 3]);

  test('is the same for the same seed and another for another', () => {
    expect(score(simple, 'random', 4)).toEqual(score(simple, 'random', 4));
    expect(score(simple, 'random', 4).scores).not.toEqual(score(simple, 'random', 5).scores);
  });

  test('draws for each group anew', () => {
    const other = { ...simple, group: { ...simple.group, first: 17 } };
    expect(score(other, 'random').scores).not.toEqual(score(simple, 'random').scores);
  });
});

test.each(['l1', 'l2', 'fpgm'] as const)('%s names the weights that cannot be ranked', (name) => {
  const broken = net([Number.NaN, 2, 3, 4, 5, 6], [1, 2, 3]);
  expect(() => score(broken, name)).toThrow(
    expect.objectContaining({
      code: 'bad-model',
      subject: 'first',
      message: expect.stringMatching(/channels of "first" hold NaN or infinite numbers.*--exclude "first"/),
    }),
  );
});

test('a unit that owns several positions adds them up', () => {
  const b = new ModelBuilder();
  const x = b.input('image', 'float32', [1, 1, 2, 2]);
  const made = b.valueInfo(
    b.node('Conv', [x, b.constant('first', 'float32', [2, 1, 1, 1], [1, 1])]),
    'float32',
    [1, 2, 2, 2],
  );
  const flat = b.valueInfo(b.node('Flatten', [made]), 'float32', [1, 8]);
  b.output(
    b.node('Gemm', [flat, b.constant('last', 'float32', [1, 8], [1, 2, 3, 4, 5, 6, 7, 8])], { transB: 1 }),
    'float32',
    [1, 1],
  );
  const map = buildChannelMap(importModel(decodeModel(b.bytes())).graph, ruleOf);
  const [group] = map.groups;
  if (group === undefined) throw new Error('no group');
  expect(score({ map, group }, 'l1').scores).toEqual(close(average([1, 1], scaled(10, 26))));
});
