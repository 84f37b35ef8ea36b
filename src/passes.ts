import type { SettledOptions } from './options/prune-options.ts';
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

/** The reports of passes as one, with everything in the numbering before the first of them. */
export function joinReports(first: PruneChannelsReport, second: PruneChannelsReport): PruneChannelsReport {
  return {
    ...first,
    removedChannels: first.removedChannels + second.removedChannels,
    groups: [
      ...first.groups,
      ...second.groups.map((group) => ({
        ...group,
        kept: group.kept.map((index) => originalIndex(first.axes, group.weight, index)),
      })),
    ],
    axes: composeAxes(first.axes, second.axes),
  };
}
