import { holdsWeights } from './ir/data-type.ts';
import type { Graph } from './ir/graph.ts';
import { initializersIn, labelOf, type Node, nodesIn, readsOf, subgraphsOf } from './ir/node.ts';
import { nonZerosOf } from './ir/non-zeros.ts';
import type { Value } from './ir/value.ts';
import { macsOfNode } from './ops/macs.ts';
import { ruleOf } from './ops/rules.ts';
import { declaredSymbols, printableDims } from './printable-dims.ts';
import type { NodeFigures } from './report/outline.ts';

/** What stands for an input of a graph in place of an operator. */
export const INPUT = 'Input';

/** The same for an output. */
export const OUTPUT = 'Output';

/** A node of a graph, or one of its ends. */
export type Element = { readonly node: Node } | { readonly end: typeof INPUT | typeof OUTPUT; readonly value: Value };

/** The name of a node, and that with its first output's, which tells nodes of one name apart. */
export interface Keys {
  readonly name: string;
  readonly whole: string;
}

/** The inputs that a caller gives, and the outputs. */
export function endsOf(graph: Graph): { readonly inputs: readonly Value[]; readonly outputs: readonly Value[] } {
  return { inputs: graph.inputs.filter(({ tensor }) => tensor === undefined), outputs: graph.outputs };
}

/** A node and those in its bodies. */
export function nodesWith(node: Node): readonly Node[] {
  return [node, ...subgraphsOf(node).flatMap(nodesIn)];
}

/** Tells the nodes of a graph that read constants alone; to be asked in executable order. */
export function constantsOf(graph: Graph): (node: Node) => boolean {
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

/** A node to be found. */
export interface Wanted {
  readonly keys: Keys;
  /** Whether it does not multiply, so that channels go through it as they come. */
  readonly handsOn: boolean;
}

/** What nodes of a graph are made of. */
export interface Figures {
  of(element: Element): NodeFigures;
  /**
   * Where a node multiplied and now only ends what new nodes multiply (integers, and then real numbers again), all are taken together.
   * @param known the names of the nodes that there were
   */
  find(wanted: Wanted, known: ReadonlySet<string>): NodeFigures | undefined;
}

/**
 * Counts what the nodes of a graph are made of.
 * @throws OnnxPruneError as `Tensor.raw` does
 */
export function figuresIn(graph: Graph): Figures {
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
    if (handsOn || 'end' in element || own.macs !== null) return own;
    return newBefore(element.node, known).reduce((sum, node) => together(sum, of({ node })), own);
  };
  return { of, find };
}

/** The nodes in front of a node that are not known, and those in front of these. */
function newBefore(last: Node, known: ReadonlySet<string>): Node[] {
  const found = new Set<Node>();
  const open = [last];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const { producer } of readsOf(node)) {
      if (producer === undefined || known.has(labelOf(producer)) || found.has(producer)) continue;
      found.add(producer);
      open.push(producer);
    }
  }
  return [...found];
}

function together(last: NodeFigures, first: NodeFigures): NodeFigures {
  return {
    ...last,
    parameters: first.parameters + last.parameters,
    nonZeros: first.nonZeros + last.nonZeros,
    macs: first.macs === null ? last.macs : first.macs + (last.macs ?? 0),
  };
}

/** What finds a node, or an end, in another graph. */
export function keysOf(element: Element): Keys {
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
