import { int, ints, string, stringAttribute } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { dimsOf } from '../ir/value.ts';
import { type Change, refuse } from './change.ts';
import { replaceNode } from './edit.ts';

/** With operator set 11, ScatterElements took the place of Scatter, and is the same. */
export const scatterToElements: Change = (node) => {
  const attributes = [...node.attributes.values()].map(({ proto }) => proto);
  replaceNode(node, { opType: 'ScatterElements', inputs: node.inputs, attributes });
  return 'is a ScatterElements';
};

/** Negative indices count from the end since operator set 11; before, they are beyond the range and give no one. */
export const withoutNegatives: Change = (node) => {
  const indices = node.inputs[0];
  const isCount = indices?.producer?.opType === 'ArgMax' || indices?.producer?.opType === 'ArgMin';
  if (isCount || indices?.tensor?.integers().every((index) => index >= 0)) return undefined;
  return refuse('negative indices mean something else there, and it is not known that there are none');
};

/**
 * Where ConvTranspose is told its output's shape but not how to pad, the formulas of operator sets 1 and 11 put the odd one of
 * an uneven padding at opposite ends: the same where every padding is even. Of automatic padding, what both say of `auto_pad`
 * agrees, though the older formula contradicts it.
 */
export const evenPadding: Change = (node) => {
  const shape = ints(node, 'output_shape');
  if (shape === undefined || string(node, 'auto_pad', 'NOTSET').startsWith('SAME')) return undefined;
  const totals = totalPadding(node, shape);
  if (totals?.every((total) => total % 2 === 0)) return undefined;
  return refuse(
    'its padding follows from its output shape, and the odd one of an uneven padding goes to the other end there',
  );
};

/** The padding of each spatial axis that makes a ConvTranspose give this shape; undefined where a length is not known. */
function totalPadding(node: Node, shape: readonly number[]): readonly number[] | undefined {
  const [input, weight] = node.inputs.map((value) => value && dimsOf(value)?.slice(2));
  const kernel = ints(node, 'kernel_shape') ?? weight;
  if (kernel === undefined) return undefined;
  const of = (name: string, axis: number, fallback: number): number => ints(node, name)?.[axis] ?? fallback;
  const totals: number[] = [];
  for (const [axis, length] of kernel.entries()) {
    const [before, after] = [input?.[axis], shape[shape.length - kernel.length + axis]];
    if (typeof length !== 'number' || typeof before !== 'number' || after === undefined) return undefined;
    const reach = (length - 1) * of('dilations', axis, 1) + 1;
    totals.push(of('strides', axis, 1) * (before - 1) + of('output_padding', axis, 0) + reach - after);
  }
  return totals;
}

/**
 * With operator set 19, AveragePool counts padding otherwise in windows that reach beyond it, which rounding lengths up
 * brings about.
 */
export const withoutOverhang: Change = (node) =>
  int(node, 'ceil_mode', 0) !== 0 && int(node, 'count_include_pad', 0) !== 0
    ? refuse('it counts padding and rounds lengths up, and windows that reach beyond the padding count otherwise there')
    : undefined;

/** Since operator set 16, positions lie half a step before what they were, unless told otherwise. */
export const unshiftedRegions: Change = (node) => {
  node.graph.setAttribute(node, stringAttribute('coordinate_transformation_mode', 'output_half_pixel'));
  return 'says that positions are not shifted';
};

/** With operator set 20, the ways to interpolate got other names. */
export const interpolationNames: Change = (node) => {
  const mode = string(node, 'mode', 'bilinear');
  const renamed = mode === 'bilinear' ? 'linear' : mode === 'bicubic' ? 'cubic' : mode;
  node.graph.setAttribute(node, stringAttribute('mode', renamed));
  return renamed === mode ? undefined : `calls its interpolation "${renamed}"`;
};
