import { int, intsAttribute } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { lengthOf, type Value } from '../ir/value.ts';
import { axis, CouplingBuilder, input, output, pinAll, pinUnranked, rankOf } from './coupling.ts';
import { joinsIntegers, movesIntegers } from './integers.ts';
import { fromFront, intsParameter, setIntsParameter } from './parameters.ts';
import type { Coupling, OpRule, Passage } from './rule.ts';

/**
 * Parts laid end to end along one axis of a whole: Concat reads it one way, Split the other.
 * A part whose length is unknown leaves the places of the others unknown too.
 */
export function coupleParts(node: Node, whole: Value, parts: readonly Value[]): Coupling {
  const rank = rankOf(whole);
  if (rank === undefined || parts.some((part) => rankOf(part) !== rank)) return pinUnranked(node);
  const along = fromFront(int(node, 'axis', node.opType === 'Concat' ? 1 : 0), rank);
  const coupling = new CouplingBuilder();
  let start: number | undefined = 0;
  for (const part of parts) {
    for (let dim = 0; dim < rank; dim++) if (dim !== along) coupling.same(axis(part, dim), axis(whole, dim));
    const length = lengthOf(axis(part, along));
    if (length === undefined || start === undefined) {
      start = undefined;
      coupling
        .pin(whole, along, `${node.opType} joins parts of unknown length`)
        .pin(part, along, `${node.opType} joins parts of unknown length`);
      continue;
    }
    coupling.links.push({
      a: axis(part, along),
      b: axis(whole, along),
      map: { kind: 'shift', from: 0, by: start, length },
    });
    start += length;
  }
  return coupling;
}

const UNCHANGED: Passage = { kind: 'moves', constant: true, multiples: 'any' };

const concat: OpRule = {
  domain: '',
  opTypes: ['Concat'],
  integers: joinsIntegers,
  passage: () => UNCHANGED,
  couple: (node) =>
    coupleParts(
      node,
      output(node),
      node.inputs.filter((part) => part !== undefined),
    ),
};

const SPLIT = { attribute: 'split', input: 1 };

const split: OpRule = {
  domain: '',
  opTypes: ['Split'],
  integers: movesIntegers,
  passage: () => UNCHANGED,
  couple(node) {
    if (intsParameter(node, SPLIT) === 'dynamic')
      return pinAll(node, 'the lengths that Split gives are computed at run time');
    return coupleParts(
      node,
      input(node, 0),
      node.outputs.filter((part) => part !== undefined),
    );
  },
  repair(node, kept, graph) {
    const rank = rankOf(input(node, 0)) ?? 0;
    const along = fromFront(int(node, 'axis', 0), rank);
    const cut = node.outputs.some((part) => part !== undefined && kept(axis(part, along)) !== undefined);
    if (!cut) return;
    const lengths = node.outputs.map(
      (part) => (part && (kept(axis(part, along))?.length ?? lengthOf(axis(part, along)))) ?? 0,
    );
    // Equal parts need no list until the parts differ; then the list has the place that the operator set gives it.
    if (intsParameter(node, SPLIT) === undefined && new Set(lengths).size === 1) return;
    graph.removeAttribute(node, 'num_outputs');
    if (node.opset < 13 && !node.attributes.has('split')) graph.setAttribute(node, intsAttribute('split', lengths));
    setIntsParameter(graph, node, SPLIT, lengths);
  },
};

/** Along `axis` an output position holds the data position that a constant index names; other axes pass. */
function coupleGather(node: Node): Coupling {
  const [data, indices, out] = [input(node, 0), input(node, 1), output(node)];
  const [rank, indexRank] = [rankOf(data), rankOf(indices)];
  if (rank === undefined || indexRank === undefined) return pinUnranked(node);
  const along = fromFront(int(node, 'axis', 0), rank);
  const coupling = new CouplingBuilder();
  for (let dim = 0; dim < rank; dim++) {
    if (dim === along) continue;
    coupling.same(axis(data, dim), axis(out, dim < along ? dim : dim + indexRank - 1));
    if (data.tensor !== undefined) coupling.tables.push(axis(data, dim));
  }
  const chosen = constantIndices(node);
  if (chosen !== undefined && indexRank === 1) {
    coupling.links.push({ a: axis(out, along), b: axis(data, along), map: { kind: 'indices', indices: chosen } });
    coupling.same(axis(indices, 0), axis(out, along));
    return coupling;
  }
  coupling.pin(
    data,
    along,
    indices.tensor === undefined
      ? 'Gather looks positions up in it at run time'
      : 'Gather picks single positions out of it',
  );
  for (let dim = 0; dim < indexRank; dim++) coupling.same(axis(indices, dim), axis(out, along + dim));
  return coupling;
}

/** The positions that a Gather with constant indices reads, counted from the front. */
function constantIndices(node: Node): number[] | undefined {
  const indices = node.inputs[1]?.tensor;
  const rank = rankOf(input(node, 0)) ?? 0;
  const length = lengthOf(axis(input(node, 0), fromFront(int(node, 'axis', 0), rank)));
  if (indices === undefined || length === undefined || indices.dims.length !== 1) return undefined;
  return indices.integers().map((index) => fromFront(index, length));
}

const gather: OpRule = {
  domain: '',
  opTypes: ['Gather'],
  integers: movesIntegers,
  passage: () => UNCHANGED,
  couple: coupleGather,
  repair(node, kept, graph) {
    const chosen = constantIndices(node);
    const data = input(node, 0);
    const along = fromFront(int(node, 'axis', 0), rankOf(data) ?? 0);
    const keptData = kept(axis(data, along));
    if (chosen === undefined || keptData === undefined) return;
    const renumbered = new Map(keptData.map((before, after) => [before, after]));
    const keptOut = kept(axis(output(node), along)) ?? chosen.map((_, position) => position);
    const indices = keptOut.map((position) => renumbered.get(chosen[position] ?? -1) ?? 0);
    setIntsParameter(graph, node, { attribute: 'indices', input: 1 }, indices);
  },
  indexes(node) {
    const [data, indices] = [input(node, 0), input(node, 1)];
    const bound = lengthOf(axis(data, fromFront(int(node, 'axis', 0), rankOf(data) ?? 0)));
    return bound === undefined ? [] : [{ input: indices, bound }];
  },
};

export const joinRules: readonly OpRule[] = [concat, split, gather];
