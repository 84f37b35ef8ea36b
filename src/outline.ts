import { holdsWeights } from './ir/data-type.ts';
import type { Graph } from './ir/graph.ts';
import { initializersIn, labelOf, type Node, nodesIn, readsOf, subgraphsOf } from './ir/node.ts';
import { nonZerosOf } from './ir/non-zeros.ts';
import type { Value } from './ir/value.ts';
import { macsOfNode } from './ops/macs.ts';
import { ruleOf } from './ops/rules.ts';
import { declaredSymbols, printableDims } from './printable-dims.ts';
import type { NodeFigures, Outline, OutlineNode } from './report/outline.ts';
import type { KeptLayer } from './transforms/describe-groups.ts';
import type { PruneChannelsReport } from './transforms/prune-channels.ts';

/** Nodes beyond which a drawing would be of no use to anybody. */
const MOST_NODES = 400;

/** What stands for the ends of a graph in place of an operator. */
const [INPUT, OUTPUT] = ['Input', 'Output'];

/** A drawing of a graph as it is before anything leaves. */
export interface OutlineDraft {
  readonly nodes: readonly DraftNode[];
  readonly edges: readonly (readonly [number, number])[];
}

interface DraftNode extends Pick<OutlineNode, 'name' | 'operator' | 'isLayer' | 'before'> {
  /** What finds it in another graph. */
  readonly keys: Keys;
  /** Whether channels go through it as they come. */
  readonly handsOn: boolean;
}

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

/** The name of a node, and that with its first output's, which tells nodes of one name apart. */
interface Keys {
  readonly name: string;
  readonly whole: string;
}

/**
 * Draws a graph small: the nodes that hold weights (constants of one element are none) or multiply, those where ways from different
 * drawn nodes meet, and the inputs and outputs; edges go through all others. What is made of constants alone belongs to what
 * reads it, a weight that several read to the first of them, and bodies to the node that runs them. Lengths that are read off a
 * tensor are no way. Takes time linear in the size of the graph.
 *
 * @returns null where more than 400 nodes were to be drawn
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
  return { nodes, edges };
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
  const known = new Set(draft.nodes.map(({ name }) => name));
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
      after: figures === null ? node.before : (figures.find({ keys, handsOn }, known) ?? null),
    };
  });
  return { nodes, edges: draft.edges };
}

function isEnd({ operator, isLayer }: Pick<OutlineNode, 'operator' | 'isLayer'>): boolean {
  return !isLayer && (operator === INPUT || operator === OUTPUT);
}

/** A node of a graph, or one of its ends. */
type Element = { readonly node: Node } | { readonly end: typeof INPUT | typeof OUTPUT; readonly value: Value };

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

function endsOf(graph: Graph): { readonly inputs: readonly Value[]; readonly outputs: readonly Value[] } {
  return { inputs: graph.inputs.filter(({ tensor }) => tensor === undefined), outputs: graph.outputs };
}

function isWeight({ tensor }: Value): boolean {
  return tensor !== undefined && tensor.size > 1 && holdsWeights(tensor.type);
}

function holdsInside(node: Node): boolean {
  return subgraphsOf(node).some((body) => initializersIn(body).some(isWeight));
}

/** A node and those in its bodies. */
function nodesWith(node: Node): readonly Node[] {
  return [node, ...subgraphsOf(node).flatMap(nodesIn)];
}

/** Whether a node reads nothing of a tensor but its dims. */
function readsLengths({ domain, opType }: Node): boolean {
  return domain === '' && (opType === 'Shape' || opType === 'Size');
}

/** Tells the nodes of a graph that read constants alone; to be asked in executable order. */
function constantsOf(graph: Graph): (node: Node) => boolean {
  const made = new Set<Value>();
  const outputs = new Set(graph.outputs);
  return (node) => {
    const reads = [...readsOf(node)];
    const isConstant =
      reads.length > 0 &&
      reads.every((value) => value.tensor !== undefined || made.has(value)) &&
      // What leaves the graph has nobody who reads it.
      !node.outputs.some((output) => output !== undefined && outputs.has(output));
    if (isConstant) for (const output of node.outputs) if (output !== undefined) made.add(output);
    return isConstant;
  };
}

type Counts = Pick<NodeFigures, 'parameters' | 'nonZeros'>;

