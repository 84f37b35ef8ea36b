import type { Graph } from '../ir/graph.ts';
import type { Value } from '../ir/value.ts';
import type { SharedValues } from './shared-values.ts';

/** A constant that a node multiplies, as a matrix: each of its rows makes one number, and its columns are summed over. */
export interface WeightMatrix {
  /** An initializer of float32. */
  readonly weight: Value;
  readonly rows: number;
  readonly columns: number;
  /** Steps in the tensor's elements from row to row and from column to column. */
  readonly rowStep: number;
  readonly columnStep: number;
}

/** What a matrix is rounded to: weight = scale · code. */
export interface RoundedMatrix {
  /** Row-major [rows, columns]. */
  readonly codes: Int8Array;
  /** [rows], or [rows, blocks] where blocks of columns have a scale of their own. */
  readonly scales: Float32Array;
}

/** Columns of a row that share a scale, so many one after the other; a weight takes so many bits. */
export interface BlockFormat {
  readonly bits: 4 | 8;
  readonly size: 16 | 32 | 64 | 128;
}

/** A node as it can be written once its constants are rounded. */
export interface RoundedForm {
  /** The operator set of ONNX that it needs. */
  readonly since: number;
  /** The operator set of another domain that it needs. */
  readonly imports?: { readonly domain: string; readonly version: number };
  /** What is rounded. */
  readonly weights: readonly WeightMatrix[];
  /**
   * Writes the node anew, in its graph. What it makes is the same value as before, with its name and its readers. The
   * constants stay, for others may read them.
   * @param rounded of `weights`, in their order
   * @param shared what nodes that were written before have made and others can read
   */
  apply(graph: Graph, rounded: readonly RoundedMatrix[], shared: SharedValues): void;
}
