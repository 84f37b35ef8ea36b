import { int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { output, pinAll, rankOf } from './coupling.ts';
import { coupleElementwise } from './elementwise.ts';
import { coupleParts } from './join.ts';
import { coupleMixed } from './normalization.ts';
import { fromFront } from './parameters.ts';
import { couplePool } from './pool.ts';
import { notPerTensor } from './quantization.ts';
import type { Coupling, OpRule } from './rule.ts';

/**
 * Operators on quantized activations: each takes its operands apart, with a scale and a zero point behind each, and
 * does
 * what the operator of floats does. Scales and zero points are single numbers, which no channel owns.
 * Source: onnxruntime ContribOperators.md, the operators com.microsoft.QLinear….
 *
 * @param operands the numbers of the inputs that are no scales or zero points
 */
function quantized(
  opType: string,
  operands: (node: Node) => readonly number[],
  couple: (node: Node, operands: Node['inputs']) => Coupling,
): OpRule {
  return {
    domain: 'com.microsoft',
    opTypes: [opType],
    couple(node) {
      const own = operands(node);
      const reason = notPerTensor(node, ...[...node.inputs.keys()].filter((index) => !own.includes(index)));
      if (reason !== undefined) return pinAll(node, reason);
      return couple(
        node,
        own.map((index) => node.inputs[index]),
      );
    },
  };
}

const first = (): readonly number[] => [0];

/** The axis of channels. */
function channelOf(node: Node): number {
  return int(node, 'channels_last', 0) === 0 ? 1 : (rankOf(output(node)) ?? 2) - 1;
}

/** (A, scale, zero point), (B, scale, zero point), scale and zero point of C. */
const binary = ['QLinearAdd', 'QLinearMul'].map((opType) => quantized(opType, () => [0, 3], coupleElementwise));

const unary = ['QLinearSigmoid', 'QLinearLeakyRelu'].map((opType) => quantized(opType, first, coupleElementwise));

/** condition, (X, scale, zero point), (Y, scale, zero point), scale and zero point of Z. */
const where = quantized('QLinearWhere', () => [0, 1, 4], coupleElementwise);

const pools = ['QLinearAveragePool', 'QLinearGlobalAveragePool'].map((opType) =>
  quantized(opType, first, (node) => couplePool(node, channelOf(node))),
);

/** MaxPool of integers with channels on the last axis, as the runtime writes it beside a QLinearConv of that layout. */
const nhwcMaxPool = quantized('NhwcMaxPool', first, (node) => couplePool(node, (rankOf(output(node)) ?? 2) - 1));

/** Scale and zero point of Y, then (X, scale, zero point) for each part. */
const concat = quantized(
  'QLinearConcat',
  (node) => [...node.inputs.keys()].filter((index) => index % 3 === 2),
  (node, parts) =>
    coupleParts(
      node,
      output(node),
      [...parts].filter((part) => part !== undefined),
    ),
);

/** As Softmax of the operator set that the attribute `opset` names: before 13 every axis from `axis` on is mixed. */
const softmax = quantized('QLinearSoftmax', first, (node) => {
  const coerces = int(node, 'opset', 13) < 13;
  const wish = int(node, 'axis', coerces ? 1 : -1);
  return coupleMixed(node, (dim, rank) => (coerces ? dim >= fromFront(wish, rank) : dim === fromFront(wish, rank)));
});

export const quantizedActivationRules: readonly OpRule[] = [
  ...binary,
  ...unary,
  where,
  ...pools,
  nhwcMaxPool,
  concat,
  softmax,
];
