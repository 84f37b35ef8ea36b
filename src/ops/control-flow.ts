import { bindingsOf, innerDim } from '../ir/bindings.ts';
import type { Node } from '../ir/node.ts';
import { dimsOf } from '../ir/value.ts';
import { axis, CouplingBuilder, pinAll, pinValue } from './coupling.ts';
import type { Coupling, OpRule } from './rule.ts';

/**
 * Tensors pass between a node and its bodies position by position; the axis along which the turns of a loop go belongs to
 * none of them. What the bodies read from outside needs no word here: it is the same value inside.
 */
function coupleBodies(node: Node): Coupling {
  const bindings = bindingsOf(node);
  if (bindings === undefined) return pinAll(node, `the way of ${node.opType} with its body is not followed`);
  const coupling = new CouplingBuilder();
  for (const binding of bindings) {
    const { way, from, to, turns } = binding;
    const [outer, inner] = way === 'in' ? [from, to] : [to, from];
    const [outerDims, innerDims] = [dimsOf(outer), dimsOf(inner)];
    if (
      outerDims === undefined ||
      innerDims === undefined ||
      outerDims.length !== innerDims.length + Number(turns !== undefined)
    ) {
      const reason = `it crosses into the body of ${node.opType} with an unknown rank`;
      coupling.pins.push(...pinValue(outer, reason), ...pinValue(inner, reason));
      continue;
    }
    outerDims.forEach((_, dim) => {
      const other = innerDim(binding, dim);
      if (other < 0) coupling.pin(outer, dim, `${node.opType} goes through it turn by turn`);
      else coupling.same(axis(inner, other), axis(outer, dim));
    });
  }
  return coupling;
}

const bodies: OpRule = { domain: '', opTypes: ['If', 'Loop', 'Scan'], couple: coupleBodies };

export const controlFlowRules: readonly OpRule[] = [bodies];
