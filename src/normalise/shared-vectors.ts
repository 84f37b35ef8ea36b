import { bitsOf, holdsWeights } from '../ir/data-type.ts';
import type { Graph } from '../ir/graph.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { Value } from '../ir/value.ts';

/**
 * Whether an initializer holds one number per channel: a bias (int32 where it is quantized), a scale, a zero point, a
 * slope.
 */
export function isVector({ dims, type }: Tensor): boolean {
  return (holdsWeights(type) || type === 'int32') && dims.filter((dim) => dim > 1).length === 1;
}

/**
 * Gives every reader of a shared vector a copy of its own. Exporters store equal initializers once, so the zero biases of
 * all layers come as one: that would tie the channels of all of them together, though no one meant it. Weights of two
 * axes and more stay shared, since tying those is a decision of the model.
 */
export function untieVectors(graph: Graph): boolean {
  let changed = false;
  for (const value of [...graph.initializers]) {
    const { tensor } = value;
    if (tensor === undefined || !isVector(tensor)) continue;
    for (const reader of [...value.uses].slice(1)) {
      reader.inputs.forEach((input, index) => {
        if (input === value) reader.graph.setInput(reader, index, graph.addInitializer(value.name, tensor));
      });
      changed = true;
    }
  }
  return changed;
}

/** Tensors that are equal to others, and were or would have been stored besides them. */
export interface StoredTwice {
  /** Tensors that went. */
  readonly tensors: number;
  readonly bytes: number;
}

/**
 * Stores equal initializers once: copies that nothing has set apart since they were untied, and, unless `copiesOnly`, tensors that
 * the file had several times.
 * @returns what went besides such copies
 */
export function storeOnce(graph: Graph, copiesOnly = false): StoredTwice {
  const firsts = new Map<string, Value[]>();
  const stored = { tensors: 0, bytes: 0 };
  for (const value of [...graph.initializers]) {
    const { tensor } = value;
    if (tensor === undefined || graph.isOutput(value) || isOverridable(graph, value)) continue;
    const key = keyOf(tensor);
    const known = firsts.get(key) ?? [];
    firsts.set(key, known);
    const first = known.find((each) => each.tensor === tensor || (!copiesOnly && isEqual(each.tensor, tensor)));
    if (first === undefined) {
      known.push(value);
      continue;
    }
    if (first.tensor !== tensor) {
      stored.tensors++;
      stored.bytes += tensor.byteLength;
    }
    graph.replaceUses(value, first);
    graph.removeInitializer(value);
  }
  return stored;
}

/** Whether a caller may feed other numbers: an initializer that is an input too, which up to IR 3 all had to be. */
function isOverridable(graph: Graph, value: Value): boolean {
  return !graph.scope.initializersAreInputs && graph.inputs.includes(value);
}

/** Bytes from the beginning and the end that tell most tensors apart. */
const PROBE = 64;

function keyOf(tensor: Tensor): string {
  const shape = `${tensor.type} ${tensor.dims.join(' ')}`;
  if (tensor.isStored || bitsOf(tensor.type) === 0) return shape;
  const bytes = tensor.raw();
  const text = (from: number): string => Buffer.from(bytes.subarray(from, from + PROBE)).toString('latin1');
  return `${shape} ${text(0)} ${text(Math.max(0, bytes.length - PROBE))}`;
}

/** Data in other files are left alone, since comparing would read them all. */
function isEqual(a: Tensor | undefined, b: Tensor): boolean {
  if (a === undefined || a.isStored || b.isStored || bitsOf(b.type) === 0) return false;
  return Buffer.compare(a.raw(), b.raw()) === 0;
}
