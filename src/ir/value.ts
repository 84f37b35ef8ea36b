import type { ValueInfoProto } from '../onnx/messages.ts';
import type { DataType } from './data-type.ts';
import type { Node } from './node.ts';
import type { Tensor } from './tensor.ts';

/** Length of an axis: a number, the name of a symbol, or nothing known. */
export type Dim = number | string | undefined;

/** What is known of a tensor without running the model. `dims` is absent where not even the rank is known. */
export interface TensorType {
  readonly type: DataType;
  readonly dims?: readonly Dim[];
}

/**
 * An edge of the graph: what one node produces and others read. Compared by identity; names are for people and files.
 * Read-only from outside: `Graph` is the only mutator.
 */
export interface Value {
  readonly name: string;
  /** The node that produces it; absent for graph inputs and initializers. */
  readonly producer: Node | undefined;
  /** The data of an initializer. */
  readonly tensor: Tensor | undefined;
  /** The nodes that read it, those inside subgraphs included, in a deterministic order. */
  readonly uses: ReadonlySet<Node>;
  /** Declared or inferred type; absent for values that are not tensors and for those nobody knows. */
  readonly type: TensorType | undefined;
  /** The declaration as the file holds it. */
  readonly info: ValueInfoProto | undefined;
}

/** One axis of a value. */
export interface Axis {
  readonly value: Value;
  readonly dim: number;
}

/** The dims of a value, symbols and unknowns included; undefined where its rank is unknown. */
export function dimsOf(value: Value): readonly Dim[] | undefined {
  return value.tensor?.dims ?? value.type?.dims;
}

/** The length of an axis where it is a number. */
export function lengthOf(axis: Axis): number | undefined {
  const dim = dimsOf(axis.value)?.[axis.dim];
  return typeof dim === 'number' ? dim : undefined;
}

/** The element type of a value, `'undefined'` where unknown. */
export function elementTypeOf(value: Value): DataType {
  return value.tensor?.type ?? value.type?.type ?? 'undefined';
}
