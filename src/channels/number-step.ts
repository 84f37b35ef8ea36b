import { isFloat } from '../ir/data-type.ts';
import type { Node } from '../ir/node.ts';
import { type Axis, lengthOf } from '../ir/value.ts';
import { type Strides, stridesOf } from '../numeric/slices.ts';
import { type AxisLink, isAxis, type Place } from '../ops/rule.ts';
import { type ChannelNumbers, type NumberTable, ONES } from './channel-numbers.ts';

/**
 * Runs an elementwise node on numbers: `operands[i]` holds a number per channel for input i, and is absent for inputs that
 * are constants of their own or left out.
 * @returns a number per channel, or undefined where the node could not be run
 */
export type ElementwiseEvaluator = (
  node: Node,
  operands: readonly (Float64Array | undefined)[],
) => Promise<Float64Array | undefined>;

/** One node, and the axis of its output that is to be numbered. */
export interface Step {
  readonly table: NumberTable;
  readonly node: Node;
  /** Tells the functions of different nodes apart. */
  readonly key: string;
  readonly links: readonly AxisLink[];
  readonly out: Axis;
  readonly evaluate: ElementwiseEvaluator;
}

/** What one channel holds: a multiple of what a number stands for. */
export interface Part {
  readonly id: number;
  readonly scale: number;
}

/** The other end of a link whose one end is the place, and whether that other end stands first. */
export function otherEnd(
  { a, b }: AxisLink,
  place: Place,
): { readonly end: Place; readonly isFirst: boolean } | undefined {
  if (isSamePlace(b, place)) return { end: a, isFirst: true };
  if (isSamePlace(a, place)) return { end: b, isFirst: false };
  return undefined;
}

export function isSamePlace(a: Place, b: Place): boolean {
  if (isAxis(a)) return isAxis(b) && a.value === b.value && a.dim === b.dim;
  return !isAxis(b) && a.node === b.node && a.name === b.name;
}

export function lengthAlong(place: Place): number | undefined {
  return isAxis(place) ? lengthOf(place) : place.length;
}

/** The numbers along an axis of a computed value, or of a constant with one number for each position. */
export function numbersOf(table: NumberTable, place: Axis, length: number): ChannelNumbers {
  const { tensor } = place.value;
  if (tensor === undefined || !isFloat(tensor.type)) return table.along(place, length);
  const { outer, size, inner } = stridesOf(tensor.dims, place.dim);
  const data = tensor.floats();
  const ids = new Int32Array(length);
  const scales = new Float64Array(length);
  for (let i = 0; i < size; i++) {
    const value = data[i * inner] as number;
    const isOne = isUniform(data, { outer, size, inner }, i);
    ids[i] = isOne && Number.isFinite(value) ? ONES : table.fresh();
    scales[i] = ids[i] === ONES ? value : 1;
  }
  return { ids, scales, isUnknown: false };
}

function isUniform(data: Float32Array | Float64Array, { outer, size, inner }: Strides, i: number): boolean {
  const value = data[i * inner];
  for (let block = 0; block < outer; block++) {
    const from = (block * size + i) * inner;
    for (let at = from; at < from + inner; at++) if (data[at] !== value) return false;
  }
  return true;
}
