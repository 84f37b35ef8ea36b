import { int, intAttribute } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { dimsOf, lengthOf } from '../ir/value.ts';
import { axis, CouplingBuilder, contraction, countedLength, input, output, pinAll, rankOf } from './coupling.ts';
import { alongAxis, notPerTensor, unknownParameters, withParameters } from './quantization.ts';
import type { Coupling, InnerAxis, OpRule } from './rule.ts';

function headAxis(node: Node): InnerAxis {
  return { node, name: 'head', length: int(node, 'num_heads', 1) };
}

/**
 * input [batch, steps, inputs], weight [inputs, 3 · hidden] with q, k and v end to end, bias [3 · hidden], the
 * scales of
 * both, mask_index, the zero points of both, past [2, batch, heads, steps, d]; output [batch, steps, hidden],
 * present as past.
 * Whole heads leave. What is inside a head stays, since the products of q and k are divided by √d.
 * Source: onnxruntime ContribOperators.md, com.microsoft.QAttention.
 */
function coupleQAttention(node: Node): Coupling {
  const [data, weight, bias, out] = [input(node, 0), input(node, 1), input(node, 2), output(node)];
  const reason = notPerTensor(node, 3, 6) ?? unknownParameters(node, 4, 7);
  if (reason !== undefined) return pinAll(node, reason);
  const head = headAxis(node);
  const hidden = (lengthOf(axis(weight, 1)) ?? 0) / 3;
  if (rankOf(data) !== 3 || rankOf(weight) !== 2 || rankOf(out) !== 3 || hidden === 0 || hidden % head.length !== 0)
    return pinAll(node, 'the sizes at QAttention are unknown');
  const inner = hidden / head.length;
  const coupling = new CouplingBuilder();
  coupling.same(axis(weight, 0), axis(data, 2)).same(axis(data, 0), axis(out, 0));
  for (const value of [data, out]) coupling.pin(value, 1, 'QAttention weighs its positions against one another');
  coupling.contractions.push(contraction(0, 2, 6));
  for (const each of [axis(weight, 1), axis(bias, 0)])
    coupling.links.push({ a: head, b: each, map: { kind: 'factor', outer: 3, inner } });
  coupling.links.push({ a: head, b: axis(out, 2), map: { kind: 'factor', outer: 1, inner } });
  for (const state of [node.inputs[8], node.outputs[1]]) if (state !== undefined) coupling.same(axis(state, 2), head);
  const [scale, zeroPoint] = [alongAxis(node.inputs[4], 1), alongAxis(node.inputs[7], 1)];
  return withParameters(coupling, [{ integers: weight, scale, zeroPoint }]);
}

const qAttention: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['QAttention'],
  couple: coupleQAttention,
  repair(node, kept, graph) {
    const heads = kept(headAxis(node));
    if (heads !== undefined) graph.setAttribute(node, intAttribute('num_heads', heads.length));
  },
  macs: macsOf,
};

/** The projection of every position, and the two products of positions with one another. */
function macsOf(node: Node): number | undefined {
  const [data, weight] = [dimsOf(input(node, 0)), dimsOf(input(node, 1))];
  if (data === undefined || weight === undefined) return undefined;
  const [batch, steps] = [countedLength(data[0]), countedLength(data[1])];
  const [inputs, hidden] = [countedLength(weight[0]), countedLength(weight[1]) / 3];
  return batch * steps * hidden * (3 * inputs + 2 * steps);
}

export const quantizedAttentionRules: readonly OpRule[] = [qAttention];
