import { extractModel } from './extract.ts';
import type { Model } from './model.ts';
import { type Node, readsOf } from './node.ts';
import type { Tensor } from './tensor.ts';
import type { Value } from './value.ts';

/**
 * A model in parts that give, run one after the other, what it gives: each reads graph inputs and what parts before it gave,
 * by name, and gives what parts behind it read, and graph outputs. Weights are shared.
 *
 * @param mostBytes of weights in a part, where no single node reads more
 * @param canCross whether a value may be handed on from part to part; graph outputs are handed out in any case
 * @returns the parts in their order; a single one where none can be cut
 */
export function segmentModel(model: Model, mostBytes: number, canCross: (value: Value) => boolean): Model[] {
  const { graph } = model;
  const nodes = graph.sorted();
  const lastRead = new Map<Value, number>();
  nodes.forEach((node, index) => {
    for (const value of readsOf(node)) lastRead.set(value, index);
  });
  const outputs = new Set(graph.outputs);
  const parts: Model[] = [];
  const given = new Set<Value>(graph.inputs.filter(({ tensor }) => tensor === undefined));
  /** Values that nodes so far made and nodes behind read, and those of them that cannot be handed on. */
  const open = new Set<Value>();
  let stuck = 0;
  let weights = new Set<Tensor>();
  let bytes = 0;
  let from = 0;
  const close = (end: number): void => {
    const made = nodes.slice(from, end).flatMap((node) => node.outputs.filter((value) => value !== undefined));
    // An output that is a graph input or an initializer comes out of the first part.
    const passed = parts.length === 0 ? graph.outputs.filter(({ producer }) => producer === undefined) : [];
    const wanted = [...made.filter((value) => open.has(value) || outputs.has(value)), ...passed];
    if (wanted.length > 0) parts.push(partOf(model, given, wanted));
    for (const value of made) given.add(value);
    [weights, bytes, from] = [new Set(), 0, end];
  };
  nodes.forEach((node, index) => {
    const own = weightsOf(node);
    const added = (): number => bytesOf(own.filter((tensor) => !weights.has(tensor)));
    if (index > from && bytes + added() > mostBytes && stuck === 0) close(index);
    bytes += added();
    for (const tensor of own) weights.add(tensor);
    for (const value of node.outputs) {
      if (value === undefined || (lastRead.get(value) ?? -1) <= index) continue;
      open.add(value);
      if (!canCross(value)) stuck++;
    }
    for (const value of readsOf(node)) {
      if (lastRead.get(value) !== index || !open.delete(value)) continue;
      if (!canCross(value)) stuck--;
    }
  });
  close(nodes.length);
  return parts;
}

/** The tensors that a node reads, each once. */
function weightsOf(node: Node): Tensor[] {
  return [...new Set([...readsOf(node)].flatMap(({ tensor }) => tensor ?? []))];
}

function bytesOf(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

function partOf(model: Model, given: ReadonlySet<Value>, wanted: readonly Value[]): Model {
  const part = extractModel(model, given, wanted);
  for (const value of wanted) part.model.graph.addOutput(part.twinOf(value));
  return part.model;
}
