import { append } from '../ir/append.ts';
import { int } from '../ir/attributes.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { Tensor } from '../ir/tensor.ts';
import { elementTypeOf, lengthOf, type Value } from '../ir/value.ts';
import { floatBytes, isFloatType } from '../numeric/float-bytes.ts';
import { axis, CouplingBuilder, input, output, pinAll, pinUnranked, rankOf } from './coupling.ts';
import { movesIntegers } from './integers.ts';
import { fromFront, intsParameter } from './parameters.ts';
import type { Coupling, Kept, OpRule, Passage, Pin } from './rule.ts';

/** What the reduction makes of positions that hold zero: nothing, a different denominator, or a different result. */
type OfZeros = 'none' | 'mean' | 'other';

/**
 * Whether a node takes the mean of squares, as RMSNorm does, and not of squares about a mean, as LayerNorm does: masked
 * channels add nothing to such a sum, so that dividing by the length from before makes cutting exact.
 */
function isMeanOfSquares(node: Node): boolean {
  const squares = input(node, 0).producer;
  const base = squares?.inputs[0];
  const isSquare =
    (squares?.opType === 'Pow' && isTwo(squares.inputs[1])) ||
    (squares?.opType === 'Mul' && squares.inputs[0] === squares.inputs[1]);
  const isCentred = base?.producer?.opType === 'Sub' && base.producer.inputs[1]?.producer?.opType === node.opType;
  const canScale = isFloatType(elementTypeOf(output(node))) && !node.graph.isOutput(output(node));
  return isSquare && squares?.domain === '' && !isCentred && canScale;
}

/** Whether a value is the constant 2; an exponent may be an integer whatever the base is. */
function isTwo(value: Value | undefined): boolean {
  const tensor = value?.tensor;
  if (tensor?.size !== 1) return false;
  return (isFloatType(tensor.type) ? tensor.floats() : tensor.integers())[0] === 2;
}

function coupleReduce(
  node: Node,
  ofZeros: OfZeros,
  axes: readonly number[] | 'all' | 'dynamic',
  keepDims: boolean,
): Coupling {
  const [data, out] = [input(node, 0), output(node)];
  const rank = rankOf(data);
  if (rank === undefined) return pinUnranked(node);
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
    if (ofZeros === 'mean' && !isMeanOfSquares(node))
      approximate.push({ axis: axis(data, dim), reason: `${node.opType} divides by its length` });
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

/** A mean over C′ of C channels, of which the others are zero, times C′/C is the mean over all. */
function rescaleMean(node: Node, kept: Kept, graph: Graph): void {
  const [data, out] = [input(node, 0), output(node)];
  const axes = axesOf(node);
  const rank = rankOf(data) ?? 0;
  const type = elementTypeOf(out);
  if (axes === 'dynamic' || !isFloatType(type) || !isMeanOfSquares(node)) return;
  const reduced = axes === 'all' ? [...Array(rank).keys()] : axes.map((each) => fromFront(each, rank));
  const share = reduced.reduce((product, dim) => {
    const place = axis(data, dim);
    return product * ((kept(place)?.length ?? lengthOf(place) ?? 1) / (lengthOf(place) ?? 1));
  }, 1);
  if (share === 1) return;
  const readers = [...out.uses];
  const factor = graph.addInitializer(`${out.name}_share`, Tensor.of(type, [], floatBytes(type, [share])));
  const scaled = append(graph, `${out.name}_rescaled`, { opType: 'Mul', inputs: [out, factor] });
  graph.setType(scaled, out.type);
  graph.replaceUses(out, scaled, readers);
}

/** The position of the largest element: a number that cutting would change. */
const argument: OpRule = {
  domain: '',
  opTypes: ['ArgMax', 'ArgMin'],
  couple: (node) => coupleReduce(node, 'other', [int(node, 'axis', 0)], int(node, 'keepdims', 1) !== 0),
};

const MEAN: Passage = { kind: 'moves', constant: true, multiples: 'any' };
/** The largest of −x is not that of x. */
const EXTREME: Passage = { kind: 'moves', constant: true, multiples: 'positive' };

export const reduceRules: readonly OpRule[] = [
  reduction(['ReduceSum', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare', 'ReduceLogSum'], 'none'),
  { ...reduction(['ReduceMean'], 'mean'), repair: rescaleMean, passage: () => MEAN },
  { ...reduction(['ReduceMax', 'ReduceMin'], 'other'), passage: () => EXTREME, integers: movesIntegers },
  reduction(['ReduceProd', 'ReduceLogSumExp'], 'other'),
  argument,
];
