import { holdsWeights } from './ir/data-type.ts';
import type { Graph } from './ir/graph.ts';
import { initializersIn, labelOf, type Node, readsOf, subgraphsOf } from './ir/node.ts';
import type { Value } from './ir/value.ts';
import { readsLengths } from './normalise/data-dependence.ts';
import { ruleOf } from './ops/rules.ts';
import {
  constantsOf,
  type Element,
  endsOf,
  figuresIn,
  INPUT,
  keysOf,
  nodesWith,
  OUTPUT,
  type Wanted,
} from './outline-figures.ts';
import type { Outline, OutlineNode } from './report/outline.ts';
import type { KeptLayer } from './transforms/describe-groups.ts';
import type { PruneChannelsReport } from './transforms/prune-channels.ts';

/** Nodes beyond which a report would be too large for anybody. */
const MOST_NODES = 10_000;

/** A drawing of a graph as it is before anything leaves. */
export interface OutlineDraft {
  /** The names of all nodes, drawn or not. */
  readonly names: ReadonlySet<string>;
  readonly nodes: readonly DraftNode[];
  readonly edges: readonly (readonly [number, number])[];
}

interface DraftNode extends Pick<OutlineNode, 'name' | 'operator' | 'isLayer' | 'before'>, Wanted {}

/** What is known of channels: the groups that leave together, and the layers that keep theirs. */
export interface OutlineChannels {
  readonly groups: readonly {
    readonly name: string;
    readonly producers: readonly string[];
    readonly channels: number;
  }[];
  readonly kept: readonly KeptLayer[];
}

/** What a pruning knew of channels. */
export function channelsOf({ groups, kept }: PruneChannelsReport): OutlineChannels {
  return { groups: groups.map(({ name, producers, before }) => ({ name, producers, channels: before })), kept };
}

/**
 * Draws a graph small: the nodes that hold weights (constants of one element are none) or multiply, those where ways from different
 * drawn nodes meet, and the inputs and outputs; edges go through all others. What is made of constants alone belongs to what
 * reads it, a weight that several read to the first of them, and bodies to the node that runs them. Lengths that are read off a
 * tensor are no way. Takes time linear in the size of the graph.
 *
 * @returns null where more than 10,000 nodes were to be drawn
 * @throws OnnxPruneError as `Tensor.raw` does
 */
export function outlineBefore(graph: Graph): OutlineDraft | null {
  const { drawn, edges } = drawGraph(graph);
  if (drawn.length > MOST_NODES) return null;
  const figures = figuresIn(graph);
  const nodes = drawn.map(({ element, isLayer, handsOn, ...named }): DraftNode => {
    const before = figures.of(element);
    return { ...named, isLayer, handsOn, keys: keysOf(element), before };
  });
  return { names: new Set([...graph.nodes].map(labelOf)), nodes, edges };
}

/**
 * Completes a drawing by what became of its nodes, which are known again by their names.
 * @param graph the graph as it is now; null where nothing was changed, so that all is after as it was before
 * @throws OnnxPruneError as `Tensor.raw` does
 */
export function outlineAfter(
  draft: OutlineDraft | null,
  graph: Graph | null,
  { groups, kept }: OutlineChannels,
): Outline | null {
  if (draft === null) return null;
  const figures = graph && figuresIn(graph);
  const groupOf = new Map(groups.toReversed().flatMap((group) => group.producers.map((node) => [node, group])));
  const reasonOf = new Map(kept.toReversed().flatMap(({ reason, layers }) => layers.map(({ node }) => [node, reason])));
  const sources: number[][] = draft.nodes.map(() => []);
  for (const [from, to] of draft.edges) sources[to]?.push(from);
  const carried: (OutlineChannels['groups'][number] | undefined)[] = [];
  const nodes = draft.nodes.map(({ keys, handsOn, ...node }, number): OutlineNode => {
    const made = isEnd(node) ? undefined : groupOf.get(node.name);
    const [first, ...others] = (sources[number] ?? []).map((from) => carried[from]);
    const isSame = first !== undefined && others.every((each) => each === first);
    const inherited = handsOn && isSame && node.before.dims.includes(first.channels) ? first : undefined;
    carried[number] = made ?? inherited;
    return {
      ...node,
      group: carried[number]?.name ?? null,
      kept: isEnd(node) || carried[number] !== undefined ? null : (reasonOf.get(node.name) ?? null),
      after: figures === null ? node.before : (figures.find({ keys, handsOn }, draft.names) ?? null),
    };
  });
  return { nodes, edges: draft.edges };
}

function isEnd({ operator, isLayer }: Pick<OutlineNode, 'operator' | 'isLayer'>): boolean {
  return !isLayer && (operator === INPUT || operator === OUTPUT);
}

interface Drawn extends Pick<DraftNode, 'name' | 'operator' | 'isLayer' | 'handsOn'> {
  readonly element: Element;
}

/** The nodes to draw in executable order, between inputs and outputs. Every value comes from one drawn node at most, as nodes where several meet are drawn. */
function drawGraph(graph: Graph): { readonly drawn: readonly Drawn[]; readonly edges: [number, number][] } {
  const drawn: Drawn[] = [];
  const edges: [number, number][] = [];
  const origin = new Map<Value, number>();
  const weights = new Set<Value>();
  const isConstant = constantsOf(graph);
  const draw = (node: Drawn, sources: Iterable<number>): number => {
    for (const source of sources) edges.push([source, drawn.length]);
    return drawn.push(node) - 1;
  };
  const drawEnd = (end: typeof INPUT | typeof OUTPUT, value: Value, sources: Iterable<number>): number =>
    draw({ name: value.name, operator: end, isLayer: false, handsOn: true, element: { end, value } }, sources);
  for (const value of endsOf(graph).inputs) origin.set(value, drawEnd(INPUT, value, []));
  for (const node of graph.sorted()) {
    const reads = [...readsOf(node)];
    const holds = reads.some((value) => isWeight(value) || weights.has(value)) || holdsInside(node);
    if (isConstant(node)) {
      if (holds) for (const output of node.outputs) if (output !== undefined) weights.add(output);
      continue;
    }
    if (readsLengths(node)) continue;
    const sources = new Set(reads.flatMap((value) => origin.get(value) ?? []));
    const multiplies = nodesWith(node).some((each) => ruleOf(each).macs !== undefined);
    const isLayer = holds || multiplies;
    const [only] = sources;
    const number =
      isLayer || sources.size > 1
        ? draw(
            { name: labelOf(node), operator: node.opType, isLayer, handsOn: !multiplies, element: { node } },
            sources,
          )
        : only;
    if (number !== undefined) for (const output of node.outputs) if (output !== undefined) origin.set(output, number);
  }
  for (const value of graph.outputs) {
    const source = origin.get(value);
    drawEnd(OUTPUT, value, source === undefined ? [] : [source]);
  }
  return { drawn, edges };
}

function isWeight({ tensor }: Value): boolean {
  return tensor !== undefined && tensor.size > 1 && holdsWeights(tensor.type);
}

function holdsInside(node: Node): boolean {
  return subgraphsOf(node).some((body) => initializersIn(body).some(isWeight));
}
