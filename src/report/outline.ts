/** The structure of a model, drawn small: layers, and the places where ways meet; all else is left out. */
export interface Outline {
  readonly nodes: readonly OutlineNode[];
  /** Numbers of nodes, from and to, in the order of the graph; each once. */
  readonly edges: readonly (readonly [number, number])[];
}

/** A node of the drawing before and after. */
export interface OutlineNode {
  readonly name: string;
  readonly operator: string;
  /** Whether it holds parameters or multiplies; else it joins ways, or begins or ends the graph. */
  readonly isLayer: boolean;
  /** The group whose channels its output carries, by name; null where it carries none that could leave. */
  readonly group: string | null;
  /** Why its channels stay: ends the sentence "kept whole because …"; null where they may leave. */
  readonly kept: string | null;
  readonly before: NodeFigures;
  /** Null where the node left the model. */
  readonly after: NodeFigures | null;
}

/** What a node is made of. */
export interface NodeFigures {
  readonly parameters: number;
  readonly nonZeros: number;
  /** Multiply-accumulates of one sample; null where sizes are unknown or it does not multiply. */
  readonly macs: number | null;
  /** Dims of its first output; symbols by name, unknown lengths as '?'. */
  readonly dims: readonly (number | string)[];
}
