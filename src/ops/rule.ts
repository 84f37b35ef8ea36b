import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import type { Axis, Value } from '../ir/value.ts';
import type { BlockFormat, RoundedForm } from './rounded-form.ts';

/**
 * An axis that no value has but an operator has inside: the groups of a grouped Conv, the factor that survives a
 * Reshape. Positions along real axes meet on it.
 */
export interface InnerAxis {
  readonly node: Node;
  readonly name: string;
  readonly length: number;
}

/** Where positions are: along an axis of a value, or along one inside an operator. */
export type Place = Axis | InnerAxis;

/**
 * Which positions of `b` each position of `a` corresponds to. Pure data: one statement, read both ways.
 * - `same`: i ↔ i.
 * - `shift`: i ↔ i + by for i in [from, from + length); positions outside correspond to nothing.
 * - `factor`: `a` is one factor of the longer axis `b`, whose length is outer · length(a) · inner:
 *   i ↔ every p with floor(p / inner) mod length(a) = i.
 * - `indices`: i ↔ indices[i].
 */
export type IndexMap =
  | { readonly kind: 'same' }
  | { readonly kind: 'shift'; readonly from: number; readonly by: number; readonly length: number }
  | { readonly kind: 'factor'; readonly outer: number; readonly inner: number }
  | { readonly kind: 'indices'; readonly indices: readonly number[] };

/** Positions that leave together. */
export interface AxisLink {
  readonly a: Place;
  readonly b: Place;
  readonly map: IndexMap;
}

/** An axis that may not change its length, and why: a phrase that ends the sentence "kept whole because …". */
export interface Pin {
  readonly axis: Axis;
  readonly reason: string;
}

/** The operator sums over this axis of this input, so multiplying the input by a 0/1 vector there equals removing positions. */
export interface Contraction {
  readonly input: number;
  readonly dim: number;
  /**
   * The input that holds the zero point: the integer, broadcast over `input`, that stands for the number zero there.
   */
  readonly zero?: number;
  /**
   * Axes of other inputs whose elements multiply those of the input: where one of them is zero, the sum takes nothing
   * from the input. Each is linked with the axis that is summed over.
   */
  readonly factors?: readonly Axis[];
}

/**
 * A linear layer: channel r of the output is gain · Σ weight · data over the channels that its row sums over, plus a
 * bias. What the data's other axes do (positions of a kernel, rows of a batch) is the operator's affair.
 */
export interface Layer {
  /** The channels of the data and of the output. */
  readonly data: Axis;
  readonly out: Axis;
  readonly weight: Value;
  /** The axis of the weight along the output's channels. */
  readonly rows: number;
  /** The axis of the weight that rows sum over; undefined where each row reads one channel (depthwise). */
  readonly columns: number | undefined;
  /** Groups of rows, each of which reads its own part of the data's channels. */
  readonly groups: number;
  readonly gain: number;
  /** Numbers per output channel that are added, times a gain; `value` is undefined where there are none yet. */
  readonly bias: { readonly value: Value | undefined; readonly gain: number };
  /** Whether a channel that is one number everywhere adds one number everywhere: not where zeros are read beyond a border. */
  readonly isEven: boolean;
}

/**
 * A constant that an operator multiplies inside, where what comes of it is no output by itself: the gates of a recurrent
 * operator, for example. What it adds to each sum is its rows times the numbers of a position.
 */
export interface InnerProduct {
  /** Its last axis is summed over; all others together number its rows. */
  readonly weight: Value;
  /** Groups of rows, one after the other, that are multiplied with numbers of their own; 1 where all rows have the same. */
  readonly groups: number;
  /**
   * Adds nodes that lay out what the rows are multiplied with: [groups · columns, positions], of the node's element type.
   * @param graph another one than the node's, perhaps
   * @param twinOf what stands there for an input of the node
   */
  columns(graph: Graph, twinOf: (value: Value) => Value): Value;
}

/**
 * What an operator makes of a channel as a whole: one that is the same number everywhere, or a positive multiple of
 * another. In all kinds channels are treated alike, but for operands that have numbers of their own for each.
 * - `moves`: elements of the first output are elements of the inputs, or means or maxima of elements of one channel.
 *   `constant`: a channel that is one number everywhere stays that number. `multiples`: any multiple stays one, a positive
 *   one does (the maximum of −x is not that of x, times −1), or none.
 * - `elementwise`: each element of the output depends on those of the inputs at its place. `multiples` of the inputs give
 *   the same multiple of the output where they are all multiplied by one positive number (`joint`), the product of the
 *   multiples (`product`), where only the first input is multiplied (`first`), or anything (`none`).
 * - `affine`: the first input times a gain plus an offset, both with a number for each channel along `dim`.
 */
