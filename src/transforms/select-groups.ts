import type { ProductPart } from '../channels/choose.ts';
import type { ChannelMap, Group } from '../channels/group.ts';
import type { CriterionName, RankedBy } from '../criteria/criteria.ts';
import type { Graph } from '../ir/graph.ts';
import { initializersIn, nodesIn } from '../ir/node.ts';
import { type NamePattern, namePattern } from './name-patterns.ts';

/** What is wanted of the layers that a pattern matches. */
export interface LayerRule {
  /** Globs or names of groups, of the weights that make their channels, or of the nodes that apply those. */
  readonly match: readonly string[];
  /** Fraction of each such group to remove. */
  readonly amount?: number | undefined;
  readonly criterion?: CriterionName | undefined;
  /** Keeps them whole. */
  readonly exclude?: boolean | undefined;
}

/** Stands for the amount of groups that a pass after this one sees to. */
export const LATER = 'later';

/**
 * How much of a group leaves, by what its units are: heads, dimensions inside heads, or channels of any other kind.
 */
export type Amounts = Readonly<Record<ProductPart | 'channels', Amount | typeof LATER | undefined>>;

/** A fraction to remove, and whether it holds for each such group rather than for all groups together. */
export interface Amount {
  readonly fraction: number;
  readonly each: boolean;
}

/** Which groups may be touched, how much, and how they are ranked. */
export interface Selection {
  readonly amounts: Amounts;
  readonly criterion: RankedBy;
  /** Groups made by a layer that one of these matches stay. */
  readonly exclude: readonly string[];
  /** Where any are given, groups made by no matching layer stay. */
  readonly only: readonly string[];
  /** The last that matches a group decides. */
  readonly layers: readonly LayerRule[];
  /** Patterns may match nothing, since the pass before has seen to that, and what it cut may go by another name now. */
  readonly again?: boolean | undefined;
}

/** A group that may be touched, or why it stays: a reason, or `LATER`. */
export type Selected =
  | { readonly group: Group; readonly keptBy: string }
  | { readonly group: Group; readonly keptBy: undefined; readonly amount: Amount; readonly criterion: RankedBy };

/** The option that gives the amount of groups of a kind. */
const OPTION_OF = { heads: '--heads', 'head-dim': '--head-dim', channels: '--structured' } as const;

/**
 * Applies the user's wishes. A pattern is a glob in which `*` crosses slashes and dots, or a whole name; it speaks of
 * the layer whose own width is meant, so the layers that read its channels are not named by it.
 * @throws OnnxPruneError `bad-option` for a pattern that matches no group, node or initializer of the graph
 */
export function selectGroups(map: ChannelMap, graph: Graph, selection: Selection): Selected[] {
  const names = namesIn(map, graph);
  const matchers = (option: string, patterns: readonly string[]): NamePattern[] =>
    patterns.map((pattern) => namePattern(option, pattern, names, selection.again));
  const excluded = matchers('--exclude', selection.exclude);
  const chosen = matchers('--only', selection.only);
  const layers = selection.layers.map((layer) => ({ layer, matchers: matchers('The recipe’s "match"', layer.match) }));
  return map.groups.map((group): Selected => {
    const makers = makersOf(group);
    const hit = (each: NamePattern): boolean => makers.some(each.matches);
    const veto = excluded.find(hit);
    if (veto !== undefined) return { group, keptBy: `--exclude "${veto.pattern}"` };
    if (chosen.length > 0 && !chosen.some(hit)) return { group, keptBy: 'no --only pattern matches it' };
    const rules = layers.filter((each) => each.matchers.some(hit)).map(({ layer }) => layer);
    if (rules.findLast((rule) => rule.exclude !== undefined)?.exclude === true)
      return { group, keptBy: 'the recipe excludes it' };
    const own = rules.findLast((rule) => rule.amount !== undefined)?.amount;
    const amount = own === undefined ? selection.amounts[group.part ?? 'channels'] : { fraction: own, each: true };
    if (amount === LATER) return { group, keptBy: LATER };
    if (amount === undefined)
      return { group, keptBy: `no amount was given for it (${OPTION_OF[group.part ?? 'channels']} gives one)` };
    const criterion = rules.findLast((rule) => rule.criterion !== undefined)?.criterion ?? selection.criterion;
    return { group, keptBy: undefined, amount, criterion };
  });
}

/** Names of a group: its own, those of the weights that make its channels, and those of the nodes that apply them. */
function makersOf(group: Group): string[] {
  const makers = group.members.filter((member) => member.role === 'out');
  const named = makers.length > 0 ? makers : group.members;
  return [group.name, ...named.flatMap(({ axis, node }) => [axis.value.name, node.name])];
}

function namesIn(map: ChannelMap, graph: Graph): string[] {
  return [
    ...nodesIn(graph).map(({ name }) => name),
    ...initializersIn(graph).map(({ name }) => name),
    ...map.groups.map(({ name }) => name),
  ];
}
