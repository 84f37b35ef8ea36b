import picomatch from 'picomatch';
import type { ChannelMap, Group } from '../channels/group.ts';
import { OnnxPruneError } from '../errors.ts';
import type { Graph } from '../ir/graph.ts';
import { initializersIn, nodesIn } from '../ir/node.ts';

/** Which groups may be touched, by the names of the nodes or initializers that make their channels. */
export interface Selection {
  /** Groups made by a layer that one of these matches stay. */
  readonly exclude: readonly string[];
  /** Where any are given, groups made by no matching layer stay. */
  readonly only: readonly string[];
}

/** A group that may be touched, or why the user's patterns keep it. */
export interface Selected {
  readonly group: Group;
  readonly keptBy: string | undefined;
}

/**
 * Applies the user's patterns. A pattern is a glob in which `*` crosses slashes and dots, or a whole name; it speaks of
 * the layer whose own width is meant, so the layers that read its channels are not named by it.
 * @throws OnnxPruneError `bad-option` for a pattern that matches no node and no initializer of the graph
 */
export function selectGroups(map: ChannelMap, graph: Graph, { exclude, only }: Selection): Selected[] {
  const excluded = exclude.map((pattern) => matcherOf('--exclude', pattern, graph));
  const chosen = only.map((pattern) => matcherOf('--only', pattern, graph));
  return map.groups.map((group) => {
    const names = makersOf(group);
    const hit = excluded.find(({ matches }) => names.some(matches));
    if (hit !== undefined) return { group, keptBy: `--exclude "${hit.pattern}"` };
    if (chosen.length > 0 && !chosen.some(({ matches }) => names.some(matches)))
      return { group, keptBy: 'no --only pattern matches it' };
    return { group, keptBy: undefined };
  });
}

/** Names of the weights that make a group's channels and of the nodes that apply them. */
function makersOf(group: Group): string[] {
  const makers = group.members.filter((member) => member.role === 'out');
  const named = makers.length > 0 ? makers : group.members;
  return named.flatMap(({ axis, node }) => [axis.value.name, node.name]);
}

function matcherOf(
  option: string,
  pattern: string,
  graph: Graph,
): { pattern: string; matches: (name: string) => boolean } {
  const glob = picomatch(pattern, { bash: true, dot: true, nonegate: true });
  const matches = (name: string): boolean => name === pattern || glob(name);
  const found =
    nodesIn(graph).some((node) => matches(node.name)) || initializersIn(graph).some((value) => matches(value.name));
  if (found) return { pattern, matches };
  throw new OnnxPruneError(
    'bad-option',
    pattern,
    `${option} "${pattern}" matches no node and no initializer of the model; "onnx-prune inspect MODEL" lists the names.`,
  );
}
