import { int, intAttribute } from '../ir/attributes.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { lengthOf } from '../ir/value.ts';
import { axis, CouplingBuilder, input, output, pinAll, rankOf, same } from './coupling.ts';
import { innerAxis } from './heads.ts';
import type { Alternative, AxisLink, Coupling, InnerAxis, Kept, OpRule } from './rule.ts';

/** Where one of these operators has its inputs. */
interface Form {
  readonly positions: number;
  readonly cos: number;
  readonly sin: number;
}

interface Sizes {
  readonly heads: number;
  /** Dimensions of a head. */
  readonly size: number;
  /** Angles, each of which turns a pair of the first dimensions. */
  readonly pairs: number;
}

/** Heads are given by the fourth axis' neighbour, by `num_heads`, or by how many dimensions the angles turn. */
function sizesOf(node: Node, form: Form): Sizes | undefined {
  const data = input(node, 0);
  const angles = lengthOf(axis(input(node, form.cos), (rankOf(input(node, form.cos)) ?? 0) - 1));
  if (angles === undefined) return undefined;
  const isApart = rankOf(data) === 4;
  const hidden = lengthOf(axis(data, isApart ? 3 : 2));
  const given = isApart ? lengthOf(axis(data, 1)) : int(node, 'num_heads', 0);
  if (hidden === undefined || given === undefined || (!isApart && rankOf(data) !== 3)) return undefined;
  const heads = given === 0 ? hidden / (2 * angles) : given;
  const size = isApart ? hidden : hidden / heads;
  return Number.isInteger(heads) && Number.isInteger(size) && 2 * angles <= size
    ? { heads, size, pairs: angles }
    : undefined;
}

/** The places inside: heads, pairs of dimensions that an angle turns, and all dimensions of a head. */
function placesOf(node: Node, { heads, size, pairs }: Sizes): Record<'heads' | 'pairs' | 'turned' | 'dims', InnerAxis> {
  return {
    heads: innerAxis(node, 'heads', heads),
    pairs: innerAxis(node, 'pairs', pairs),
    turned: innerAxis(node, 'turned', 2 * pairs),
    dims: innerAxis(node, 'dimensions', size),
  };
}

/**
 * Turns pairs of dimensions: i with i + pairs, or 2 i with 2 i + 1 where they are interleaved; the dimensions of a head
 * behind the last pair pass. Data [batch, sequence, heads · size] or [batch, heads, sequence, size]; cos and sin
 * [positions, pairs], or [batch, sequence, pairs] without position ids.
 * A pair leaves with its angle. Whole heads and pairs exclude each other where they lie along one axis.
 * Sources: ONNX operator RotaryEmbedding; onnxruntime docs/ContribOperators.md, com.microsoft.RotaryEmbedding.
 */
function coupleRotary(node: Node, form: Form): Coupling {
  const [data, out, cos, sin] = [input(node, 0), output(node), input(node, form.cos), input(node, form.sin)];
  const sizes = sizesOf(node, form);
  if (sizes === undefined || rankOf(out) !== rankOf(data))
    return pinAll(node, `the sizes at ${node.opType} are unknown`);
  const { heads, pairs, turned, dims } = placesOf(node, sizes);
  const coupling = new CouplingBuilder();
  const isApart = rankOf(data) === 4;
  const [sequence, last] = isApart ? [2, 3] : [1, 2];
  coupling.same(axis(data, 0), axis(out, 0));
  for (const value of [data, out]) coupling.pin(value, sequence, `${node.opType} turns every position its own way`);
  const interleaved = int(node, 'interleaved', 0) !== 0;
  coupling.links.push(
    { a: turned, b: dims, map: { kind: 'shift', from: 0, by: 0, length: turned.length } },
    { a: pairs, b: turned, map: { kind: 'factor', outer: interleaved ? 1 : 2, inner: interleaved ? 2 : 1 } },
  );
  const angles = [cos, sin].map((value) => axis(value, (rankOf(value) ?? 0) - 1));
  const dimLinks: AxisLink[] = angles.map((each) => same(pairs, each));
  for (const value of [data, out])
    dimLinks.push({
      a: dims,
      b: axis(value, last),
      map: { kind: 'factor', outer: isApart ? 1 : heads.length, inner: 1 },
    });
  const found = { ...coupling, batched: [isApart ? axis(data, 1) : heads], inside: [dims] };
  if (isApart) return { ...found, links: [...coupling.links, ...dimLinks, same(axis(data, 1), axis(out, 1))] };
  if (heads.length === 1) return { ...found, links: [...coupling.links, ...dimLinks] };
  const whole: Alternative = {
    links: [data, out].map((value) => ({
      a: heads,
      b: axis(value, last),
      map: { kind: 'factor', outer: 1, inner: sizes.size },
    })),
    pins: angles.map((each) => ({ axis: each, reason: `${node.opType} loses whole heads instead` })),
  };
  return { ...found, choices: [[whole, { links: dimLinks, pins: [] }]] };
}

function repairRotary(node: Node, form: Form, kept: Kept, graph: Graph): void {
  const sizes = sizesOf(node, form);
  if (sizes === undefined) return;
  const { heads, pairs } = placesOf(node, sizes);
  const isApart = rankOf(input(node, 0)) === 4;
  const stay = isApart ? kept(axis(input(node, 0), 1)) : kept(heads);
  if (stay !== undefined && int(node, 'num_heads', 0) !== 0)
    graph.setAttribute(node, intAttribute('num_heads', stay.length));
  const angles = kept(pairs);
  if (angles !== undefined && int(node, 'rotary_embedding_dim', 0) !== 0)
    graph.setAttribute(node, intAttribute('rotary_embedding_dim', 2 * angles.length));
}

function rotary(domain: string, form: Form): OpRule {
  return {
    domain,
    opTypes: ['RotaryEmbedding'],
    couple: (node) => coupleRotary(node, form),
    repair: (node, kept, graph) => repairRotary(node, form, kept, graph),
    indexes(node) {
      const positions = node.inputs[form.positions];
      const bound = lengthOf(axis(input(node, form.cos), 0));
      return positions === undefined || bound === undefined ? [] : [{ input: positions, bound }];
    },
  };
}

export const rotaryRules: readonly OpRule[] = [
  rotary('', { cos: 1, sin: 2, positions: 3 }),
  rotary('com.microsoft', { positions: 1, cos: 2, sin: 3 }),
];
