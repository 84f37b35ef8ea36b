import {
  type AttributeProto,
  AttributeType,
  copyMessage,
  DataType,
  type GraphProto,
  type NodeProto,
  type TensorProto,
} from '../../../src/onnx/messages.ts';

/** A node of one line. */
export function nodeOf(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attribute: readonly AttributeProto[] = [],
): NodeProto {
  return { opType, name: `${opType}_${output[0]}`, input: [...input], output: [...output], attribute: [...attribute] };
}

/** A whole number as an attribute. */
export const int = (name: string, i: number): AttributeProto => ({ name, i, type: AttributeType.INT });

/** Whole numbers as an attribute. */
export const ints = (name: string, list: readonly number[]): AttributeProto => ({
  name,
  ints: [...list],
  type: AttributeType.INTS,
});

/** A tensor as an attribute. */
export const tensor = (name: string, t: TensorProto): AttributeProto => ({ name, t, type: AttributeType.TENSOR });

/** A graph as an attribute. */
export const body = (name: string, g: GraphProto): AttributeProto => ({ name, g, type: AttributeType.GRAPH });

/** Whole numbers as an initializer: a vector, or a scalar for a single number. */
export function integers(name: string, numbers: readonly number[] | number): TensorProto {
  const list = typeof numbers === 'number' ? [numbers] : [...numbers];
  return { name, dataType: DataType.INT64, dims: typeof numbers === 'number' ? [] : [list.length], int64Data: list };
}

/** A float32 scalar as an initializer. */
export function scalar(name: string, value: number): TensorProto {
  return { name, dataType: DataType.FLOAT, dims: [], floatData: [value] };
}

/** Adds an initializer to a graph, and gives its name. */
export function addInitializer(graph: GraphProto, made: TensorProto): string {
  graph.initializer = append(graph.initializer, made);
  return made.name ?? '';
}

/** A copy of a node whose lists can be changed; attributes are shared. */
export function copyNode(node: NodeProto): NodeProto {
  const copy = copyMessage(node);
  copy.input = [...(node.input ?? [])];
  copy.output = [...(node.output ?? [])];
  copy.attribute = [...(node.attribute ?? [])];
  return copy;
}

/** A list with further items at its end; a new one where there was none. */
export function append<T>(list: T[] | undefined, ...items: readonly T[]): T[] {
  const all = list ?? [];
  all.push(...items);
  return all;
}
