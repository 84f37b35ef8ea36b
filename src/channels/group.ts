import type { Node } from '../ir/node.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { Axis, Value } from '../ir/value.ts';
import type { Place } from '../ops/rule.ts';
import type { ProductPart } from './choose.ts';
import type { NodeCoupling } from './couplings.ts';

/**
 * What an initializer axis is to the channels along it:
 * `out` rows of a weight that make them, `in` columns of a weight that sum over them, `through` parameters they pass by.
 */
export type Role = 'out' | 'in' | 'through';

/** An initializer axis that is cut when units of the group leave. */
export interface Member {
  readonly axis: Axis;
  readonly role: Role;
  /** The first node that reads the initializer. */
  readonly node: Node;
  /** Whether it holds the gains of a normalization. */
  readonly gain: boolean;
}

/**
 * Units that share the same axes, so that they are ranked against one another and counted together.
 * Units are numbered through the whole model; those of a group are `first` to `first + count - 1`, in the order of
 * the positions they have in the weights that make them.
 */
export interface Group {
  /** The initializer that stands for it; with `[i…]` behind it (`[:, i…]` along another axis) where several groups have channels along it. */
  readonly name: string;
  readonly first: number;
  readonly count: number;
  readonly members: readonly Member[];
  /** Every place that some unit of the group has positions along. */
  readonly places: readonly Place[];
  /** Whether its units are heads, or dimensions inside heads, of a batch of matrix products such as attention. */
  readonly part: ProductPart | undefined;
  /** Nodes that take statistics over its channels, so that cutting them is not equal to masking. */
  readonly mixers: readonly Node[];
  /** Positions that each unit has along an axis which kernels process in blocks; 0 where there is no such axis. */
  readonly blockedWidth: number;
}

/** A weight axis whose channels, some or all, may not leave. */
export interface Refusal {
  readonly axis: Axis;
  readonly node: Node;
  readonly reason: string;
  /** Positions along the axis that stay for this reason. */
  readonly positions: number;
}

/**
 * A constant scale or zero point: `dims[i]` is the axis of the integers that its axis i lies along, where that is
 * longer than 1.
 */
export interface ConstantParameter {
  readonly tensor: Tensor;
  readonly dims: readonly number[];
}

/** What makes real numbers of integers: scale · (integer − zero point), with 1 and 0 for what is absent. */
export interface Quantization {
  readonly scale: ConstantParameter | undefined;
  readonly zeroPoint: ConstantParameter | undefined;
}

/** What may leave a graph, and what leaves with it. */
export interface ChannelMap {
  readonly groups: readonly Group[];
  readonly unitCount: number;
  readonly refusals: readonly Refusal[];
  /** Every node's coupling with all choices settled, in executable order. */
  readonly couplings: readonly NodeCoupling[];
  /** Of initializers that hold integers in place of real numbers. */
  readonly quantizations: ReadonlyMap<Value, Quantization>;
  /** The unit of each position along a place, -1 for those that stay; undefined where none along it can leave. */
  unitsAlong(place: Place): Int32Array | undefined;
}
