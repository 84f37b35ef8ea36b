import type { Node } from '../../ir/node.ts';
import type { Tensor } from '../../ir/tensor.ts';
import type { Value } from '../../ir/value.ts';
import { setConstant } from '../../ops/parameters.ts';

/** A constant input of a node whose elements take the factors of channels, by where they stand. */
export interface ScaledConstant {
  readonly node: Node;
  readonly input: number;
  /**
   * Whether it multiplies what channels are made of or what is read of them, so that its magnitudes tell how large those become;
   * what is added does not.
   */
  readonly multiplies: boolean;
  /** The axis that channels lie along; undefined where all elements of a group have one. */
  readonly dim: number | undefined;
  /** The channel of each position along the axis, or along those of all groups, one after the other. */
  readonly channelOf: Int32Array;
  /** The groups that lie along another axis, each with positions of its own: the rows of a grouped layer. */
  readonly groups: { readonly dim: number; readonly count: number };
}

/** The tensor of the constant as it is now. */
function tensorOf({ node, input }: ScaledConstant): Tensor | undefined {
  return node.inputs[input]?.tensor;
}

/** Whether all elements are zero, which factors leave as they are. */
export function isAllZero(tensor: Tensor): boolean {
  return tensor.floats().every((each) => each === 0);
}

/**
 * Whether the constant can take factors: float32, of the right length, not to be overridden by callers, and read by nobody else.
 * A vector may have other readers, which keep it while the node gets its own; of a matrix there shall be no second one.
 */
export function canScale(constant: ScaledConstant): boolean {
  const { node, input, dim, channelOf, groups } = constant;
  const value = node.inputs[input];
  const tensor = value?.tensor;
  if (value === undefined || tensor === undefined || tensor.type !== 'float32') return false;
  if (!node.graph.owns(value) || isOverridable(value, node)) return false;
  if (isAllZero(tensor)) return true;
  const length = dim === undefined ? 1 : tensor.dims[dim];
  const isOwn =
    value.uses.size === 1 && !node.graph.isOutput(value) && node.inputs.filter((each) => each === value).length === 1;
  return length !== undefined && length * groups.count === channelOf.length && (isOwn || isVector(tensor));
}

function isVector({ dims }: Tensor): boolean {
  return dims.filter((length) => length > 1).length === 1;
}

function isOverridable(value: Value, { graph }: Node): boolean {
  return !graph.scope.initializersAreInputs && graph.inputs.includes(value);
}

/** Raises `peaks` to the largest magnitude among each channel's elements. */
export function raisePeaks(constant: ScaledConstant, peaks: Float64Array): void {
  const tensor = tensorOf(constant);
  if (tensor === undefined) return;
  const data = tensor.floats();
  forEachRun(constant, tensor, (from, to, channel) => {
    let most = peaks[channel] as number;
    for (let at = from; at < to; at++) most = Math.max(most, Math.abs(data[at] as number));
    peaks[channel] = most;
  });
}

/** Multiplies each channel's elements by its factor; where others read the constant too, the node gets one of its own. */
export function scaleConstant(constant: ScaledConstant, factors: Float64Array): void {
  const tensor = tensorOf(constant);
  if (tensor === undefined || isAllZero(tensor)) return;
  const data = Float32Array.from(tensor.floats());
  forEachRun(constant, tensor, (from, to, channel) => {
    const factor = factors[channel] as number;
    for (let at = from; at < to; at++) data[at] = (data[at] as number) * factor;
  });
  const { node, input } = constant;
  const bytes = new Uint8Array(data.buffer);
  setConstant(node.graph, node, { attribute: 'scaled', input }, tensor.withData(tensor.dims, bytes));
}

/** Calls back with stretches of elements that have one channel. */
function forEachRun(
  { dim, channelOf, groups }: ScaledConstant,
  { dims, size }: Tensor,
  visit: (from: number, to: number, channel: number) => void,
): void {
  const behind = (axis: number): number => dims.slice(axis + 1).reduce((product, length) => product * length, 1);
  const [length, inner] = dim === undefined ? [1, size] : [dims[dim] ?? 1, behind(dim)];
  const rows = dims[groups.dim] ?? 1;
  const rowInner = groups.count === 1 ? size : behind(groups.dim);
  const perGroup = rows / groups.count;
  const run = Math.min(inner, rowInner);
  for (let from = 0; from < size; from += run) {
    const group = groups.count === 1 ? 0 : Math.floor((Math.floor(from / rowInner) % rows) / perGroup);
    const position = group * length + (Math.floor(from / inner) % length);
    visit(from, from + run, channelOf[position] as number);
  }
}
