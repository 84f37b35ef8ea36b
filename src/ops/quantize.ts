import { int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { axis, CouplingBuilder, input, output, pinAll, rankOf } from './coupling.ts';
import { fromFront } from './parameters.ts';
import type { Coupling, OpRule } from './rule.ts';

/**
 * Elements pass one by one between real numbers and integers; scales and zero points of rank one lie along `axis`.
 * Source: ONNX operators QuantizeLinear and DequantizeLinear. Blocked scales (opset 21) are not followed.
 */
function coupleQuantize(node: Node): Coupling {
  const [data, out] = [input(node, 0), output(node)];
  const rank = rankOf(data);
  if (rank === undefined || rankOf(out) !== rank)
    return pinAll(node, `the rank of a tensor at ${node.opType} is unknown`);
  if (int(node, 'block_size', 0) !== 0) return pinAll(node, `${node.opType} has one scale for a block of positions`);
  const coupling = new CouplingBuilder();
  for (let dim = 0; dim < rank; dim++) coupling.same(axis(data, dim), axis(out, dim));
  const along = fromFront(int(node, 'axis', 1), rank);
  for (const parameter of node.inputs.slice(1)) {
    if (parameter !== undefined && rankOf(parameter) === 1) coupling.same(axis(parameter, 0), axis(data, along));
  }
  return coupling;
}

const linear: OpRule = { domain: '', opTypes: ['QuantizeLinear', 'DequantizeLinear'], couple: coupleQuantize };

export const quantizeRules: readonly OpRule[] = [linear];
