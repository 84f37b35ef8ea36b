import { int, ints, intsAttribute } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { lengthOf, type Value } from '../ir/value.ts';
import { passBatch, scoreMacs } from './attention-axes.ts';
import { axis, CouplingBuilder, contract, countedLength, input, output, pinAll, rankOf } from './coupling.ts';
import {
  coupleHeads,
  type HeadDims,
  type HeadedTensor,
  type HeadLayout,
  innerAxis,
  perHead,
  repairCount,
  repairScale,
  segment,
  wholeDims,
} from './heads.ts';
import type { Coupling, InnerAxis, OpRule } from './rule.ts';

/** Heads of one number for queries, keys and values, and the dimensions in each. */
interface Heads {
  readonly heads: InnerAxis;
  readonly qk: HeadDims;
  readonly v: HeadDims;
}

/** undefined where `hidden` positions do not make `num_heads` heads. */
function headsOf(
  node: Node,
  hidden: number | undefined,
  hiddenV: number | undefined,
  tied: boolean,
): Heads | undefined {
  const count = int(node, 'num_heads', 0);
  if (hidden === undefined || hiddenV === undefined || count < 1) return undefined;
  if (hidden % count !== 0 || hiddenV % count !== 0) return undefined;
  const qk = wholeDims(node, 'dimensions', hidden / count);
  const v = tied ? qk : wholeDims(node, 'value dimensions', hiddenV / count);
  return { heads: innerAxis(node, 'heads', count), qk, v };
}

/** Keys or values: [batch, sequence, hidden], or [batch, heads, sequence, dimensions] where they come from a cache. */
function layoutOf(value: Value): HeadLayout {
  return rankOf(value) === 4 ? { heads: axis(value, 1), dims: axis(value, 3) } : { flat: axis(value, 2) };
}

function hiddenOf(value: Value): number | undefined {
  if (rankOf(value) !== 4) return lengthOf(axis(value, 2));
  const [heads, dims] = [lengthOf(axis(value, 1)), lengthOf(axis(value, 3))];
  return heads === undefined || dims === undefined ? undefined : heads * dims;
}

function multiHeads(node: Node): Heads | undefined {
  const [query, key, value] = [input(node, 0), input(node, 1), input(node, 2)];
  // Where there is a cache, or keys and values come from one, onnxruntime wants heads of one size.
  const tied = node.inputs[6] !== undefined || rankOf(key) === 4;
  const [hidden, hiddenV] = [lengthOf(axis(query, 2)), hiddenOf(value)];
  return tied && hidden !== hiddenV ? undefined : headsOf(node, hidden, hiddenV, tied);
}

/**
 * query [batch, sequence, D], key and value [batch, sequence, D or D_v] or [batch, heads, sequence, dimensions],
 * bias [D + D + D_v], masks, attention_bias [batch, heads, sequence, total], past and present keys and values
 * [batch, heads, length, dimensions], output [batch, sequence, D_v], scores [batch, heads, sequence, total].
 * Queries without a dimension take that of the keys out of every product, so masking queries (and their bias) is enough;
 * a dimension of the values goes to the same one of the output.
 * Source: onnxruntime docs/ContribOperators.md, com.microsoft.MultiHeadAttention.
 */
function coupleMultiHead(node: Node): Coupling {
  const [query, key, value, bias, , attentionBias, pastKey, pastValue] = node.inputs;
  if (query === undefined || key === undefined || value === undefined || rankOf(query) !== 3)
    return pinAll(
      node,
      'MultiHeadAttention gets queries, keys and values packed, which onnxruntime does not run on a CPU',
    );
  if (node.inputs[8] !== undefined || node.inputs[9] !== undefined)
    return pinAll(node, 'MultiHeadAttention shares the memory of past and present keys');
  const out = output(node);
  const sizes = multiHeads(node);
  if (sizes === undefined || rankOf(out) !== 3) return pinAll(node, 'the sizes at MultiHeadAttention are unknown');
  const { heads, qk, v } = sizes;
  const coupling = new CouplingBuilder();
  passBatch(coupling, node, query, [key, value, attentionBias, pastKey, pastValue, ...node.outputs]);
  coupling.contractions.push({ input: 0, dim: 2 });
  const tensors: HeadedTensor[] = [
    { at: { flat: axis(query, 2) }, heads, dims: qk },
    { at: layoutOf(key), heads, dims: qk },
    { at: layoutOf(value), heads, dims: v },
    { at: { flat: axis(out, 2) }, heads, dims: v },
  ];
  const cache = (each: Value | undefined, dims: HeadDims): void => {
    if (each !== undefined) tensors.push({ at: { heads: axis(each, 1), dims: axis(each, 3) }, heads, dims });
  };
  for (const keys of [pastKey, node.outputs[1]]) cache(keys, qk);
  for (const values of [pastValue, node.outputs[2]]) cache(values, v);
  if (bias !== undefined) {
    coupling.contractions.push({ input: 3, dim: 0 });
    tensors.push(...packedQkv(coupling, node, axis(bias, 0), sizes));
  }
  return coupleHeads(coupling, {
    tensors,
    queries: heads,
    keys: heads,
    headLinks: perHead(heads, [attentionBias, node.outputs[3]]),
  });
}

