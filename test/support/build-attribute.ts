import Long from 'long';
import onnxProto from 'onnx-proto';
import { type TensorInput, tensorProto } from './build-tensor.ts';

const { onnx } = onnxProto;

/** Anything that can be turned into a GraphProto: the builder of a subgraph. */
export interface GraphSource {
  graph(): onnxProto.onnx.GraphProto;
}

/**
 * The value of a node attribute. Plain numbers are integers, since 1 and 1.0 cannot be told apart: write
 * `{ float: 1 }` for a float. An empty list needs its kind too: `{ ints: [] }`.
 */
export type AttributeInput =
  | number
  | bigint
  | string
  | readonly (number | bigint)[]
  | readonly string[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly ints: readonly (number | bigint)[] }
  | { readonly bytes: Uint8Array }
  | { readonly strings: readonly string[] }
  | { readonly tensor: TensorInput }
  | { readonly tensors: readonly TensorInput[] }
  | { readonly graph: GraphSource }
  | { readonly graphs: readonly GraphSource[] }
  | { readonly sparse: SparseInput };

/** A sparse tensor in COO form: `indices` are positions in the flattened tensor, ascending. */
export interface SparseInput {
  readonly dims: readonly number[];
  readonly indices: readonly number[];
  readonly values: TensorInput;
}

/** A SparseTensorProto with linear int64 indices. */
export function sparseProto({ dims, indices, values }: SparseInput): onnxProto.onnx.SparseTensorProto {
  return onnx.SparseTensorProto.create({
    dims: [...dims],
    values: tensorProto(values),
    indices: tensorProto({ dtype: 'int64', dims: [indices.length], values: indices }),
  });
}

/**
 * An AttributeProto with its type set.
 * @throws Error for a plain number that is no integer, or an empty plain list.
 */
export function attributeProto(name: string, input: AttributeInput): onnxProto.onnx.AttributeProto {
  return onnx.AttributeProto.create({ name, ...attributeValue(name, input) });
}

function attributeValue(name: string, input: AttributeInput): onnxProto.onnx.IAttributeProto {
  const { AttributeType } = onnx.AttributeProto;
  if (typeof input === 'number' || typeof input === 'bigint') return { type: AttributeType.INT, i: long(name, input) };
  if (typeof input === 'string') return { type: AttributeType.STRING, s: utf8(input) };
  if (isList(input)) return attributeValue(name, listInput(name, input));
  if ('float' in input) return { type: AttributeType.FLOAT, f: input.float };
  if ('floats' in input) return { type: AttributeType.FLOATS, floats: [...input.floats] };
  if ('ints' in input) return { type: AttributeType.INTS, ints: input.ints.map((value) => long(name, value)) };
  if ('bytes' in input) return { type: AttributeType.STRING, s: input.bytes };
  if ('strings' in input) return { type: AttributeType.STRINGS, strings: input.strings.map(utf8) };
  if ('tensor' in input) return { type: AttributeType.TENSOR, t: tensorProto(input.tensor) };
  if ('tensors' in input) return { type: AttributeType.TENSORS, tensors: input.tensors.map(tensorProto) };
  if ('graph' in input) return { type: AttributeType.GRAPH, g: input.graph.graph() };
  if ('graphs' in input) return { type: AttributeType.GRAPHS, graphs: input.graphs.map((source) => source.graph()) };
  return { type: AttributeType.SPARSE_TENSOR, sparseTensor: sparseProto(input.sparse) };
}

// Array.isArray alone does not narrow readonly arrays out of a union.
function isList(input: AttributeInput): input is readonly (number | bigint)[] | readonly string[] {
  return Array.isArray(input);
}

function listInput(name: string, list: readonly (number | bigint | string)[]): AttributeInput {
  if (list.length === 0) throw new Error(`attribute '${name}': write { ints: [] }, { floats: [] } or { strings: [] }`);
  const strings = list.filter((value) => typeof value === 'string');
  return strings.length === list.length ? { strings } : { ints: list.filter((value) => typeof value !== 'string') };
}

function long(name: string, value: number | bigint): Long {
  if (typeof value === 'number' && !Number.isInteger(value)) {
    throw new Error(`attribute '${name}': ${value} is no integer; write { float: ${value} } or { floats: [...] }`);
  }
  return Long.fromString(String(value));
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
