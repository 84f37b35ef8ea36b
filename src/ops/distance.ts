import { axis, CouplingBuilder, input, isRanked, output, pinUnranked, rankOf } from './coupling.ts';
import type { OpRule } from './rule.ts';

/**
 * A [M, D], B [N, D] → the distance of every row of A to every row of B [M, N]. It is a sum over D of squared
 * differences, to which a position adds nothing once it is masked in both.
 * Source: the runtime's own operator CDist, after scipy.spatial.distance.cdist.
 */
const cdist: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['CDist'],
  couple(node) {
    const [a, b, out] = [input(node, 0), input(node, 1), output(node)];
    if (rankOf(a) !== 2 || rankOf(b) !== 2) return pinUnranked(node);
    const coupling = new CouplingBuilder();
    coupling.same(axis(b, 1), axis(a, 1));
    coupling.contractions.push({ input: 0, dim: 1 }, { input: 1, dim: 1 });
    // The runtime does not infer the result's shape; rows then stay.
    if (isRanked(node)) coupling.same(axis(a, 0), axis(out, 0)).same(axis(b, 0), axis(out, 1));
    return coupling;
  },
};

export const distanceRules: readonly OpRule[] = [cdist];
