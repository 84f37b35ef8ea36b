import type { SettledOptions } from './options/prune-options.ts';
import type { GroupReport } from './transforms/describe-groups.ts';
import { composeAxes, originalIndex } from './transforms/kept-indices.ts';
import type { PruneChannelsOptions, PruneChannelsReport } from './transforms/prune-channels.ts';
import { type Amount, LATER } from './transforms/select-groups.ts';

/** One pass of pruning: what of heads and the dimensions inside them may leave, and how much of everything. */
export type PassOptions = Pick<PruneChannelsOptions, 'prefer' | 'amounts' | 'layers' | 'again'>;

/**
 * The passes that the options ask for. Heads and the dimensions inside them share axes, of which one at a time can leave:
 * where both are asked for, heads leave first, and then dimensions of those that stay.
 */
export function passesOf({ structured, heads, headDim, layers }: SettledOptions): PassOptions[] {
  const shared: Amount | undefined = structured === undefined ? undefined : { fraction: structured, each: false };
  const own = (fraction: number | undefined): Amount | undefined =>
    fraction === undefined ? shared : { fraction, each: true };
  if (heads === undefined || headDim === undefined) {
    const amounts = { heads: own(heads), 'head-dim': own(headDim), channels: shared };
    return [{ prefer: headDim === undefined ? 'heads' : 'head-dim', amounts, layers }];
  }
  return [
    { prefer: 'heads', amounts: { heads: own(heads), 'head-dim': LATER, channels: shared }, layers },
    {
      prefer: 'head-dim',
      amounts: { heads: undefined, 'head-dim': own(headDim), channels: undefined },
      // Amounts were met by the pass before; what is excluded stays so.
      layers: layers.map(({ match, criterion, exclude }) => ({ match, criterion, exclude })),
      again: true,
    },
  ];
}

/**
 * The options of one round of several: amounts that leave, up to and with this round, so much that every round takes the same part of
 * what there is.
 * @param round from 1; in the last the amounts are those of the options
 */
export function shareOfRound(options: SettledOptions, round: number): SettledOptions {
  const { rounds, structured, heads, headDim, layers } = options;
  if (round >= rounds) return options;
  const part = <T extends number | undefined>(amount: T): T | number =>
    amount === undefined ? amount : 1 - (1 - amount) ** (round / rounds);
  return {
    ...options,
    structured: part(structured),
    heads: part(heads),
    headDim: part(headDim),
    layers: layers.map((layer) => ({ ...layer, amount: part(layer.amount) })),
  };
}

/** The reports of passes as one, with everything in the numbering before the first of them. */
export function joinReports(first: PruneChannelsReport, second: PruneChannelsReport): PruneChannelsReport {
  const later = second.groups.map((group) => ({
    ...group,
    kept: group.kept.map((index) => originalIndex(first.axes, group.weight, index)),
  }));
  const again = (group: GroupReport): GroupReport | undefined => later.find((each) => isSame(group, each));
  return {
    ...first,
    removedChannels: first.removedChannels + second.removedChannels,
    groups: [
      ...first.groups.map((group) => {
        const now = again(group);
        if (now === undefined) return group;
        return { ...now, name: group.name, before: group.before, cuts: joinCuts(group.cuts, now.cuts) };
      }),
      ...later.filter((group) => !first.groups.some((each) => isSame(each, group))),
    ],
    axes: composeAxes(first.axes, second.axes),
  };
}

/** Whether a group of a later pass is what an earlier one left of a group: the same part of the same channels. */
function isSame(earlier: GroupReport, later: GroupReport): boolean {
  const { weight, part, kept } = earlier;
  const [one] = later.kept;
  return (
    weight.initializer === later.weight.initializer &&
    weight.axis === later.weight.axis &&
    part === later.part &&
    one !== undefined &&
    kept.includes(one)
  );
}

function joinCuts(first: GroupReport['cuts'], second: GroupReport['cuts']): GroupReport['cuts'] {
  return second.map((cut) => {
    const before = first.find(({ initializer, axis }) => initializer === cut.initializer && axis === cut.axis)?.before;
    return { ...cut, before: before ?? cut.before };
  });
}