/** Queries, keys and values end to end along one axis. */
function packedQkv(
  coupling: CouplingBuilder,
  node: Node,
  whole: { value: Value; dim: number },
  sizes: Heads,
): HeadedTensor[] {
  const { heads, qk, v } = sizes;
  let from = 0;
  return [qk, qk, v].map((dims) => {
    const length = heads.length * dims.place.length;
    const flat = segment(coupling, node, whole, from, length);
    from += length;
    return { at: { flat }, heads, dims };
  });
}

const multiHeadAttention: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['MultiHeadAttention'],
  couple: coupleMultiHead,
  repair(node, kept, graph) {
    const sizes = node.inputs[2] && multiHeads(node);
    if (sizes === undefined) return;
    repairCount(graph, node, 'num_heads', sizes.heads, kept);
    repairScale(graph, node, sizes.qk, kept);
  },
  macs(node) {
    const [query, value] = [node.inputs[0], node.inputs[2]];
    return query && value && scoreMacs(query, hiddenOf(query), hiddenOf(value));
  },
};

/** Sizes of D, D and D_v, by the attribute or in thirds of the weight. */
function qkvSizes(node: Node): readonly [number, number, number] | undefined {
  const total = lengthOf(axis(input(node, 1), 1));
  if (total === undefined) return undefined;
  const [q = total / 3, k = total / 3, v = total / 3] = ints(node, 'qkv_hidden_sizes') ?? [];
  return q + k + v === total && q === k ? [q, k, v] : undefined;
}

function selfHeads(node: Node): Heads | undefined {
  const sizes = qkvSizes(node);
  return headsOf(node, sizes?.[0], sizes?.[2], false);
}

/**
 * input [batch, sequence, features], weights [features, D + D + D_v], bias [D + D + D_v], mask, past and present
 * [2, batch, heads, length, dimensions], attention_bias [batch, heads, sequence, total], output [batch, sequence, D_v].
 * Source: onnxruntime docs/ContribOperators.md, com.microsoft.Attention.
 */
function coupleSelfAttention(node: Node): Coupling {
  const [x, weights, out] = [input(node, 0), input(node, 1), output(node)];
  const [, , bias, , past, attentionBias] = node.inputs;
  const sizes = selfHeads(node);
  if (sizes === undefined || rankOf(x) !== 3 || rankOf(out) !== 3)
    return pinAll(node, 'the sizes at Attention are unknown');
  if (int(node, 'do_rotary', 0) !== 0)
    return pinAll(node, 'Attention turns queries and keys, which onnxruntime does not run on a CPU');
  const { heads, v } = sizes;
  const coupling = new CouplingBuilder();
  passBatch(coupling, node, x, [attentionBias, out]);
  coupling.same(axis(weights, 0), axis(x, 2));
  contract(coupling, [
    { input: 0, axis: axis(x, 2) },
    { input: 1, axis: axis(weights, 0) },
  ]);
  const tensors: HeadedTensor[] = [
    ...packedQkv(coupling, node, axis(weights, 1), sizes),
    ...(bias === undefined ? [] : packedQkv(coupling, node, axis(bias, 0), sizes)),
    { at: { flat: axis(out, 2) }, heads, dims: v },
  ];
  for (const cache of [past, node.outputs[1]]) {
    if (cache !== undefined) tensors.push({ at: { heads: axis(cache, 2), dims: axis(cache, 4) }, heads, dims: v });
  }
  return coupleHeads(coupling, {
    tensors,
    queries: heads,
    keys: heads,
    headLinks: perHead(heads, [attentionBias]),
    // Queries are made inside, so there is no input to mask for a dimension of theirs.
    dimsStay: 'Attention loses whole heads only',
  });
}

const attention: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['Attention'],
  couple: coupleSelfAttention,
  repair(node, kept, graph) {
    const [sizes, heads] = [qkvSizes(node), selfHeads(node)?.heads];
    const stay = heads && kept(heads);
    if (sizes === undefined || heads === undefined || stay === undefined) return;
    repairCount(graph, node, 'num_heads', heads, kept);
    if (node.attributes.has('qkv_hidden_sizes')) {
      const left = sizes.map((size) => (size / heads.length) * stay.length);
      graph.setAttribute(node, intsAttribute('qkv_hidden_sizes', left));
    }
  },
  macs(node) {
    const [x, sizes] = [input(node, 0), qkvSizes(node)];
    const scores = sizes && scoreMacs(x, sizes[0], sizes[2]);
    const tokens = countedLength(x.type?.dims?.[0]) * countedLength(x.type?.dims?.[1]);
    return scores === undefined ? undefined : tokens * (input(node, 1).tensor?.size ?? 0) + scores;
  },
};

export const fusedAttentionRules: readonly OpRule[] = [multiHeadAttention, attention];
