import { int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { axis, CouplingBuilder, input, output, pinAll, rankOf } from './coupling.ts';
import { fromFront, intsParameter } from './parameters.ts';
import type { Coupling, OpRule, Pin } from './rule.ts';

/** What the reduction makes of positions that hold zero: nothing, a different denominator, or a different result. */
type OfZeros = 'none' | 'mean' | 'other';

function coupleReduce(
  node: Node,
  ofZeros: OfZeros,
  axes: readonly number[] | 'all' | 'dynamic',
  keepDims: boolean,
): Coupling {
  const [data, out] = [input(node, 0), output(node)];
  const rank = rankOf(data);
  if (rank === undefined) return pinAll(node, `the rank of a tensor at ${node.opType} is unknown`);
  if (axes === 'dynamic') return pinAll(node, `the axes of ${node.opType} are computed at run time`);
  const reduced = new Set(axes === 'all' ? [...Array(rank).keys()] : axes.map((each) => fromFront(each, rank)));
  const coupling = new CouplingBuilder();
  const approximate: Pin[] = [];
  let outDim = 0;
  for (let dim = 0; dim < rank; dim++) {
    if (!reduced.has(dim)) {
      coupling.same(axis(data, dim), axis(out, outDim++));
      continue;
    }
    if (keepDims) outDim++;
    if (ofZeros === 'other')
      coupling.pin(data, dim, `${node.opType} over it would give another result without a position`);
    else coupling.contractions.push({ input: 0, dim });
    if (ofZeros === 'mean') approximate.push({ axis: axis(data, dim), reason: `${node.opType} divides by its length` });
  }
  return { ...coupling, approximate };
}

/** No axes mean all of them, unless `noop_with_empty_axes` says none. */
function axesOf(node: Node): number[] | 'all' | 'dynamic' {
  const axes = intsParameter(node, { attribute: 'axes', input: 1 });
  if (axes === 'dynamic') return axes;
  if (axes !== undefined && axes.length > 0) return axes;
  return int(node, 'noop_with_empty_axes', 0) !== 0 ? [] : 'all';
}

function reduction(opTypes: readonly string[], ofZeros: OfZeros): OpRule {
  return {
    domain: '',
    opTypes,
    couple: (node) => coupleReduce(node, ofZeros, axesOf(node), int(node, 'keepdims', 1) !== 0),
  };
}

/** The position of the largest element: a number that cutting would change. */
const argument: OpRule = {
  domain: '',
  opTypes: ['ArgMax', 'ArgMin'],
  couple: (node) => coupleReduce(node, 'other', [int(node, 'axis', 0)], int(node, 'keepdims', 1) !== 0),
};

export const reduceRules: readonly OpRule[] = [
  reduction(['ReduceSum', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare', 'ReduceLogSum'], 'none'),
  reduction(['ReduceMean'], 'mean'),
  reduction(['ReduceMax', 'ReduceMin', 'ReduceProd', 'ReduceLogSumExp'], 'other'),
  argument,
];
