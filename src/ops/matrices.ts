import type { Node } from '../ir/node.ts';
import { dimsOf } from '../ir/value.ts';
import { axis, CouplingBuilder, input, isRanked, output, pinUnranked, rankOf } from './coupling.ts';
import type { Coupling, OpRule } from './rule.ts';

/** [B…, rows, columns] → [B…] or [B…, rows, columns]: each matrix is worked on as a whole, so rows and columns stay. */
function coupleMatrices(node: Node, reason: string): Coupling {
  if (!isRanked(node)) return pinUnranked(node);
  const [data, out] = [input(node, 0), output(node)];
  const batch = (rankOf(data) ?? 0) - 2;
  const coupling = new CouplingBuilder();
  dimsOf(data)?.forEach((_, dim) => {
    if (dim < batch) coupling.same(axis(data, dim), axis(out, dim));
    else coupling.pin(data, dim, reason);
  });
  dimsOf(out)?.forEach((_, dim) => {
    if (dim >= batch) coupling.pin(out, dim, reason);
  });
  return coupling;
}

/** The part of each matrix above or below a diagonal. Both domains have it. */
function trilu(domain: string): OpRule {
  return {
    domain,
    opTypes: ['Trilu'],
    couple: (node) => coupleMatrices(node, 'Trilu keeps what lies on one side of a diagonal of it'),
  };
}

const determinant: OpRule = {
  domain: '',
  opTypes: ['Det'],
  couple: (node) => coupleMatrices(node, 'Det takes a determinant over it'),
};

const inverse: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['Inverse'],
  couple: (node) => coupleMatrices(node, 'Inverse inverts matrices along it'),
};

export const matrixRules: readonly OpRule[] = [trilu(''), trilu('com.microsoft'), determinant, inverse];
