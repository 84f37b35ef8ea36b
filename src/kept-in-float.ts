import { labelOf, type Node } from './ir/node.ts';
import { type NamePattern, namePattern } from './transforms/name-patterns.ts';
import type { LayerRule } from './transforms/select-groups.ts';

/** Layers that stay as they are, by name. */
export interface KeptLayers {
  readonly exclude: readonly string[];
  /** Of a recipe; the last entry that matches a layer and says so decides. */
  readonly layers: readonly Pick<LayerRule, 'match' | 'exclude'>[];
  /** Whether a step before has seen to patterns that match nothing; what they match may have left since. */
  readonly again: boolean;
}

/**
 * Why nodes stay in float that somebody wants to.
 * @param float patterns of `--float`
 * @param nodes of the model as it is now, among which patterns have to match one
 * @returns for a node, what ends the sentence "… stays in float because …"; undefined where nobody wants that
 * @throws OnnxPruneError `bad-option` for a pattern that matches nothing
 */
export function keptInFloat(
  float: readonly string[],
  { exclude, layers, again }: KeptLayers,
  nodes: readonly Node[],
): (node: Node) => string | undefined {
  const all = nodes.flatMap((node) => namesOf(node));
  const read = (option: string, patterns: readonly string[], mayMiss: boolean): NamePattern[] =>
    patterns.map((pattern) => namePattern(option, pattern, all, mayMiss));
  const wished = [
    // No other step has looked at these.
    ...read('--float', float, false).map((each) => ({ option: '--float', ...each })),
    ...read('--exclude', exclude, again).map((each) => ({ option: '--exclude', ...each })),
  ];
  const rules = layers.map((layer) => ({ ...layer, patterns: read('The recipe’s "match"', layer.match, again) }));
  return (node) => {
    const names = namesOf(node);
    const wish = wished.find(({ matches }) => names.some(matches));
    if (wish !== undefined) return `${wish.option} "${wish.pattern}" says so`;
    const rule = rules.findLast(
      (each) => each.exclude !== undefined && each.patterns.some(({ matches }) => names.some(matches)),
    );
    return rule?.exclude === true ? 'the recipe excludes it' : undefined;
  };
}

/** Names that a pattern may mean a node by: its own, and those of the constants that it reads. */
function namesOf(node: Node): string[] {
  return [
    node.name,
    labelOf(node),
    ...node.inputs.flatMap((value) => (value?.tensor === undefined ? [] : [value.name])),
  ];
}
