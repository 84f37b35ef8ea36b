import { int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { lengthOf } from '../ir/value.ts';
import { axis, CouplingBuilder, input, isRanked, output, passAxes, pinAll, pinUnranked, rankOf } from './coupling.ts';
import { passInOrder } from './gather.ts';
import { followIndices, renumberIndices, singles, tuples } from './indices.ts';
import { fromFront } from './parameters.ts';
import type { Coupling, OpRule } from './rule.ts';

/**
 * data [D…], indices [P…, k], updates [P…, D[k…]…], output as data. The first k axes of the data are written by index;
 * those behind them pass. Whatever `reduction` joins the old element with the new one, it does so place by place.
 * Source: ONNX operator ScatterND.
 */
function coupleScatterND(node: Node): Coupling {
  if (!isRanked(node)) return pinUnranked(node);
  const [data, indices, updates, out] = [input(node, 0), input(node, 1), input(node, 2), output(node)];
  const layout = tuples(indices, 0);
  if (layout === undefined) return pinAll(node, 'how many axes ScatterND writes by index is unknown');
  const coupling = new CouplingBuilder();
  passAxes(coupling, data, out);
  const prefix = (rankOf(indices) ?? 1) - 1;
  const followed = followIndices(data, indices, layout);
  for (const { dim, along, positions } of followed)
    coupling.links.push({ a: axis(updates, along), b: axis(data, dim), map: { kind: 'indices', indices: positions } });
  for (let dim = 0; dim < layout.size; dim++) {
    if (!followed.some((each) => each.dim === dim)) coupling.pin(data, dim, writesAt(node));
  }
  for (let dim = 0; dim < prefix; dim++) {
    coupling.same(axis(indices, dim), axis(updates, dim));
    if (!followed.some((each) => each.along === dim))
      coupling.pin(updates, dim, 'ScatterND writes every position of it');
  }
  coupling.pin(indices, prefix, 'it holds the parts of an index');
  const rank = rankOf(data) ?? 0;
  for (let dim = layout.size; dim < rank; dim++)
    coupling.same(axis(updates, prefix + dim - layout.size), axis(data, dim));
  return coupling;
}

function writesAt(node: Node): string {
  return input(node, 1).tensor === undefined
    ? `${node.opType} writes into it at places that are known at run time only`
    : `${node.opType} writes into single positions of it`;
}

const scatterND: OpRule = {
  domain: '',
  opTypes: ['ScatterND'],
  couple: coupleScatterND,
  repair(node, kept, graph) {
    const layout = tuples(input(node, 1), 0);
    if (layout !== undefined) renumberIndices(node, kept, graph, { input: 1, layout });
  },
  indexes(node) {
    const [data, indices] = [input(node, 0), input(node, 1)];
    const lengths = Array.from({ length: tuples(indices, 0)?.size ?? 0 }, (_, dim) => lengthOf(axis(data, dim)) ?? 1);
    return lengths.length === 0 ? [] : [{ input: indices, bound: Math.min(...lengths) }];
  },
};

/** The axis that ScatterElements and its like index. */
function axisOf(node: Node): number {
  return fromFront(int(node, 'axis', 0), rankOf(input(node, 0)) ?? 0);
}

/**
 * Indices and updates have one shape, as many axes as the data, and may be shorter than they. Along `axis` the indices
 * say where an update goes; along every other axis position i goes to position i.
 * Source: ONNX operators ScatterElements and, up to opset 10, Scatter.
 */
function coupleScatterElements(node: Node): Coupling {
  if (!isRanked(node)) return pinUnranked(node);
  const [data, indices, updates, out] = [input(node, 0), input(node, 1), input(node, 2), output(node)];
  const along = axisOf(node);
  const coupling = new CouplingBuilder();
  passAxes(coupling, data, out);
  passAxes(coupling, indices, updates);
  passInOrder(coupling, updates, data, along);
  const [followed] = followIndices(data, indices, singles(along)).filter((each) => each.along === along);
  if (followed === undefined) {
    coupling.pin(data, along, writesAt(node)).pin(updates, along, `${node.opType} writes every position of it`);
  } else {
    const map = { kind: 'indices', indices: followed.positions } as const;
    coupling.links.push({ a: axis(updates, along), b: axis(data, along), map });
  }
  return coupling;
}

const scatterElements: OpRule = {
  domain: '',
  opTypes: ['ScatterElements', 'Scatter'],
  couple: coupleScatterElements,
  repair: (node, kept, graph) => renumberIndices(node, kept, graph, { input: 1, layout: singles(axisOf(node)) }),
  indexes(node) {
    const bound = lengthOf(axis(input(node, 0), axisOf(node)));
    return bound === undefined ? [] : [{ input: input(node, 1), bound }];
  },
};

/**
 * A cache [batch, …, steps, …] in which a run of steps is overwritten, from a place of its own for each sample:
 * update as the cache but for its own number of steps, write_indices [batch].
 * Source: ONNX operator TensorScatter.
 */
const tensorScatter: OpRule = {
  domain: '',
  opTypes: ['TensorScatter'],
  couple(node) {
    if (!isRanked(node)) return pinUnranked(node);
    const [cache, update, starts, out] = [input(node, 0), input(node, 1), node.inputs[2], output(node)];
    const steps = fromFront(int(node, 'axis', -2), rankOf(cache) ?? 0);
    const coupling = new CouplingBuilder();
    const written = (dim: number): string | undefined =>
      dim === steps ? 'TensorScatter writes into it step by step' : undefined;
    passAxes(coupling, cache, out, written);
    passAxes(coupling, update, cache, written);
    if (starts !== undefined) coupling.same(axis(starts, 0), axis(cache, 0));
    return coupling;
  },
  indexes(node) {
    const [cache, update, starts] = [input(node, 0), input(node, 1), node.inputs[2]];
    const steps = fromFront(int(node, 'axis', -2), rankOf(cache) ?? 0);
    const [length, written] = [lengthOf(axis(cache, steps)), lengthOf(axis(update, steps))];
    if (starts === undefined || length === undefined || written === undefined) return [];
    return [{ input: starts, bound: length - written + 1 }];
  },
};

export const scatterRules: readonly OpRule[] = [scatterND, scatterElements, tensorScatter];