export type Passage =
  | { readonly kind: 'moves'; readonly constant: boolean; readonly multiples: 'any' | 'positive' | 'none' }
  | { readonly kind: 'elementwise'; readonly multiples: 'joint' | 'product' | 'first' | 'none' }
  | { readonly kind: 'affine'; readonly dim: number; readonly gain: Float64Array; readonly offset: Float64Array };

/**
 * Inputs that the first output is linear in when they are taken together: where all are multiplied by numbers along these
 * axes, the output is multiplied by the same numbers along `out`. The scale and the bias of a normalization, for example.
 */
export interface Scaling {
  readonly out: Axis;
  readonly inputs: readonly { readonly input: number; readonly dim: number; readonly role: 'gain' | 'offset' }[];
}

/** A gain and an offset for each channel. */
export interface Affine {
  readonly gain: Float64Array;
  readonly offset: Float64Array;
}

/** A scale or a zero point, one number or several: `dims[i]` is the axis of the integers that its axis i lies along. */
export interface QuantizationParameter {
  readonly value: Value;
  readonly dims: readonly number[];
}

/** Integers that stand for real numbers: scale · (integer − zero point). What is absent is 1 or 0, or not known. */
export interface Quantized {
  readonly integers: Value;
  readonly scale: QuantizationParameter | undefined;
  readonly zeroPoint: QuantizationParameter | undefined;
}

/**
 * How the runtime runs a node on integers, where what it reads, and what it makes, stands for real numbers with a scale and a
 * zero point: between DequantizeLinear and QuantizeLinear (operator set 13 or later), which it takes up into one kernel.
 * Source: onnxruntime's selectors of such groups (qdq_selectors.cc), tried out on the CPU.
 */
export interface IntegerForm {
  /** Inputs that are read as integers, all of them; others are left as they are. */
  readonly inputs: readonly number[];
  /** Of these the constants that are multiplied, with the axis along which each position may have a scale of its own. */
  readonly weight?: { readonly input: number; readonly axis: number };
  /**
   * Where a constant per output channel is added to the products, int32 of the product of the scales: an input of the node, or of
   * the one that is all that reads its output, which the runtime takes into the same kernel.
   */
  readonly bias?: { readonly node: Node; readonly input: number };
  /**
   * Whether the output has to be integers, too: `must`; `may`, where it can be real numbers as well; `same`, where it has to
   * be integers of the very scale and zero point that the inputs have, since elements are only moved or chosen: all outputs.
   */
  readonly output: 'must' | 'may' | 'same';
}

/** One of several ways to read a node; the ways exclude each other. */
export interface Alternative {
  readonly links: readonly AxisLink[];
  readonly pins: readonly Pin[];
}

/**
 * How the axes of a node's inputs and outputs depend on one another. Axes longer than 1 that no part mentions are
 * pinned by the reader, so a rule that forgets one is safe.
 */
export interface Coupling {
  readonly links: readonly AxisLink[];
  readonly contractions: readonly Contraction[];
  readonly pins: readonly Pin[];
  /** Axes whose statistics the operator mixes: cutting there is not equal to masking. */
  readonly approximate?: readonly Pin[];
  /** Axes that may change their length without this operator minding: it reads other lengths only, or none. */
  readonly free?: readonly Axis[];
  /** Decisions that need a view of the whole graph: exactly one alternative of each holds. Best first where nothing else decides. */
  readonly choices?: readonly (readonly Alternative[])[];
  /** Axes that the runtime's kernels process in blocks of channels, so that the length decides the speed. */
  readonly blocked?: readonly Axis[];
  /** Places along which the operator makes one matrix product each, of two computed operands: attention heads, for example. */
  readonly batched?: readonly Place[];
  /** Places along the matrices of such products: the dimensions inside a head, for example. */
  readonly inside?: readonly Place[];
  /** Axes of a constant that is looked up: its entries make the positions along them, as an embedding does. */
  readonly tables?: readonly Axis[];
  /** Axes of per-channel gains (the scale of a normalization). */
  readonly gains?: readonly Axis[];
  /**
   * Integers that stand for real numbers among inputs and outputs, with the scales and zero points that say for
   * which.
   */
  readonly quantized?: readonly Quantized[];
  /** Inputs whose elements are no numbers by themselves, but several packed into one: nothing is ranked by them. */
  readonly opaque?: readonly Value[];
}

