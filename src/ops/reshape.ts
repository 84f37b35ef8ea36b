import { int, ints, intsAttribute, string } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { type Axis, dimsOf, lengthOf } from '../ir/value.ts';
import { axis, CouplingBuilder, input, output, pinAll, pinUnranked, pinValue, rankOf } from './coupling.ts';
import { movesIntegers } from './integers.ts';
import { fromFront, intsParameter, partialIntsParameter, setIntsParameter } from './parameters.ts';
import { coupleRegrouping } from './regroup.ts';
import type { Coupling, OpRule } from './rule.ts';

const SHAPE = { attribute: 'shape', input: 1 };
const COMPUTED = 'the shape that Reshape gives is computed at run time';

const reshape: OpRule = {
  domain: '',
  opTypes: ['Reshape'],
  couple(node) {
    const target = partialIntsParameter(node, SHAPE);
    const lengths = dimsOf(output(node));
    // A length that is computed comes out of lengths from before the cut.
    const computed = target?.map((element) => element === undefined) ?? [true];
    if (computed.every((each) => each) && computed.length > 0) return pinAll(node, COMPUTED);
    if (computed.some((each, i) => each && Number(lengths?.[i]) > 1)) return pinAll(node, COMPUTED);
    return coupleRegrouping(node);
  },
  repair(node, kept, graph) {
    const target = partialIntsParameter(node, SHAPE);
    if (target === undefined) return;
    const [data, out] = [input(node, 0), output(node)];
    const left = (place: Axis): number | undefined => kept(place)?.length ?? lengthOf(place);
    const lengths = target.map((wish, dim) => {
      // -1 fills a length in and 0 copies one, unless it now copies another length than it should.
      const own = left(axis(out, dim));
      if (wish === undefined) return undefined;
      if (wish > 0) return own ?? wish;
      return wish === 0 && own !== undefined && own !== left(axis(data, dim)) ? own : wish;
    });
    if (lengths.some((length, dim) => length !== target[dim])) setIntsParameter(graph, node, SHAPE, lengths);
  },
  passesElements: true,
  integers: movesIntegers,
};

const flatten: OpRule = {
  domain: '',
  opTypes: ['Flatten'],
  couple: coupleRegrouping,
  passesElements: true,
  integers: movesIntegers,
};

const AXES = { attribute: 'axes', input: 1 };

/** Axes of length 1 come and go; the others pass in order. */
function coupleSqueeze(node: Node): Coupling {
  const [data, out] = [input(node, 0), output(node)];
  const [before, after] = [dimsOf(data), dimsOf(out)];
  if (before === undefined || after === undefined) return pinUnranked(node);
  const axes = intsParameter(node, AXES);
  if (axes === 'dynamic') return pinAll(node, `the axes of ${node.opType} are computed at run time`);
  const [longer, shorter] = before.length >= after.length ? [data, out] : [out, data];
  const rank = rankOf(longer) ?? 0;
  const dropped =
    axes?.map((each) => fromFront(each, rank)) ?? [...Array(rank).keys()].filter((dim) => dimsOf(longer)?.[dim] === 1);
  const coupling = new CouplingBuilder();
  let next = 0;
  for (let dim = 0; dim < rank; dim++) {
    if (!dropped.includes(dim)) coupling.same(axis(longer, dim), axis(shorter, next++));
  }
  return coupling;
}

const squeeze: OpRule = {
  domain: '',
  opTypes: ['Squeeze', 'Unsqueeze'],
  couple: coupleSqueeze,
  repair(node, kept, graph) {
    const data = input(node, 0);
    const dims = dimsOf(data) ?? [];
    // Without a list Squeeze drops every axis of length 1, and would drop one that shrank to it.
    const isOpen = node.opType === 'Squeeze' && intsParameter(node, AXES) === undefined;
    if (!isOpen || !dims.some((_, dim) => kept(axis(data, dim))?.length === 1)) return;
    const axes = dims.flatMap((length, dim) => (length === 1 ? [dim] : []));
    if (node.opset < 13) graph.setAttribute(node, intsAttribute('axes', axes));
    else setIntsParameter(graph, node, AXES, axes);
  },
  passesElements: true,
  integers: movesIntegers,
};

/** Unsqueeze by one axis, a scalar of type int32. The axis counts among those of the data and one more. */
const expandDims: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['ExpandDims'],
  couple: coupleSqueeze,
  passesElements: true,
};

const transpose: OpRule = {
  domain: '',
  opTypes: ['Transpose'],
  couple(node) {
    const [data, out] = [input(node, 0), output(node)];
    const rank = rankOf(data);
    if (rank === undefined || rankOf(out) !== rank) return pinUnranked(node);
    const permutation = ints(node, 'perm') ?? [...Array(rank).keys()].reverse();
    const coupling = new CouplingBuilder();
    permutation.forEach((from, to) => {
      coupling.same(axis(data, from), axis(out, to));
    });
    return coupling;
  },
  passesElements: true,
  integers: movesIntegers,
};

/**
 * Blocks of b² channels become b × b pixels. DCR: channel = (block row, block column, depth); CRD: (depth, row, column).
 * Source: ONNX operator DepthToSpace, attribute mode.
 */
const depthToSpace: OpRule = {
  domain: '',
  opTypes: ['DepthToSpace', 'SpaceToDepth'],
  integers: (node) => (node.opType === 'DepthToSpace' ? movesIntegers() : undefined),
  couple(node) {
    const toSpace = node.opType === 'DepthToSpace';
    const [deep, flat] = toSpace ? [input(node, 0), output(node)] : [output(node), input(node, 0)];
    const [depth, channels] = [lengthOf(axis(deep, 1)), lengthOf(axis(flat, 1))];
    if (depth === undefined || channels === undefined)
      return pinAll(node, `the number of channels at ${node.opType} is unknown`);
    const block = int(node, 'blocksize', 1) ** 2;
    const crd = toSpace && string(node, 'mode', 'DCR') === 'CRD';
    const coupling = new CouplingBuilder();
    coupling.same(axis(deep, 0), axis(flat, 0));
    coupling.links.push({
      a: axis(flat, 1),
      b: axis(deep, 1),
      map: { kind: 'factor', outer: crd ? 1 : block, inner: crd ? block : 1 },
    });
    for (const value of [deep, flat])
      coupling.pins.push(...pinValue(value, `${node.opType} moves pixels along it`, (dim) => dim > 1));
    return coupling;
  },
};

export const reshapeRules: readonly OpRule[] = [reshape, flatten, squeeze, expandDims, transpose, depthToSpace];
