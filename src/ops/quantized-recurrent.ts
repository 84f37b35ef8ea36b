import type { Node } from '../ir/node.ts';
import { lengthOf, type Value } from '../ir/value.ts';
import { axis, CouplingBuilder, contraction, input, pinAll, pinValue, rankOf, valuesOf } from './coupling.ts';
import { unknownParameters, withParameters } from './quantization.ts';
import type { Coupling, InnerAxis, OpRule, QuantizationParameter } from './rule.ts';

const STEPS = 'DynamicQuantizeLSTM goes through it step by step';
const STATE =
  'DynamicQuantizeLSTM quantizes its state at each step by the range of all units; a float LSTM can lose units';

/** A scale or zero point for each direction, or for each direction and gate column. */
function overGates(value: Value | undefined): QuantizationParameter | undefined {
  return value && { value, dims: rankOf(value) === 2 ? [0, 2] : [0] };
}

/**
 * X [steps, batch, inputs], W [directions, inputs, 4 · hidden], R [directions, hidden, 4 · hidden], both of integers
 * with
 * scales and zero points [directions] or [directions, 4 · hidden]; the rest as LSTM has it.
 * X is quantized by the range of all its elements, zero included, so that zeros leave no trace. So is the state at each
 * step, but the state of a masked unit is not zero: only the inputs can leave.
 * Source: onnxruntime ContribOperators.md, com.microsoft.DynamicQuantizeLSTM.
 */
function coupleDynamicLstm(node: Node): Coupling {
  const [x, w, r] = [input(node, 0), input(node, 1), input(node, 2)];
  const hidden = lengthOf(axis(r, 1));
  const reason = unknownParameters(node, 8, 9, 10, 11);
  if (reason !== undefined) return pinAll(node, reason);
  if (rankOf(x) !== 3 || rankOf(w) !== 3 || hidden === undefined)
    return pinAll(node, 'the sizes at DynamicQuantizeLSTM are unknown');
  const coupling = new CouplingBuilder();
  const units: InnerAxis = { node, name: 'hidden', length: hidden };
  coupling.same(axis(w, 1), axis(x, 2)).same(axis(r, 1), units);
  for (const each of [w, r])
    coupling.links.push({ a: units, b: axis(each, 2), map: { kind: 'factor', outer: 4, inner: 1 } });
  for (const dim of [0, 1, 2]) coupling.contractions.push(contraction(0, dim));
  for (const value of valuesOf(node)) {
    const open = value === x ? 2 : value === w ? 1 : undefined;
    coupling.pins.push(...pinValue(value, value === x ? STEPS : STATE, (dim) => dim !== open));
  }
  const [scale, zeroPoint] = [overGates(node.inputs[8]), overGates(node.inputs[9])];
  return withParameters(coupling, [{ integers: w, scale, zeroPoint }]);
}

const dynamicLstm: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['DynamicQuantizeLSTM'],
  couple: coupleDynamicLstm,
  // Per step and sample: every weight once.
  macs: (node) => [1, 2].reduce((sum, index) => sum + (input(node, index).tensor?.size ?? 0), 0),
};

export const quantizedRecurrentRules: readonly OpRule[] = [dynamicLstm];
