import { expect, test } from 'vitest';
import { checkPruneOptions, type PruneOptions } from '../src/options/prune-options.ts';
import { joinReports, passesOf } from '../src/passes.ts';
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
  expect(joined.groups.map(({ kept }) => kept)).toEqual([
    [1, 3, 4, 6],
    [1, 4],
  ]);
  expect(joined.axes).toEqual([{ initializer: 'w', axis: 1, before: 8, kept: [1, 4] }]);
  const apart = joinReports(report([1, 3], 4), report([0], 2, 'v'));
  expect(apart.axes).toEqual([
    { initializer: 'w', axis: 1, before: 4, kept: [1, 3] },
    { initializer: 'v', axis: 1, before: 2, kept: [0] },
  ]);
});
