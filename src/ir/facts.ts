import type { ModelProto } from '../onnx/messages.ts';
import type { DataType } from './data-type.ts';
import type { Graph } from './graph.ts';
import type { Tensor } from './tensor.ts';
import type { Dim } from './value.ts';

/** What an oracle says of a tensor; `type` is an element type under onnxruntime's name. */
export interface Fact {
  readonly type: string;
  /** Absent where not even the rank is known. */
  readonly dims?: readonly Dim[];
}

/** Infers types and dims of every value of a model without running it. */
export interface ShapeOracle {
  inferShapes(model: ModelProto): Promise<ReadonlyMap<string, Fact>>;
}

/** Finds dims by running a model on made-up inputs. */
export interface ShapeObserver {
  /**
   * @param names values whose dims are wanted
   * @returns dims by name: numbers that stayed the same, symbols that a dim followed, made-up names for others; a name may be absent
   */
  observeShapes(model: ModelProto, names: readonly string[]): Promise<ReadonlyMap<string, readonly Dim[]>>;
}

/** What normalising asks of a runtime. */
export type Engine = ShapeOracle & Evaluator & ShapeObserver;

/** Runs a small model that has no inputs. */
export interface Evaluator {
  /** @returns the outputs by name; those that cannot be brought back are absent */
  evaluate(model: ModelProto): Promise<ReadonlyMap<string, Tensor>>;
}

/**
 * Writes an oracle's facts into the values of a graph (not of graphs inside it). A symbol from a declaration stays
 * where the oracle knows no more.
 */
export function applyFacts(graph: Graph, facts: ReadonlyMap<string, Fact>): void {
  for (const value of graph.values) {
    const fact = facts.get(value.name);
    if (fact === undefined || value.tensor !== undefined) continue;
    const declared = value.type?.dims;
    const dims = fact.dims?.map(
      (dim, i) => dim ?? (declared?.length === fact.dims?.length ? declared?.[i] : undefined),
    );
    const type = value.type?.type ?? asDataType(fact.type);
    graph.setType(value, dims === undefined ? { type, ...(declared && { dims: declared }) } : { type, dims });
  }
}

/** Fills in dims that were observed, where nothing was known. */
export function applyObservations(graph: Graph, observed: ReadonlyMap<string, readonly Dim[]>): void {
  for (const value of graph.values) {
    const dims = observed.get(value.name);
    const known = value.type?.dims;
    if (dims === undefined || value.type === undefined || value.tensor !== undefined) continue;
    graph.setType(value, { type: value.type.type, dims: dims.map((dim, i) => known?.[i] ?? dim) });
  }
}

const KNOWN: ReadonlySet<string> = new Set<DataType>([
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
  'bfloat16',
]);

function isKnown(type: string): type is DataType {
  return KNOWN.has(type);
}

function asDataType(type: string): DataType {
  return isKnown(type) ? type : 'undefined';
}
