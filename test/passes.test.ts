import { describe, expect, test } from 'vitest';
import { checkPruneOptions, type PruneOptions } from '../src/options/prune-options.ts';
import { joinReports, passesOf, shareOfRound } from '../src/passes.ts';
import type { PruneChannelsReport } from '../src/transforms/prune-channels.ts';

const passes = (options: PruneOptions): ReturnType<typeof passesOf> => passesOf(checkPruneOptions(options));
const shared = (fraction: number): object => ({ fraction, each: false });
const own = (fraction: number): object => ({ fraction, each: true });

test('one amount is shared by heads and channels of every kind', () => {
  expect(passes({ structured: '50%' })).toEqual([
    { prefer: 'heads', amounts: { heads: shared(0.5), 'head-dim': shared(0.5), channels: shared(0.5) }, layers: [] },
  ]);
});

test('an amount of heads alone leaves channels as they are', () => {
  expect(passes({ heads: 0.25 })).toEqual([
    { prefer: 'heads', amounts: { heads: own(0.25), 'head-dim': undefined, channels: undefined }, layers: [] },
  ]);
});

test('an amount of dimensions makes them leave instead of heads', () => {
  expect(passes({ structured: 0.5, headDim: 0.25 })).toEqual([
    { prefer: 'head-dim', amounts: { heads: shared(0.5), 'head-dim': own(0.25), channels: shared(0.5) }, layers: [] },
  ]);
});

test('heads and dimensions take two passes, and no layer is cut twice for one amount', () => {
  const layers = [{ match: '*up*', amount: 0.75, criterion: 'l1', exclude: false }];
  const [first, second] = passes({ structured: 0.5, heads: 0.25, headDim: 0.125, layers });
  expect(first).toMatchObject({
    prefer: 'heads',
    amounts: { heads: own(0.25), 'head-dim': 'later', channels: shared(0.5) },
    layers: [{ match: ['*up*'], amount: 0.75 }],
  });
  expect(second).toMatchObject({
    prefer: 'head-dim',
    amounts: { heads: undefined, 'head-dim': own(0.125), channels: undefined },
    again: true,
    layers: [{ match: ['*up*'], criterion: 'l1', exclude: false }],
  });
  expect(second?.layers[0]).not.toHaveProperty('amount');
});

test('joined reports count in the numbering before the first pass', () => {
  const report = (kept: number[], before: number, initializer = 'w'): PruneChannelsReport => ({
    name: 'prune channels',
    removedChannels: before - kept.length,
    groups: [
      {
        name: initializer,
        weight: { initializer, axis: 1 },
        producers: [],
        consumers: [],
        before,
        asked: kept.length,
        after: kept.length,
        unit: 1,
        criterion: 'l2',
        kept,
        cuts: [],
        part: null,
        approximate: [],
      },
    ],
    kept: [],
    axes: [{ initializer, axis: 1, before, kept }],
  });
  const joined = joinReports(report([1, 3, 4, 6], 8), report([0, 2], 4));
  expect(joined.removedChannels).toBe(6);
  expect(joined.groups.map(({ before, kept }) => [before, kept])).toEqual([[8, [1, 4]]]);
  expect(joined.axes).toEqual([{ initializer: 'w', axis: 1, before: 8, kept: [1, 4] }]);
  const apart = joinReports(report([1, 3], 4), report([0], 2, 'v'));
  expect(apart.axes).toEqual([
    { initializer: 'w', axis: 1, before: 4, kept: [1, 3] },
    { initializer: 'v', axis: 1, before: 2, kept: [0] },
  ]);
});

