import { tensor as tensorAttribute } from '../ir/attributes.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { sizeOf, Tensor } from '../ir/tensor.ts';
import { type Dim, dimsOf, type Value } from '../ir/value.ts';

/** Elements that the constant behind a ConstantOfShape may have once it is written out. */
const LARGEST = 1 << 20;

/**
 * Takes known lengths out of shapes that are computed at run time, so that nothing has to be recomputed when an axis
 * shrinks: an Expand asks for 1 (keep what the data have) wherever the data have the length already, and a
 * ConstantOfShape becomes an Expand of a constant that has the known lengths. Typical: the initial states that exporters
 * make for recurrent layers, [layers, batch, hidden] with only the batch open.
 */
export function freeKnownLengths(graph: Graph): boolean {
  let changed = false;
  for (const node of graph.sorted()) {
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
  const target = withOnes(
    graph,
    shape,
    dims.map((dim) => typeof dim === 'number'),
  );
  const name = graph.uniqueName(`${output.name}_expanded`);
  const expanded = graph.addNode({ opType: 'Expand', name, inputs: [constant, target] }, [name]).outputs[0];
  if (expanded === undefined) return false;
  graph.setType(expanded, output.type);
  graph.replaceUses(output, expanded);
  return true;
}

function openTarget(graph: Graph, node: Node, shape: Value): boolean {
  const [data, out] = [node.inputs[0], node.outputs[0]];
  const [before, after] = [data && dimsOf(data), out && dimsOf(out)];
  const length = dimsOf(shape)?.[0];
  if (before === undefined || after === undefined || typeof length !== 'number') return false;
  const has = Array.from({ length }, (_, i) => {
    const dim = before[i - length + before.length];
    return isLong(dim) && dim === after[i - length + after.length] && !asksForOne(shape, i);
  });
  if (!has.includes(true)) return false;
  graph.setInput(node, 1, withOnes(graph, shape, has));
  return true;
}

/** Whether the shape is one that {@link withOnes} made, with 1 at that place. */
function asksForOne(shape: Value, place: number): boolean {
  const [masked, known] = shape.producer?.opType === 'Add' ? shape.producer.inputs : [];
  const [, open] = masked?.producer?.opType === 'Mul' ? masked.producer.inputs : [];
  return open?.tensor?.integers()[place] === 0 && known?.tensor?.integers()[place] === 1;
}

function isLong(dim: Dim): boolean {
  return typeof dim === 'number' && dim > 1;
}

/** The shape with 1 where the flag is set: shape · (1 − flag) + flag, in integers. */
function withOnes(graph: Graph, shape: Value, flags: readonly boolean[]): Value {
  const constant = (suffix: string, values: readonly number[]): Value =>
    graph.addInitializer(`${shape.name}_${suffix}`, Tensor.ofIntegers(values));
  const step = (opType: string, left: Value, right: Value): Value => {
    const name = graph.uniqueName(`${shape.name}_open`);
    const made = graph.addNode({ opType, name, inputs: [left, right] }, [name]).outputs[0] ?? left;
    graph.setType(made, { type: 'int64', dims: [flags.length] });
    return made;
  };
  const masked = step(
    'Mul',
    shape,
    constant(
      'open_lengths',
      flags.map((flag) => (flag ? 0 : 1)),
    ),
  );
  return step(
    'Add',
    masked,
    constant(
      'known_lengths',
      flags.map((flag) => (flag ? 1 : 0)),
    ),
  );
}
