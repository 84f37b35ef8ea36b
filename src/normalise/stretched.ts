import { append } from '../ir/append.ts';
import { tensor as tensorAttribute } from '../ir/attributes.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { elementsOf, withElements } from '../ir/partial-list.ts';
import { sizeOf, Tensor } from '../ir/tensor.ts';
import { type Dim, dimsOf, type Value } from '../ir/value.ts';

/** Elements that the constant behind a ConstantOfShape may have once it is written out. */
const LARGEST = 1 << 20;

/**
 * Takes known lengths out of shapes that are computed at run time, so that nothing has to be recomputed when an axis
 * shrinks: an Expand asks for 1 (keep what the data have) wherever the data have the length already, the sizes of a Resize that are known are
 * constants, and a ConstantOfShape becomes an Expand of a constant that has the known lengths. Typical: the initial states that exporters
 * make for recurrent layers, [layers, batch, hidden] with only the batch open.
 */
export function freeKnownLengths(graph: Graph): boolean {
  let changed = false;
  for (const node of graph.sorted()) {
    if (node.opType === 'Resize' && node.domain === '') changed = fixSizes(graph, node) || changed;
    const shape = node.opType === 'ConstantOfShape' ? node.inputs[0] : node.inputs[1];
    if (node.domain !== '' || shape === undefined || shape.tensor !== undefined) continue;
    if (node.opType === 'ConstantOfShape') changed = toExpand(graph, node, shape) || changed;
    else if (node.opType === 'Expand') changed = openTarget(graph, node, shape) || changed;
  }
  return changed;
}

function toExpand(graph: Graph, node: Node, shape: Value): boolean {
  const output = node.outputs[0];
  const dims = output && dimsOf(output);
  if (output === undefined || dims === undefined || graph.isOutput(output) || !dims.some(isLong)) return false;
  const known = dims.map((dim) => (typeof dim === 'number' ? dim : 1));
  const filler = tensorAttribute(node, 'value') ?? Tensor.ofFloats(new Float32Array(1));
  if (sizeOf(known) > LARGEST || filler.size !== 1) return false;
  const element = filler.raw();
  const bytes = new Uint8Array(sizeOf(known) * element.byteLength);
  for (let at = 0; at < bytes.byteLength; at += element.byteLength) bytes.set(element, at);
  const constant = graph.addInitializer(`${output.name}_constant`, Tensor.of(filler.type, known, bytes));
  const target = withElements(
    graph,
    shape,
    dims.map((dim) => (typeof dim === 'number' ? 1 : undefined)),
  );
  const expanded = append(graph, `${output.name}_expanded`, { opType: 'Expand', inputs: [constant, target] });
  graph.setType(expanded, output.type);
  graph.replaceUses(output, expanded);
  return true;
}

function openTarget(graph: Graph, node: Node, shape: Value): boolean {
  const [data, out] = [node.inputs[0], node.outputs[0]];
  const [before, after] = [data && dimsOf(data), out && dimsOf(out)];
  const length = dimsOf(shape)?.[0];
  if (before === undefined || after === undefined || typeof length !== 'number') return false;
  const present = elementsOf(shape);
  const wanted = Array.from({ length }, (_, i) => {
    const [own, asked] = [before[i - length + before.length], after[i - length + after.length]];
    if (isLong(own) && own === asked) return 1;
    return typeof asked === 'number' && asked > 0 ? asked : undefined;
  });
  // Lengths that the data have already ask for nothing; those that they are stretched to are numbers.
  if (wanted.every((element, i) => element === undefined || element === present?.[i])) return false;
  graph.setInput(node, 1, withElements(graph, shape, wanted));
  return true;
}

/** Makes the sizes that are known constants of a Resize that computes others: `(N, C, h, w)` of which h and w follow another tensor. */
function fixSizes(graph: Graph, node: Node): boolean {
  const [sizes, output] = [node.inputs[3], node.outputs[0]];
  const after = output && dimsOf(output);
  if (sizes === undefined || sizes.tensor !== undefined || after === undefined || node.attributes.has('axes'))
    return false;
  const present = elementsOf(sizes);
  const wanted = after.map((dim) => (typeof dim === 'number' && dim > 0 ? dim : undefined));
  if (wanted.every((element, i) => element === undefined || element === present?.[i])) return false;
  graph.setInput(node, 3, withElements(graph, sizes, wanted));
  return true;
}

function isLong(dim: Dim): boolean {
  return typeof dim === 'number' && dim > 1;
}
