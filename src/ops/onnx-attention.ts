import { int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { lengthOf, type Value } from '../ir/value.ts';
import { passBatch, scoreMacs } from './attention-axes.ts';
import { axis, CouplingBuilder, input, output, pinAll, rankOf, same } from './coupling.ts';
import {
  coupleHeads,
  type HeadDims,
  type HeadedTensor,
  innerAxis,
  repairCount,
  repairScale,
  wholeDims,
} from './heads.ts';
import type { AxisLink, Coupling, InnerAxis, OpRule } from './rule.ts';

interface Sizes {
  readonly queries: InnerAxis;
  readonly keys: InnerAxis;
  readonly qk: HeadDims;
  readonly v: HeadDims;
}

/** Heads along axis 1 of tensors of rank four; by attribute, and end to end along the last axis, for rank three. */
function headsOf(node: Node, value: Value, attribute: string): { heads: number; size: number } | undefined {
  const isApart = rankOf(value) === 4;
  const heads = isApart ? lengthOf(axis(value, 1)) : int(node, attribute, 0);
  const last = lengthOf(axis(value, isApart ? 3 : 2));
  if (heads === undefined || heads < 1 || last === undefined) return undefined;
  return isApart ? { heads, size: last } : { heads, size: last / heads };
}

function sizesOf(node: Node): Sizes | undefined {
  const q = headsOf(node, input(node, 0), 'q_num_heads');
  const k = headsOf(node, input(node, 1), 'kv_num_heads');
  const v = headsOf(node, input(node, 2), 'kv_num_heads');
  if (q === undefined || k === undefined || v === undefined || k.heads !== v.heads || q.size !== k.size)
    return undefined;
  if (q.heads % k.heads !== 0 || !Number.isInteger(q.size) || !Number.isInteger(v.size)) return undefined;
  const queries = innerAxis(node, 'heads', q.heads);
  return {
    queries,
    keys: q.heads === k.heads ? queries : innerAxis(node, 'key heads', k.heads),
    qk: wholeDims(node, 'dimensions', q.size),
    v: wholeDims(node, 'value dimensions', v.size),
  };
}

/** The mask is broadcast to [batch, heads, sequence, total]. */
function maskLinks(queries: InnerAxis, mask: Value | undefined): AxisLink[] {
  const dim = mask === undefined ? -1 : (rankOf(mask) ?? 0) - 3;
  if (mask === undefined || dim < 0 || lengthOf(axis(mask, dim)) === 1) return [];
  return [same(queries, axis(mask, dim))];
}

/**
 * Q, K, V and Y [batch, sequence, heads · size] or [batch, heads, sequence, size], past and present keys and values
 * [batch, key heads, length, size], scores [batch, heads, sequence, total]. One head of keys and values serves as many
 * consecutive heads of queries. Masked dimensions of queries take those of keys out of every product; a dimension of
 * the values goes to the same one of the output.
 * Source: ONNX operator Attention, opsets 23 and 24.
 */
function coupleAttention(node: Node): Coupling {
  const [q, k, v, mask, pastKey, pastValue] = node.inputs;
  const y = output(node);
  const sizes = q && k && v && sizesOf(node);
  if (q === undefined || k === undefined || v === undefined || sizes === undefined || rankOf(y) !== rankOf(q))
    return pinAll(node, 'the sizes at Attention are unknown');
  const coupling = new CouplingBuilder();
  passBatch(coupling, node, q, [k, v, pastKey, pastValue, ...node.outputs]);
  const isApart = rankOf(q) === 4;
  coupling.contractions.push({ input: 0, dim: isApart ? 3 : 2 });
  const tensors: HeadedTensor[] = [];
  const add = (value: Value | undefined, heads: InnerAxis, dims: HeadDims, cached = false): void => {
    if (value === undefined) return;
    const at = isApart || cached ? { heads: axis(value, 1), dims: axis(value, 3) } : { flat: axis(value, 2) };
    tensors.push({ at, heads, dims });
  };
  add(q, sizes.queries, sizes.qk);
  add(k, sizes.keys, sizes.qk);
  add(v, sizes.keys, sizes.v);
  add(y, sizes.queries, sizes.v);
  for (const keys of [pastKey, node.outputs[1]]) add(keys, sizes.keys, sizes.qk, true);
  for (const values of [pastValue, node.outputs[2]]) add(values, sizes.keys, sizes.v, true);
  const scores = node.outputs[3];
  return coupleHeads(coupling, {
    tensors,
    queries: sizes.queries,
    keys: sizes.keys,
    headLinks: [
      ...maskLinks(sizes.queries, mask),
      ...(scores === undefined ? [] : [same(sizes.queries, axis(scores, 1))]),
    ],
  });
}

const attention: OpRule = {
  domain: '',
  opTypes: ['Attention'],
  couple: coupleAttention,
  repair(node, kept, graph) {
    const sizes = sizesOf(node);
    if (sizes === undefined) return;
    if (node.attributes.has('q_num_heads')) repairCount(graph, node, 'q_num_heads', sizes.queries, kept);
    if (node.attributes.has('kv_num_heads')) repairCount(graph, node, 'kv_num_heads', sizes.keys, kept);
    repairScale(graph, node, sizes.qk, kept);
  },
  macs(node) {
    const sizes = sizesOf(node);
    if (sizes === undefined) return undefined;
    const { queries, qk, v } = sizes;
    return scoreMacs(input(node, 0), queries.length * qk.place.length, queries.length * v.place.length);
  },
};

export const onnxAttentionRules: readonly OpRule[] = [attention];
