import { present } from '../errors.ts';
import type { Graph } from '../ir/graph.ts';
import { graphsIn, type Node, nodesInOrder } from '../ir/node.ts';
import { importOperatorSet } from '../ir/operator-sets.ts';
import type { Value } from '../ir/value.ts';
import type { RoundedForm, RoundedMatrix, WeightMatrix } from '../ops/rounded-form.ts';
import { SharedValues } from '../ops/shared-values.ts';
import { whyNotFinite } from './finite.ts';

/** A node that can be written with its constants rounded. */
export interface RoundedSite {
  readonly node: Node;
  /** What is rounded; of nodes that read the same constant in the same way the same object. */
  readonly weights: readonly WeightMatrix[];
  readonly form: RoundedForm;
}

/** A node that multiplies a constant and stays as it is, and why: a phrase that ends the sentence "stays in float because …". */
export interface FloatNode {
  readonly node: Node;
  readonly reason: string;
}

/** What can be rounded in a graph and the graphs inside it, in executable order, and what cannot. */
export interface RoundedSites {
  readonly sites: readonly RoundedSite[];
  readonly kept: readonly FloatNode[];
}

/** How a node can be written; why not; or undefined where there is nothing to round. */
export type FormOf = (node: Node) => RoundedForm | string | undefined;

/** The nodes of a graph that can be written in a form. */
export function sitesOf(graph: Graph, formOf: FormOf): RoundedSites {
  const sites: RoundedSite[] = [];
  const kept: FloatNode[] = [];
  const inputs = new Set<Value>(
    graph.scope.initializersAreInputs ? [] : graphsIn(graph).flatMap((each) => each.inputs),
  );
  const known = new KnownMatrices();
  const opset = graph.scope.opsets.get('') ?? 1;
  for (const node of nodesInOrder(graph)) {
    const form = formOf(node);
    if (form === undefined) continue;
    const reason = typeof form === 'string' ? form : whyNotHere(form, opset, inputs);
    if (reason !== undefined) kept.push({ node, reason });
    else if (typeof form === 'object') sites.push({ node, weights: form.weights.map((each) => known.of(each)), form });
  }
  return { sites, kept };
}

function whyNotHere({ since, weights }: RoundedForm, opset: number, inputs: ReadonlySet<Value>): string | undefined {
  if (opset < since) return `operator set ${opset} of the model is older than ${since}, which it needs`;
  if (weights.some(({ weight }) => inputs.has(weight)))
    return 'its weights are a graph input, which may be given others';
  for (const { weight } of weights) {
    const reason = whyNotFinite(weight);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** One object for each constant and way to read it. */
class KnownMatrices {
  readonly #matrices = new Map<Value, WeightMatrix[]>();

  of(matrix: WeightMatrix): WeightMatrix {
    const same = this.#matrices.get(matrix.weight) ?? [];
    this.#matrices.set(matrix.weight, same);
    const known = same.find(({ rows, rowStep }) => rows === matrix.rows && rowStep === matrix.rowStep);
    if (known === undefined) same.push(matrix);
    return known ?? matrix;
  }
}

/** Gives the elements of a matrix, row-major [rows, columns], of the rows from one up to another; its tensor is read once. */
export function weightReader({
  weight,
  columns,
  rowStep,
  columnStep,
}: WeightMatrix): (first: number, end: number) => Float64Array {
  const data = present(weight.tensor, `the data of "${weight.name}"`).floats();
  return (first, end) => {
    const elements = new Float64Array((end - first) * columns);
    for (let row = first, to = 0; row < end; row++) {
      for (let column = 0, from = row * rowStep; column < columns; column++, from += columnStep)
        elements[to++] = data[from] as number;
    }
    return elements;
  };
}

/**
 * Writes nodes in their forms, imports the operator sets that these need, and removes the constants that nobody reads any more.
 * Values keep their names. Constants and rounded data that several nodes need are made once where the runtime allows.
 * @param graph the graph that the sites were found in
 * @param roundedOf what the weights of the sites are rounded to; called again for weights that several sites have
 * @param onDone hears of every site once it is written
 */
export function applySites(
  graph: Graph,
  sites: readonly RoundedSite[],
  roundedOf: (weight: WeightMatrix) => RoundedMatrix,
  onDone: (site: RoundedSite) => void = () => undefined,
): void {
  const shared = new SharedValues();
  const read = new Set<Value>();
  for (const site of sites) {
    const { node, weights, form } = site;
    for (const value of node.inputs) if (value !== undefined) read.add(value);
    if (form.imports !== undefined) importOperatorSet(graph, form.imports.domain, form.imports.version);
    form.apply(node.graph, weights.map(roundedOf), shared);
    onDone(site);
  }
  removeUnread(graph, read);
}

/** Removes those of some values that nobody reads any more: constants, and what nodes make of constants. */
function removeUnread(graph: Graph, values: ReadonlySet<Value>): void {
  const graphs = graphsIn(graph);
  const isUnread = (value: Value): boolean => value.uses.size === 0 && !graphs.some((each) => each.isOutput(value));
  const constants = new Set<Value>();
  for (const value of values) {
    const { producer } = value;
    const sources = producer?.inputs ?? [value];
    if (!sources.every((source) => source?.tensor !== undefined)) continue;
    if (producer?.outputs.every((made) => made === undefined || isUnread(made))) producer.graph.removeNode(producer);
    for (const source of sources) if (source !== undefined) constants.add(source);
  }
  for (const value of constants) if (isUnread(value)) graphs.find((each) => each.owns(value))?.removeInitializer(value);
}
