import { messageOf, OnnxPruneError } from '../errors.ts';
import type { Graph } from './graph.ts';
import { labelOf, type Node, subgraphsOf } from './node.ts';
import { Tensor } from './tensor.ts';
import type { Value } from './value.ts';

/**
 * Checks what must hold of every graph: each value read is defined, both ends of every edge agree, the nodes have an
 * executable order, and each initializer, and each tensor among the attributes, has as many bytes as its dims need (where the
 * data are in the file itself).
 *
 * @param after the step that ran last; the failure names it
 * @throws OnnxPruneError `internal`, or `bad-model` when nothing ran yet
 */
export function checkGraph(graph: Graph, after?: string): void {
  try {
    checkOne(graph);
  } catch (error) {
    if (after === undefined) throw error;
    throw new OnnxPruneError(
      'internal',
      after,
      `Internal error: the graph is inconsistent after step "${after}": ${messageOf(error)} Please report this with the model.`,
      error,
    );
  }
}

function checkOne(graph: Graph): void {
  const sparse = new Set((graph.proto.sparseInitializer ?? []).map((entry) => entry.values?.name ?? ''));
  const inputs = new Set(graph.inputs);
  for (const node of graph.nodes) {
    for (const input of node.inputs) if (input !== undefined) checkRead(input, node);
    for (const output of node.outputs) {
      if (output !== undefined && (output.producer !== node || !graph.owns(output))) {
        throw broken(output, `is listed as an output of "${labelOf(node)}" but does not point back at it`);
      }
    }
    for (const { proto } of node.attributes.values()) if (proto.t) new Tensor(proto.t).checkSize();
    for (const body of subgraphsOf(node)) checkOne(body);
  }
  for (const output of graph.outputs) {
    if (isGone(output)) throw broken(output, 'is given out but no longer part of the graph');
  }
  const reads = readSets();
  for (const value of graph.values) {
    const defined =
      value.producer !== undefined || value.tensor !== undefined || inputs.has(value) || sparse.has(value.name);
    if (!defined && value.uses.size > 0) throw broken(value, 'is read but defined nowhere');
    if (value.producer !== undefined && value.tensor !== undefined)
      throw broken(value, 'is both produced and constant');
    value.tensor?.checkSize();
    for (const reader of value.uses) {
      if (!reads(reader, value)) throw broken(value, `lists "${labelOf(reader)}" as a reader that does not read it`);
    }
  }
  graph.sorted();
}

/** Whether a node reads a value; a node may have a hundred thousand inputs, each with the node among its readers. */
function readSets(): (node: Node, value: Value) => boolean {
  const sets = new Map<Node, ReadonlySet<Value | undefined>>();
  return (node, value) => {
    if (node.inputs.length <= FEW) return node.inputs.includes(value);
    const known = sets.get(node) ?? new Set(node.inputs);
    sets.set(node, known);
    return known.has(value);
  };
}

/** Inputs that are sooner looked through than put into a set. */
const FEW = 16;

function checkRead(value: Value, node: Node): void {
  if (!value.uses.has(node)) throw broken(value, `is read by "${labelOf(node)}" but does not list it`);
  if (isGone(value)) {
    throw broken(value, `is read by "${labelOf(node)}" but no longer part of the graph`);
  }
}

/** Whether the node that made a value was removed. */
function isGone({ producer }: Value): boolean {
  return producer !== undefined && !producer.graph.nodes.has(producer);
}

function broken(value: Value, what: string): OnnxPruneError {
  return new OnnxPruneError('bad-model', value.name, `Value "${value.name}" ${what}.`);
}