/** The figures of all nodes of a graph. */
interface Figures {
  of(element: Element): NodeFigures;
  /**
   * Where a node multiplied and now only adds its bias to what a new node multiplies, both are taken together.
   * @param known the names of the nodes that were drawn
   */
  find(wanted: Pick<DraftNode, 'keys' | 'handsOn'>, known: ReadonlySet<string>): NodeFigures | undefined;
}

function figuresIn(graph: Graph): Figures {
  const { inputs, outputs } = endsOf(graph);
  const symbols = new Set(graph.inputs.flatMap((value) => [...declaredSymbols(value)]));
  const counts = countsIn(graph);
  const elements: Element[] = [
    ...inputs.map((value) => ({ end: INPUT, value }) as const),
    ...[...counts.keys()].map((node) => ({ node })),
    ...outputs.map((value) => ({ end: OUTPUT, value }) as const),
  ];
  const byName = new Map<string, Element | undefined>();
  const byWhole = new Map<string, Element>();
  for (const element of elements) {
    const { name, whole } = keysOf(element);
    // A name that several bear tells none of them.
    byName.set(name, byName.has(name) ? undefined : element);
    byWhole.set(whole, element);
  }
  const of = (element: Element): NodeFigures =>
    'end' in element
      ? { parameters: 0, nonZeros: 0, macs: null, dims: printableDims(element.value, symbols) }
      : {
          ...(counts.get(element.node) ?? { parameters: 0, nonZeros: 0 }),
          macs: macsWith(element.node),
          dims: printableDims(element.node.outputs[0], symbols),
        };
  const find: Figures['find'] = ({ keys: { name, whole }, handsOn }, known) => {
    const element = byWhole.get(whole) ?? byName.get(name);
    if (element === undefined) return undefined;
    const own = of(element);
    const product = handsOn || 'end' in element || own.macs !== null ? undefined : newProduct(element.node, known);
    return product === undefined ? own : together(own, of({ node: product }));
  };
  return { of, find };
}

/** The node in front that multiplies, where it is none of those that are known. */
function newProduct(node: Node, known: ReadonlySet<string>): Node | undefined {
  const producers = node.inputs.flatMap((input) => input?.producer ?? []);
  return producers.find((each) => ruleOf(each).macs !== undefined && !known.has(labelOf(each)));
}

function together(last: NodeFigures, first: NodeFigures): NodeFigures {
  return {
    ...last,
    parameters: first.parameters + last.parameters,
    nonZeros: first.nonZeros + last.nonZeros,
    macs: first.macs,
  };
}

function keysOf(element: Element): Keys {
  if ('end' in element) {
    const name = JSON.stringify([element.end, element.value.name, 'end']);
    return { name, whole: name };
  }
  const { node } = element;
  const name = labelOf(node);
  return { name: JSON.stringify([name]), whole: JSON.stringify([name, node.outputs[0]?.name ?? '']) };
}

/** Parameters of each node that does not belong to another; those of what is made of constants go to its first reader. */
function countsIn(graph: Graph): Map<Node, Counts> {
  const counted = new Set<Value['tensor']>();
  const handedOn = new Map<Value, Counts>();
  const isConstant = constantsOf(graph);
  const counts = new Map<Node, Counts>();
  for (const node of graph.sorted()) {
    let [parameters, nonZeros] = [0, 0];
    for (const value of [...readsOf(node), ...subgraphsOf(node).flatMap(initializersIn)]) {
      const own = handedOn.get(value);
      handedOn.delete(value);
      parameters += own?.parameters ?? 0;
      nonZeros += own?.nonZeros ?? 0;
      const { tensor } = value;
      if (tensor === undefined || counted.has(tensor) || !holdsWeights(tensor.type)) continue;
      counted.add(tensor);
      parameters += tensor.size;
      nonZeros += nonZerosOf(tensor);
    }
    const output = node.outputs.find((each) => each !== undefined && each.uses.size > 0);
    if (isConstant(node) && output !== undefined) handedOn.set(output, { parameters, nonZeros });
    else counts.set(node, { parameters, nonZeros });
  }
  return counts;
}

/** Multiply-accumulates of a node and its bodies; null where none multiplies or those of one are unknown. */
function macsWith(node: Node): number | null {
  const all = nodesWith(node).filter((each) => ruleOf(each).macs !== undefined);
  let sum = 0;
  for (const each of all) {
    const macs = macsOfNode(each);
    if (macs === undefined) return null;
    sum += macs;
  }
  return all.length === 0 ? null : sum;
}
