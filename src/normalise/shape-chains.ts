import { int, intAttribute, ints } from '../ir/attributes.ts';
import type { Graph } from '../ir/graph.ts';
import { type Node, subgraphsOf } from '../ir/node.ts';
import { elementsOf as elementsOfList, withElements } from '../ir/partial-list.ts';
import { Tensor } from '../ir/tensor.ts';
import { type Dim, dimsOf, elementTypeOf, type Value } from '../ir/value.ts';

/** The elements of a small integer tensor as far as they are known: numbers, or lengths that go by a symbol. */
type Elements = readonly Dim[];

/** Longest tensor that is followed element by element; shapes are short. */
const LONGEST = 64;

/**
 * Settles the arithmetic on shapes that exporters leave in a graph, where lengths are known:
 * - a tensor of lengths whose elements are all numbers becomes a constant;
 * - a Reshape to a computed target that is known but for one dim (the batch) gets a constant target with -1 there; dims
 *   with the symbol of the input's dim at the same place are copied by 0; where more are open, those that are known
 *   become constants among them.
 * Chains that nothing reads any more are dead code.
 *
 * @param known elements of values around the graph, which it may read
 */
export function settleShapes(graph: Graph, known: Map<Value, Elements> = new Map()): boolean {
  let changed = false;
  for (const node of graph.sorted()) {
    for (const body of subgraphsOf(node)) changed = settleShapes(body, known) || changed;
    if (node.domain !== '') continue;
    if (node.opType === 'Reshape') changed = fixTarget(graph, node, known) || changed;
    const output = node.outputs[0];
    const elements = output && elementsOf(node, known);
    if (output === undefined || elements === undefined || elements.length > LONGEST) continue;
    const rank = dimsOf(output)?.length;
    // Elements in a row say nothing of an order along two axes.
    if (rank === undefined || rank > 1) continue;
    if (isStatic(elements) && elementTypeOf(output) === 'int64' && !graph.isOutput(output)) {
      graph.replaceByInitializer(node, Tensor.ofIntegers(elements, rank === 0 ? [] : [elements.length]));
      changed = true;
    } else known.set(output, elements);
  }
  return changed;
}

/** What each operator of shape chains makes of the elements it reads; undefined where that is not understood. */
const FOLLOWED: Readonly<
  Record<string, (node: Node, read: (index: number) => Elements | undefined) => Elements | undefined>
> = {
  // Opset 15: the part [start, end) of the shape, clamped.
  Shape(node) {
    const dims = node.inputs[0] && dimsOf(node.inputs[0]);
    return dims?.slice(int(node, 'start', 0), int(node, 'end', dims.length));
  },
  Gather(node, read) {
    const [data, indices] = [read(0), node.inputs[1]?.tensor];
    if (data === undefined || indices === undefined || indices.dims.length > 1) return undefined;
    return indices.integers().map((index) => data.at(index));
  },
  Slice(node, read) {
    const data = read(0);
    const [start, end, step] = ['starts', 'ends', 'steps'].map(
      (name, i) => ints(node, name)?.[0] ?? node.inputs[[1, 2, 4][i] ?? 1]?.tensor?.integers()[0],
    );
    const stepped = node.inputs[4] !== undefined && step !== 1;
    return start === undefined || end === undefined || stepped ? undefined : data?.slice(start, end);
  },
  Concat(node, read) {
    const parts = node.inputs.map((_, index) => read(index));
    return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
  },
  Unsqueeze: (_, read) => read(0),
  Squeeze: (_, read) => read(0),
  Identity: (_, read) => read(0),
  Cast: (node, read) => (INTEGER_CASTS.has(int(node, 'to', 0)) ? read(0) : undefined),
};

/** TensorProto.DataType of int32 and int64: lengths fit in both; anything fractional leaves the chain. */
const INTEGER_CASTS: ReadonlySet<number> = new Set([6, 7]);

function elementsOf(node: Node, known: ReadonlyMap<Value, Elements>): Elements | undefined {
  if (!Object.hasOwn(FOLLOWED, node.opType)) return undefined;
  return FOLLOWED[node.opType]?.(node, (index) => {
    const value = node.inputs[index];
    if (value?.tensor === undefined) return value && known.get(value);
    const { tensor } = value;
    const isList =
      (tensor.type === 'int64' || tensor.type === 'int32') && tensor.dims.length < 2 && tensor.size <= LONGEST;
    return isList ? tensor.integers() : undefined;
  });
}

function isStatic(dims: Elements): dims is readonly number[] {
  return dims.every((dim) => typeof dim === 'number');
}

function fixTarget(graph: Graph, node: Node, known: ReadonlyMap<Value, Elements>): boolean {
  const [data, target, out] = node.inputs.concat(node.outputs[0]);
  if (data === undefined || target === undefined || out === undefined || target.tensor !== undefined) return false;
  const before = dimsOf(data);
  const wished = known.get(target);
  const after = dimsOf(out)?.map((dim, i) => dim ?? positive(wished?.[i])) ?? wished?.map(positive);
  // A dim of 0 would be read as "copy", and -1 cannot be found when another is 0.
  if (after === undefined || after.includes(0)) return false;
  let open = 0;
  const lengths = after.map((dim, i) => {
    if (typeof dim === 'number') return dim;
    if (dim !== undefined && dim === before?.[i]) return 0;
    open++;
    return -1;
  });
  if (open > 1) return fixKnown(graph, node, target, after);
  graph.setInput(node, 1, graph.addInitializer(`${target.name}_fixed`, Tensor.ofIntegers(lengths)));
  if (int(node, 'allowzero', 0) !== 0) graph.setAttribute(node, intAttribute('allowzero', 0));
  return true;
}

/** Makes the lengths that are known constants of a target that is computed otherwise. */
function fixKnown(graph: Graph, node: Node, target: Value, after: readonly Dim[]): boolean {
  const present = elementsOfList(target);
  const wanted = after.map((dim) => (typeof dim === 'number' ? dim : undefined));
  if (wanted.every((dim, i) => dim === undefined || present?.[i] !== undefined)) return false;
  graph.setInput(node, 1, withElements(graph, target, wanted));
  return true;
}

/** A wished length, unless it is one of Reshape's wildcards 0 and -1. */
function positive(dim: Dim): Dim {
  return typeof dim === 'number' && dim <= 0 ? undefined : dim;
}