/** The indices that stay along an axis, ascending, in the numbering before the cut; undefined where nothing was cut. */
export type Kept = (place: Place) => readonly number[] | undefined;

/** What the project knows of an operator. */
export interface OpRule {
  /** Operator set domain; the empty string is ONNX's own. */
  readonly domain: string;
  readonly opTypes: readonly string[];
  couple(node: Node): Coupling;
  /** Restores attributes and shape constants after tensors shrank. Most operators need none. */
  repair?(node: Node, kept: Kept, graph: Graph): void;
  /** Multiply-accumulates of one execution, open lengths counted as 1; undefined where a rank is unknown. */
  macs?(node: Node): number | undefined;
  /** Inputs that hold indices into an axis, and its length: what values make sense there. */
  indexes?(node: Node): readonly { readonly input: Value; readonly bound: number }[];
  /** Whether the outputs hold the elements of the first input, only arranged differently or converted. */
  readonly passesElements?: boolean;
  /** The node as a linear layer; undefined where its sizes are unknown, or where it multiplies no constant. */
  layer?(node: Node): Layer | undefined;
  /** The constants that the node multiplies inside, where it is no linear layer; none of unknown sizes. */
  products?(node: Node): readonly InnerProduct[];
  /** Whether `addBias` can add to what the node's layer gives. */
  takesBias?(node: Node): boolean;
  /** Adds a number to every output channel of the node's layer. */
  addBias?(node: Node, amounts: Float64Array, graph: Graph): void;
  /**
   * Adds nodes that lay out what the rows of the node's layer multiply, where that is more than the channels of one
   * position: for each position of the output (those stay where they are) the numbers that its sums take, along the axis
   * where the layer's data have their channels. They come in the order of the weight's elements: by channel (all groups one
   * after the other), then by position in the kernel. Absent where a position of the output reads one position of the data.
   * @param data stands for the layer's data, in another graph perhaps: float32
   * @returns undefined where that is not known
   */
  patches?(node: Node, data: Value, graph: Graph): Value | undefined;
  /** How the node runs on integers, or why it should not, although it could: ends "… stays in float because …"; undefined where the runtime has no kernel for it. */
  integers?(node: Node): IntegerForm | string | undefined;
  /**
   * The node with its constants as int8 and its data rounded as they come, by the range that they have; why that cannot be, a
   * phrase that ends the sentence "stays in float because …"; undefined where it multiplies no constant.
   */
  dynamic?(node: Node): RoundedForm | string | undefined;
  /** The same with the constant in blocks of a few bits a number, and data in float32. */
  blocked?(node: Node, format: BlockFormat): RoundedForm | string | undefined;
  /**
   * The first output as gain · x + offset of an input x, of the same shape, with a number of each for every position along an axis
   * of x; undefined where it is something else.
   */
  affine?(node: Node, input: number, dim: number): Affine | undefined;
  /** The bounds that the output has where that is the input, limited: a quantizer behind it with that range does the same. */
  limits?(node: Node): { readonly least: number; readonly most: number } | undefined;
  /** Takes numbers that the node multiplies what its constants make by into those, where they are its own. @returns whether there were any */
  takeFactorsIn?(node: Node, graph: Graph): boolean;
  /** What each input counts in the output where that is a sum of its inputs; undefined where it is none. */
  terms?(node: Node): readonly number[] | undefined;
  /** What becomes of channels that are constant or multiples of one another; undefined where nothing is known. */
  passage?(node: Node): Passage | undefined;
  /** The inputs that multiply the output by numbers per channel, where the node is no linear layer; undefined where none do. */
  scaling?(node: Node): Scaling | undefined;
  /** Outputs that a node may leave out where nobody reads them. */
  readonly optionalOutputs?: readonly number[];
}

/** Whether a place is an axis of a value. */
export function isAxis(place: Place): place is Axis {
  return 'value' in place;
}
