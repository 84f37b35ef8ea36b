import { float, int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { dimsOf } from '../ir/value.ts';
import { addedBehind } from './bias.ts';
import { input } from './coupling.ts';
import type { IntegerForm } from './rule.ts';

/** Elements of the first input are moved or chosen, whatever they stand for. */
export function movesIntegers(): IntegerForm {
  return { inputs: [0], output: 'same' };
}

/** Integers are made of the first input's. */
export function mapsIntegers(): IntegerForm {
  return { inputs: [0], output: 'must' };
}

/** Integers are made of all inputs' together. */
export function joinsIntegers(node: Node): IntegerForm {
  return { inputs: [...node.inputs.keys()], output: 'must' };
}

/** Means over windows: the runtime's kernel for integers takes up to three times as long as the one for floats, with the conversions. */
export function averagesIntegers(): string {
  return 'means over windows are slower as integers';
}

/** Channels per group of a grouped convolution below which the kernel for integers takes up to six times as long as the one for floats. */
const LEAST_PER_GROUP = 8;

/** A convolution: a scale for each output channel of the weight, along its first axis. */
export function convIntegers(node: Node): IntegerForm | string {
  const groups = int(node, 'group', 1);
  const [outputs, perGroup] = dimsOf(input(node, 1)) ?? [];
  const isDepthwise = perGroup === 1 && outputs === groups;
  if (groups > 1 && !isDepthwise && typeof perGroup === 'number' && perGroup < LEAST_PER_GROUP)
    return `convolutions in groups of ${perGroup === 1 ? '1 channel' : `${perGroup} channels`} are slower as integers`;
  return { inputs: [0, 1], weight: { input: 1, axis: 0 }, bias: { node, input: 2 }, output: 'must' };
}

/**
 * A product with a constant matrix on the right; one on the left, or of more axes, has no kernel with scales of its own for each
 * column. A vector that is added behind is the product's bias: the runtime makes one node of both before it looks at integers.
 */
export function matMulIntegers(node: Node): IntegerForm | undefined {
  const [, b] = node.inputs;
  if (b?.tensor?.dims.length !== 2) return undefined;
  const bias = addedBehind(node, b.tensor.dims[1] ?? 0);
  return { inputs: [0, 1], weight: { input: 1, axis: 1 }, output: 'may', ...(bias && { bias }) };
}

/** The runtime's kernel multiplies no bias by a factor, and takes one number per column, or none. */
export function gemmIntegers(node: Node): IntegerForm | undefined {
  const [, b, c] = node.inputs;
  const axis = int(node, 'transB', 0) === 0 ? 1 : 0;
  const columns = b?.tensor?.dims[axis];
  if (columns === undefined) return undefined;
  const form: IntegerForm = { inputs: [0, 1], weight: { input: 1, axis }, bias: { node, input: 2 }, output: 'may' };
  if (c === undefined) return form;
  const isPerColumn = c.tensor?.size === columns && c.tensor.dims.at(-1) === columns;
  if (!isPerColumn || float(node, 'beta', 1) !== 1 || float(node, 'alpha', 1) !== 1) return undefined;
  return form;
}