describe('the share of a round', () => {
  const settled = (options: PruneOptions): ReturnType<typeof checkPruneOptions> => ({
    ...checkPruneOptions(options),
    rounds: 4,
  });

  test('leaves the same part in every round, and the amounts of the options in the end', () => {
    const options = settled({
      structured: 0.6,
      heads: 0.25,
      headDim: 0.125,
      layers: [
        { match: '*up*', amount: 0.75, criterion: 'l1' },
        { match: 'head', exclude: true },
        { match: 'x', amount: 0.99 },
      ],
    });
    expect(shareOfRound(options, 4)).toEqual(options);
    const amountsOf = ({ structured, heads, headDim, layers }: typeof options): (number | undefined)[] => [
      structured,
      heads,
      headDim,
      ...layers.map(({ amount }) => amount),
    ];
    const rounds = [1, 2, 3, 4].map((round) => amountsOf(shareOfRound(options, round)));
    amountsOf(options).forEach((amount, i) => {
      let left = 1;
      for (const [round, amounts] of rounds.entries()) {
        const now = amounts[i];
        if (amount === undefined || now === undefined) expect(now).toBe(amount);
        else {
          expect(1 - now).toBeCloseTo(left * (1 - amount) ** (1 / 4), 12);
          left = 1 - now;
          if (round === 3) expect(now).toBe(amount);
        }
      }
    });
    for (const round of [1, 2, 3]) {
      const { structured, heads, headDim, layers, ...rest } = shareOfRound(options, round);
      expect(options).toMatchObject(rest);
      expect(layers.map(({ match, criterion, exclude }) => ({ match, criterion, exclude }))).toEqual(
        options.layers.map(({ match, criterion, exclude }) => ({ match, criterion, exclude })),
      );
      expect([structured, heads, headDim].every((each) => each !== undefined && each > 0)).toBe(true);
    }
  });

  test('of one round, or of none, is all of it', () => {
    const once = checkPruneOptions({ structured: 0.6 });
    expect(once.rounds).toBe(1);
    expect(shareOfRound(once, 1)).toBe(once);
    expect(shareOfRound(settled({ heads: 0.5 }), 1).structured).toBeUndefined();
  });
});

describe('reports of rounds', () => {
  interface Part {
    readonly name: string;
    readonly part?: 'heads' | 'head-dim';
    readonly kept: readonly number[];
  }

  /** One weight "w", of which parts are groups of their own; what is no part's stays. */
  const round = (before: number, parts: readonly Part[]): PruneChannelsReport => {
    const kept = parts.flatMap((each) => each.kept).sort((a, b) => a - b);
    return {
      name: 'prune channels',
      removedChannels: before - kept.length,
      groups: parts.map(({ name, part, kept: own }) => ({
        name,
        weight: { initializer: 'w', axis: 0 },
        producers: ['made'],
        consumers: [],
        before: before / parts.length,
        asked: own.length,
        after: own.length,
        unit: 1,
        criterion: 'reconstruction',
        kept: own,
        cuts: [{ initializer: 'w', axis: 0, before, after: kept.length }],
        part: part ?? null,
        approximate: [],
      })),
      kept: [],
      axes: [{ initializer: 'w', axis: 0, before, kept }],
    };
  };

  test('speak of a group once, from what it had first to what it has last', () => {
    const rounds = [
      round(8, [{ name: 'w', kept: [0, 1, 3, 4, 6, 7] }]),
      round(6, [{ name: 'w', kept: [1, 2, 3, 5] }]),
      round(4, [{ name: 'w', kept: [0, 3] }]),
    ];
    const joined = rounds.reduce(joinReports);
    expect(joined.groups).toMatchObject([
      { name: 'w', before: 8, after: 2, kept: [1, 7], cuts: [{ initializer: 'w', axis: 0, before: 8, after: 2 }] },
    ]);
    expect(joined.removedChannels).toBe(6);
    expect(joined.axes).toEqual([{ initializer: 'w', axis: 0, before: 8, kept: [1, 7] }]);
  });

  test('tell the halves of a weight apart, whatever they are called later', () => {
    const joined = [
      round(8, [
        { name: 'w[0…]', kept: [0, 2, 3] },
        { name: 'w[4…]', kept: [4, 5, 7] },
      ]),
      round(6, [
        { name: 'w[0…]', kept: [1, 2] },
        { name: 'w[3…]', kept: [3, 5] },
      ]),
      round(4, [
        { name: 'w[0…]', kept: [1] },
        { name: 'w[2…]', kept: [3] },
      ]),
    ].reduce(joinReports);
    expect(joined.groups.map(({ before, after, kept }) => ({ before, after, kept }))).toEqual([
      { before: 4, after: 1, kept: [3] },
      { before: 4, after: 1, kept: [7] },
    ]);
    expect(joined.axes[0]?.kept).toEqual([3, 7]);
    expect(joined.groups.map(({ name }) => name)).toEqual(['w[0…]', 'w[4…]']);
  });

  test('keep heads and the dimensions inside them apart', () => {
    const joined = [
      round(8, [{ name: 'w', part: 'heads', kept: [0, 1, 2, 3, 4, 5] }]),
      round(6, [{ name: 'w', part: 'head-dim', kept: [0, 2, 4] }]),
    ].reduce(joinReports);
    expect(joined.groups.map(({ part, kept }) => [part, kept])).toEqual([
      ['heads', [0, 1, 2, 3, 4, 5]],
      ['head-dim', [0, 2, 4]],
    ]);
  });
});
