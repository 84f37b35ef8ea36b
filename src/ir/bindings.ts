import { int, ints } from './attributes.ts';
import { type Node, subgraphsOf } from './node.ts';
import type { Dim, TensorType, Value } from './value.ts';

/** A tensor that a node hands into its body, out of it, or from one turn of it to the next. */
export interface Binding {
  /** `in`: the node's input becomes the body's; `out`: the body's output becomes the node's; `next`: the body's output becomes its input. */
  readonly way: 'in' | 'out' | 'next';
  readonly from: Value;
  readonly to: Value;
  /** The axis of the outer tensor along which the turns go, of which each has one position; absent where the tensor passes whole. */
  readonly turns?: number;
}

/**
 * How the tensors of a node correspond to those of its bodies; undefined for operators whose way with bodies is not known.
 * Source: ONNX operators If, Loop and Scan (Scan since opset 9; before, it had a batch axis).
 */
export function bindingsOf(node: Node): readonly Binding[] | undefined {
  const bodies = subgraphsOf(node);
  const [body] = bodies;
  if (node.domain !== '' || body === undefined) return undefined;
  if (node.opType === 'If') {
    return bodies.flatMap((branch) => branch.outputs.flatMap((from, i) => bind('out', from, node.outputs[i])));
  }
  if (node.opType === 'Loop') {
    // Inputs: trip count, condition, carried …; the body's: iteration, condition, carried …; its outputs: condition, carried …, scanned ….
    const carried = body.inputs.length - 2;
    return [
      ...carriedBindings(node, node.inputs.slice(2), body.inputs.slice(2), body.outputs.slice(1), carried),
      ...body.outputs.slice(1 + carried).flatMap((from, i) => bind('out', from, node.outputs[carried + i], 0)),
    ];
  }
  if (node.opType === 'Scan' && node.opset >= 9) {
    const scanned = int(node, 'num_scan_inputs', 0);
    const states = body.inputs.length - scanned;
    const axesIn = ints(node, 'scan_input_axes') ?? [];
    const axesOut = ints(node, 'scan_output_axes') ?? [];
    return [
      ...carriedBindings(node, node.inputs, body.inputs, body.outputs, states),
      ...body.inputs.slice(states).flatMap((to, i) => {
        const outer = node.inputs[states + i];
        return outer === undefined ? [] : bind('in', outer, to, fromFront(axesIn[i] ?? 0, outer, 0));
      }),
      ...body.outputs
        .slice(states)
        .flatMap((from, i) => bind('out', from, node.outputs[states + i], fromFront(axesOut[i] ?? 0, from, 1))),
    ];
  }
  return undefined;
}

/** Values that start outside, go from turn to turn, and come out in the end. */
function carriedBindings(
  node: Node,
  starts: readonly (Value | undefined)[],
  inputs: readonly Value[],
  outputs: readonly Value[],
  count: number,
): Binding[] {
  return Array.from({ length: count }, (_, i) => {
    const [start, input, output] = [starts[i], inputs[i], outputs[i]];
    return [
      ...(start === undefined ? [] : bind('in', start, input)),
      ...(output === undefined ? [] : [...bind('next', output, input), ...bind('out', output, node.outputs[i])]),
    ];
  }).flat();
}

function bind(way: Binding['way'], from: Value, to: Value | undefined, turns?: number): Binding[] {
  if (to === undefined) return [];
  return [{ way, from, to, ...(turns !== undefined && { turns }) }];
}

/** Counts an axis from the front; `added` is 1 where the tensor that the axis is meant for has one axis more. */
function fromFront(axis: number, value: Value, added: number): number {
  return axis < 0 ? axis + (value.tensor?.dims ?? value.type?.dims ?? []).length + added : axis;
}

/** The axis of the inner tensor that an axis of the outer one is, -1 for the one along which the turns go. */
export function innerDim({ turns }: Binding, outer: number): number {
  if (turns === undefined || outer < turns) return outer;
  return outer === turns ? -1 : outer - 1;
}

/** The type of a tensor on the other side of a binding, as far as it follows. */
export function boundType({ way, turns }: Binding, { type, dims }: TensorType): TensorType {
  if (dims === undefined || turns === undefined) return dims === undefined ? { type } : { type, dims };
  const others: Dim[] = [...dims];
  if (way === 'in') others.splice(turns, 1);
  else others.splice(turns, 0, undefined);
  return { type, dims: others };
}
