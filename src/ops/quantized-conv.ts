import { int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { convMacs, coupleConv, repairGroup } from './conv.ts';
import { input, output, pinAll, rankOf } from './coupling.ts';
import { alongAxis, notPerTensor, scaleBehind, unknownParameters, withParameters } from './quantization.ts';
import type { Coupling, OpRule } from './rule.ts';

/** The axis of channels: the last one where the runtime's own form says so. */
function channelOf(node: Node): number {
  return int(node, 'channels_last', 0) === 0 ? 1 : (rankOf(input(node, 0)) ?? 2) - 1;
}

/**
 * x [N, C, …], w [M, C / group, …], B int32 [M]; x and y have one scale and one zero point, w may have M of each.
 * What pads x is its zero point, so a channel of zero points adds nothing anywhere.
 * Source: ONNX operator QLinearConv; onnxruntime ContribOperators.md, com.microsoft.QLinearConv (with `channels_last`).
 */
function coupleQLinearConv(node: Node): Coupling {
  const reason = notPerTensor(node, 1, 2, 6, 7) ?? unknownParameters(node, 4, 5);
  if (reason !== undefined) return pinAll(node, reason);
  const coupling = coupleConv(node, 'outputs', { data: 0, zero: 2, weight: 3, bias: 8, channel: channelOf(node) });
  const [scale, zeroPoint] = [alongAxis(node.inputs[4], 0), alongAxis(node.inputs[5], 0)];
  return withParameters(coupling, [{ integers: input(node, 3), scale, zeroPoint }]);
}

/**
 * x, w, zero points of x (one) and of w (one or M); y int32, which is scaled later. Source: ONNX operator
 * ConvInteger.
 */
function coupleConvInteger(node: Node): Coupling {
  const reason = notPerTensor(node, 2) ?? unknownParameters(node, 3);
  if (reason !== undefined) return pinAll(node, reason);
  const coupling = coupleConv(node, 'outputs', { data: 0, zero: 2, weight: 1, channel: 1 });
  const zeroPoint = alongAxis(node.inputs[3], 0);
  // Its scale belongs to another node, which links it itself.
  const known = withParameters(coupling, [{ integers: input(node, 1), scale: undefined, zeroPoint }]);
  return { ...known, quantized: [{ integers: input(node, 1), scale: scaleBehind(node, 1, 0), zeroPoint }] };
}

const qLinearConv = (domain: string): OpRule => ({
  domain,
  opTypes: ['QLinearConv'],
  couple: coupleQLinearConv,
  repair: repairGroup,
  macs: (node) => convMacs(input(node, 3), output(node), channelOf(node)),
});

const convInteger: OpRule = {
  domain: '',
  opTypes: ['ConvInteger'],
  couple: coupleConvInteger,
  repair: repairGroup,
  macs: (node) => convMacs(input(node, 1), output(node)),
};

export const quantizedConvRules: readonly OpRule[] = [qLinearConv(''), qLinearConv('com.microsoft'), convInteger];
