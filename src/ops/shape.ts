import { int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { dimsOf, type Value } from '../ir/value.ts';
import { axis, CouplingBuilder, input, lineUp, output, pinAll, pinUnranked, rankOf } from './coupling.ts';
import { movesIntegers } from './integers.ts';
import { fromFront, intsParameter, partialIntsParameter, setIntsParameter } from './parameters.ts';
import type { Coupling, OpRule } from './rule.ts';

/**
 * The elements of a shape that a reader looks at; undefined where it may be any. The
 * places that AffineGrid makes in an image are the same for every channel.
 */
function picksOf(reader: Node, shape: Value, length: number): number[] | undefined {
  const [data, other] = reader.inputs;
  if (reader.opType === 'AffineGrid' && other === shape) return [...Array(length).keys()].filter((dim) => dim !== 1);
  if (reader.opType === 'Gather' && data === shape) return other?.tensor?.integers();
  if (reader.opType === 'Slice' && data === shape) return slicedPlaces(reader, length);
  return undefined;
}

/** The places of a list that a Slice with constant bounds gives. */
function slicedPlaces(slice: Node, length: number): number[] | undefined {
  const bound = (attribute: string, input: number, fallback: number | undefined): number | undefined => {
    const list = intsParameter(slice, { attribute, input });
    return list === undefined ? fallback : list === 'dynamic' ? undefined : list[0];
  };
  const [start, end, step] = [bound('starts', 1, undefined), bound('ends', 2, undefined), bound('steps', 4, 1)];
  if (start === undefined || end === undefined || step === undefined || step <= 0) return undefined;
  const places = [...Array(length).keys()].slice(start, end);
  return places.filter((_, i) => i % step === 0);
}

/** The axes whose lengths somebody takes out of a Shape. */
function lengthsRead(node: Node, rank: number): Set<number> {
  // Bounds beyond either end are clamped.
  const place = (bound: number): number => Math.min(Math.max(fromFront(bound, rank), 0), rank);
  const [first, end] = [place(int(node, 'start', 0)), place(int(node, 'end', rank))];
  const dims = Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);
  return new Set(placesRead(output(node), dims));
}

/** Of the dims whose lengths a list holds, those that somebody looks at, however many picks lie between. */
function placesRead(list: Value, dims: readonly number[]): readonly number[] {
  if (isGivenOut(list)) return dims;
  return [...list.uses].flatMap((each) => {
    const picked = picksOf(each, list, dims.length);
    if (picked === undefined) return dims;
    const some = picked.flatMap((index) => dims[fromFront(index, dims.length)] ?? []);
    return placesRead(output(each), some);
  });
}

function isGivenOut(value: Value): boolean {
  return value.producer?.graph.isOutput(value) ?? true;
}

/** Reads lengths: those that somebody picks are pinned, the others may change. */
const shape: OpRule = {
  domain: '',
  opTypes: ['Shape'],
  couple(node) {
    const data = input(node, 0);
    const rank = rankOf(data);
    if (rank === undefined) return pinAll(node, 'its length is read by Shape');
    const read = lengthsRead(node, rank);
    const coupling = new CouplingBuilder();
    for (let dim = 0; dim < rank; dim++) {
      if (read.has(dim)) coupling.pin(data, dim, 'its length is read by Shape');
      else coupling.free.push(axis(data, dim));
    }
    return coupling;
  },
};

/** The product of all lengths. */
const size: OpRule = {
  domain: '',
  opTypes: ['Size'],
  couple: (node) => pinAll(node, 'its length is read by Size'),
};

/** One number over and over. Where the shape is a constant its lengths follow what the result meets. */
const constantOfShape: OpRule = {
  domain: '',
  opTypes: ['ConstantOfShape'],
  couple(node) {
    const out = output(node);
    if (input(node, 0).tensor === undefined || rankOf(out) === undefined)
      return pinAll(node, 'ConstantOfShape makes it as long as is computed at run time');
    const coupling = new CouplingBuilder();
    coupling.free.push(...(dimsOf(out) ?? []).map((_, dim) => axis(out, dim)));
    return coupling;
  },
  repair(node, kept, graph) {
    const wished = intsParameter(node, SHAPE);
    if (!Array.isArray(wished)) return;
    const lengths = wished.map((length, dim) => kept(axis(output(node), dim))?.length ?? length);
    if (lengths.some((length, dim) => length !== wished[dim])) setIntsParameter(graph, node, SHAPE, lengths);
  },
};

const SHAPE = { attribute: '', input: 0 };
const TARGET = { attribute: 'shape', input: 1 };

/** Axes of length 1 are stretched to the target, the others pass. A target of 1 keeps what the data have. */
function coupleExpand(node: Node): Coupling {
  const [data, out] = [input(node, 0), output(node)];
  const [rank, outRank] = [rankOf(data), rankOf(out)];
  if (rank === undefined || outRank === undefined) return pinUnranked(node);
  const target = partialIntsParameter(node, TARGET);
  const offset = outRank - (target?.length ?? 0);
  const coupling = new CouplingBuilder();
  for (let dim = 0; dim < outRank; dim++) {
    const from = dim - (outRank - rank);
    if (from >= 0 && dimsOf(data)?.[from] !== 1) lineUp(coupling, axis(data, from), axis(out, dim));
    else if (target?.[dim - offset] !== undefined) coupling.free.push(axis(out, dim));
    else coupling.pin(out, dim, 'Expand stretches it to a length that is computed at run time');
  }
  return coupling;
}

const expand: OpRule = {
  domain: '',
  opTypes: ['Expand'],
  integers: movesIntegers,
  couple: coupleExpand,
  repair(node, kept, graph) {
    const target = partialIntsParameter(node, TARGET);
    const rank = rankOf(output(node)) ?? 0;
    if (target === undefined) return;
    const lengths = target.map((length, i) =>
      length === undefined || length === 1
        ? length
        : (kept(axis(output(node), i + rank - target.length))?.length ?? length),
    );
    if (lengths.some((length, i) => length !== target[i])) setIntsParameter(graph, node, TARGET, lengths);
  },
};

/** Copies laid end to end along each axis: position i of the data is every i + k · length of the output. */
const tile: OpRule = {
  domain: '',
  opTypes: ['Tile'],
  integers: movesIntegers,
  couple(node) {
    const [data, out] = [input(node, 0), output(node)];
    const repeats = partialIntsParameter(node, { attribute: 'repeats', input: 1 });
    const reason = 'the repeats of Tile are computed at run time';
    if (rankOf(data) === undefined || repeats === undefined) return pinAll(node, reason);
    const coupling = new CouplingBuilder();
    repeats.forEach((copies, dim) => {
      if (copies === undefined) {
        coupling.pin(data, dim, reason).pin(out, dim, reason);
        return;
      }
      const map = { kind: 'factor', outer: copies, inner: 1 } as const;
      if (copies === 1) coupling.same(axis(data, dim), axis(out, dim));
      else coupling.links.push({ a: axis(data, dim), b: axis(out, dim), map });
    });
    return coupling;
  },
};

export const shapeRules: readonly OpRule[] = [shape, size, constantOfShape, expand, tile];
