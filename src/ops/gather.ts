import { int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { dimsOf, lengthOf, type Value } from '../ir/value.ts';
import { axis, CouplingBuilder, input, isRanked, output, pinAll, pinUnranked, rankOf } from './coupling.ts';
import { followIndices, renumberIndices, singles, tuples } from './indices.ts';
import { fromFront } from './parameters.ts';
import type { Coupling, OpRule } from './rule.ts';

/**
 * Links position i of each axis of a value with position i of another's, but for one axis. The other value may be
 * longer: what it has behind the end of the first corresponds to nothing.
 */
export function passInOrder(coupling: CouplingBuilder, shorter: Value, longer: Value, except: number): void {
  dimsOf(shorter)?.forEach((length, dim) => {
    if (dim === except) return;
    const [a, b] = [axis(shorter, dim), axis(longer, dim)];
    if (typeof length === 'number') coupling.links.push({ a, b, map: { kind: 'shift', from: 0, by: 0, length } });
    else coupling.same(a, b);
  });
}

function readsAt(node: Node): string {
  return input(node, 1).tensor === undefined
    ? `${node.opType} looks positions up in it at run time`
    : `${node.opType} picks single positions out of it`;
}

/**
 * data [B…, D…], indices [B…, P…, k], output [B…, P…, D[k…]…], with `batch_dims` axes B. The k axes behind the batch
 * are looked up by index; those behind them pass.
 * Source: ONNX operator GatherND.
 */
function coupleGatherND(node: Node): Coupling {
  if (!isRanked(node)) return pinUnranked(node);
  const [data, indices, out] = [input(node, 0), input(node, 1), output(node)];
  const batch = int(node, 'batch_dims', 0);
  const layout = tuples(indices, batch);
  if (layout === undefined) return pinAll(node, 'how many axes GatherND looks up is unknown');
  const coupling = new CouplingBuilder();
  const prefix = (rankOf(indices) ?? 1) - 1;
  for (let dim = 0; dim < batch; dim++) coupling.same(axis(data, dim), axis(out, dim));
  for (let dim = 0; dim < prefix; dim++) coupling.same(axis(indices, dim), axis(out, dim));
  coupling.pin(indices, prefix, 'it holds the parts of an index');
  const followed = followIndices(data, indices, layout);
  for (const { dim, along, positions } of followed)
    coupling.links.push({ a: axis(out, along), b: axis(data, dim), map: { kind: 'indices', indices: positions } });
  for (let dim = batch; dim < batch + layout.size; dim++) {
    if (!followed.some((each) => each.dim === dim)) coupling.pin(data, dim, readsAt(node));
  }
  const rank = rankOf(data) ?? 0;
  for (let dim = batch + layout.size; dim < rank; dim++)
    coupling.same(axis(data, dim), axis(out, prefix + dim - batch - layout.size));
  return coupling;
}

/** Both domains have it; the runtime's own has no batch. */
function gatherND(domain: string): OpRule {
  return {
    domain,
    opTypes: ['GatherND'],
    couple: coupleGatherND,
    repair(node, kept, graph) {
      const layout = tuples(input(node, 1), int(node, 'batch_dims', 0));
      if (layout !== undefined) renumberIndices(node, kept, graph, { input: 1, layout });
    },
    indexes(node) {
      const [data, indices] = [input(node, 0), input(node, 1)];
      const layout = tuples(indices, int(node, 'batch_dims', 0));
      const lengths = Array.from({ length: layout?.size ?? 0 }, (_, part) =>
        lengthOf(axis(data, layout?.dimOf(part) ?? 0)),
      );
      return lengths.length === 0 ? [] : [{ input: indices, bound: Math.min(...lengths.map((each) => each ?? 1)) }];
    },
  };
}

/** The axis that GatherElements looks up. */
function axisOf(node: Node): number {
  return fromFront(int(node, 'axis', 0), rankOf(input(node, 0)) ?? 0);
}

/**
 * The output has the shape of the indices, which have as many axes as the data and may be shorter. Along `axis` the
 * indices say what is read; along every other axis position i reads position i.
 * Source: ONNX operator GatherElements.
 */
const gatherElements: OpRule = {
  domain: '',
  opTypes: ['GatherElements'],
  couple(node) {
    if (!isRanked(node)) return pinUnranked(node);
    const [data, indices, out] = [input(node, 0), input(node, 1), output(node)];
    const along = axisOf(node);
    const coupling = new CouplingBuilder();
    dimsOf(indices)?.forEach((_, dim) => {
      coupling.same(axis(indices, dim), axis(out, dim));
    });
    passInOrder(coupling, out, data, along);
    const [followed] = followIndices(data, indices, singles(along)).filter((each) => each.along === along);
    if (followed === undefined) coupling.pin(data, along, readsAt(node));
    else {
      const map = { kind: 'indices', indices: followed.positions } as const;
      coupling.links.push({ a: axis(out, along), b: axis(data, along), map });
    }
    return coupling;
  },
  repair: (node, kept, graph) => renumberIndices(node, kept, graph, { input: 1, layout: singles(axisOf(node)) }),
  indexes(node) {
    const bound = lengthOf(axis(input(node, 0), axisOf(node)));
    return bound === undefined ? [] : [{ input: input(node, 1), bound }];
  },
};

/**
 * Picks the positions of one axis that a condition marks; the other axes pass. Without an axis the data are flattened.
 * Source: ONNX operator Compress.
 */
const compress: OpRule = {
  domain: '',
  opTypes: ['Compress'],
  couple(node) {
    if (!isRanked(node)) return pinUnranked(node);
    const [data, out] = [input(node, 0), output(node)];
    const rank = rankOf(data) ?? 0;
    const along = node.attributes.has('axis') ? fromFront(int(node, 'axis', 0), rank) : undefined;
    if (along === undefined) return pinAll(node, 'Compress picks elements out of all axes at once');
    const coupling = new CouplingBuilder();
    for (let dim = 0; dim < rank; dim++) if (dim !== along) coupling.same(axis(data, dim), axis(out, dim));
    return coupling
      .pin(data, along, 'Compress picks positions out of it')
      .pin(out, along, 'Compress picks its positions');
  },
};

export const gatherRules: readonly OpRule[] = [gatherND(''), gatherND('com.microsoft'), gatherElements, compress];
