import type { Node } from '../ir/node.ts';
import { axis, CouplingBuilder, input, output, pinUnranked, pinValue, rankOf } from './coupling.ts';
import type { Coupling, OpRule } from './rule.ts';

/** Batch and channels pass one by one; the other axes are pooled. */
export function couplePool(node: Node, channel = 1): Coupling {
  const data = input(node, 0);
  if (rankOf(data) === undefined || rankOf(output(node)) === undefined) return pinUnranked(node);
  const coupling = new CouplingBuilder();
  const pooled = `${node.opType} pools over it`;
  const isPooled = (dim: number): boolean => dim !== 0 && dim !== channel;
  coupling.pins.push(...pinValue(data, pooled, isPooled));
  for (const out of node.outputs) {
    if (out === undefined) continue;
    coupling.same(axis(data, 0), axis(out, 0)).same(axis(data, channel), axis(out, channel));
    coupling.pins.push(...pinValue(out, pooled, isPooled));
  }
  // MaxPool's second output counts positions over the whole tensor, channels included.
  const indices = node.outputs[1];
  if (indices !== undefined && (indices.uses.size > 0 || node.graph.isOutput(indices))) {
    coupling.pin(indices, channel, `${node.opType} gives out positions that count across channels`);
  }
  return coupling;
}

const pool: OpRule = {
  domain: '',
  opTypes: ['MaxPool', 'AveragePool', 'LpPool', 'GlobalMaxPool', 'GlobalAveragePool', 'GlobalLpPool'],
  couple: (node) => couplePool(node),
};

export const poolRules: readonly OpRule[] = [pool];
