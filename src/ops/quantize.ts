import { int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { dimsOf } from '../ir/value.ts';
import { axis, CouplingBuilder, contraction, input, output, pinAll, pinUnranked, rankOf } from './coupling.ts';
import { fromFront } from './parameters.ts';
import { alongAxis, unknownParameters, withParameters } from './quantization.ts';
import type { Coupling, OpRule } from './rule.ts';

/**
 * Elements pass one by one between real numbers and integers; scales and zero points of rank one lie along `axis`.
 * Source: ONNX operators QuantizeLinear and DequantizeLinear; onnxruntime ContribOperators.md has the same two as
 * com.microsoft's, for more types. Blocked scales (opset 21) are not followed.
 */
function coupleQuantize(node: Node): Coupling {
  const [data, out] = [input(node, 0), output(node)];
  const rank = rankOf(data);
  if (rank === undefined || rankOf(out) !== rank) return pinUnranked(node);
  if (int(node, 'block_size', 0) !== 0) return pinAll(node, `${node.opType} has one scale for a block of positions`);
  const reason = unknownParameters(node, 1, 2);
  if (reason !== undefined) return pinAll(node, reason);
  const coupling = new CouplingBuilder();
  for (let dim = 0; dim < rank; dim++) coupling.same(axis(data, dim), axis(out, dim));
  const along = fromFront(int(node, 'axis', 1), rank);
  const parameters = {
    integers: node.opType === 'DequantizeLinear' ? data : out,
    scale: alongAxis(node.inputs[1], along),
    zeroPoint: alongAxis(node.inputs[2], along),
  };
  return withParameters(coupling, [parameters]);
}

const linear = (domain: string): OpRule => ({
  domain,
  opTypes: ['QuantizeLinear', 'DequantizeLinear'],
  couple: coupleQuantize,
});

/**
 * One scale and one zero point, from the smallest and the largest of all elements and zero. They are those of the
 * elements that stay once the others are zero, so masking comes before it, along every axis.
 * Source: ONNX operator DynamicQuantizeLinear.
 */
const dynamic: OpRule = {
  domain: '',
  opTypes: ['DynamicQuantizeLinear'],
  couple(node) {
    const [data, out] = [input(node, 0), output(node)];
    const dims = dimsOf(data);
    if (dims === undefined || rankOf(out) !== dims.length) return pinUnranked(node);
    const coupling = new CouplingBuilder();
    dims.forEach((_, dim) => {
      coupling.same(axis(data, dim), axis(out, dim));
      coupling.contractions.push(contraction(0, dim));
    });
    return coupling;
  },
};

export const quantizeRules: readonly OpRule[] = [linear(''), linear('com.microsoft'), dynamic];
