import type { DataType } from '../ir/data-type.ts';
import type { Node } from '../ir/node.ts';

/** What a change may go by, apart from the node and what is around it. */
export interface Surroundings {
  /** The one floating-point type of the model, where it knows no other; undefined where it knows several or none. */
  readonly floatType: DataType | undefined;
}

/** Why a node cannot be taken over into a newer operator set: the part of a sentence that follows "since". */
export interface Refusal {
  readonly why: string;
}

/**
 * Brings a node over one change of its operator's definition, so that its outputs stay exactly what they were.
 * @returns what was done, as a part of a sentence; undefined where the node needs nothing; or why it cannot be
 */
export type Change = (node: Node, around: Surroundings) => string | undefined | Refusal;

/** A refusal; see {@link Refusal}. */
export function refuse(why: string): Refusal {
  return { why };
}
