import { int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { lengthOf } from '../ir/value.ts';
import { passBatch, scoreMacs } from './attention-axes.ts';
import { axis, CouplingBuilder, input, output, pinAll, rankOf, same } from './coupling.ts';
import {
  coupleHeads,
  type HeadDims,
  type HeadedTensor,
  innerAxis,
  perHead,
  repairCount,
  repairScale,
  segment,
} from './heads.ts';
import type { AxisLink, Coupling, InnerAxis, OpRule } from './rule.ts';

/** onnxruntime takes heads of whole blocks of as many dimensions, and as many angles, only. */
const BLOCK = 8;

interface Grouped {
  readonly queries: InnerAxis;
  readonly keys: InnerAxis;
  /** Dimensions of a head. */
  readonly size: number;
  readonly dims: HeadDims;
}

/** How many angles turn each position of queries and keys, where they are turned inside; NaN where that is not known. */
function rotaryAngles(node: Node): number | undefined {
  const cos = node.inputs[7];
  if (int(node, 'do_rotary', 0) === 0) return undefined;
  return (cos && lengthOf(axis(cos, 1))) ?? Number.NaN;
}

/**
 * Blocks of dimensions that can leave together: any; where they are turned, those of the angles: dimension i with
 * i + d / 2, or 2 i with 2 i + 1 where they are interleaved.
 */
function dimsOfHead(node: Node, size: number): HeadDims {
  if (int(node, 'do_rotary', 0) === 0)
    return { place: innerAxis(node, 'dimensions', size / BLOCK), outer: 1, inner: BLOCK };
  const place = innerAxis(node, 'dimensions', size / 2 / BLOCK);
  return int(node, 'rotary_interleaved', 0) !== 0
    ? { place, outer: 1, inner: 2 * BLOCK }
    : { place, outer: 2, inner: BLOCK };
}

function groupedOf(node: Node): Grouped | undefined {
  const [queries, keys] = [int(node, 'num_heads', 0), int(node, 'kv_num_heads', 0)];
  const hidden = lengthOf(axis(input(node, 0), 2));
  const heads = node.inputs[1] === undefined ? queries + 2 * keys : queries;
  const block = int(node, 'do_rotary', 0) === 0 ? BLOCK : 2 * BLOCK;
  if (hidden === undefined || keys < 1 || queries % keys !== 0 || hidden % (heads * block) !== 0) return undefined;
  const size = hidden / heads;
  return {
    queries: innerAxis(node, 'heads', queries),
    keys: innerAxis(node, 'key heads', keys),
    size,
    dims: dimsOfHead(node, size),
  };
}

/** Why the dimensions inside the heads stay. */
function whyDimsStay(node: Node, size: number): string | undefined {
  const angles = rotaryAngles(node);
  return angles === undefined || angles === size / 2
    ? undefined
    : `${node.opType} turns a part of the dimensions of a head only`;
}

/**
 * query [batch, sequence, heads · d], key and value [batch, sequence, key heads · d], or all three end to end in query;
 * past and present keys and values [batch, key heads, length, d], cos and sin [positions, d / 2],
 * attention_bias [batch, heads, sequence, total], head_sink [heads], output [batch, sequence, heads · d],
 * scores [batch, heads, sequence, total].
 * Source: onnxruntime docs/ContribOperators.md, com.microsoft.GroupQueryAttention.
 */
function coupleGrouped(node: Node): Coupling {
  const [query, key, value, pastKey, pastValue, , , cos, sin, , attentionBias, sink] = node.inputs;
  const out = output(node);
  const sizes = groupedOf(node);
  if (query === undefined || sizes === undefined || rankOf(query) !== 3 || rankOf(out) !== 3)
    return pinAll(node, 'the sizes at GroupQueryAttention are unknown');
  if (node.inputs[12] !== undefined || node.inputs[13] !== undefined)
    return pinAll(node, 'GroupQueryAttention keeps keys and values quantized');
  if (node.inputs[14] !== undefined || node.inputs[15] !== undefined)
    return pinAll(node, 'GroupQueryAttention normalizes queries and keys, which onnxruntime does not run on a CPU');
  const { queries, keys, size, dims } = sizes;
  const coupling = new CouplingBuilder();
  passBatch(coupling, node, query, [key, value, attentionBias, pastKey, pastValue, ...node.outputs]);
  coupling.contractions.push({ input: 0, dim: 2 });
  const tensors: HeadedTensor[] = [{ at: { flat: axis(out, 2) }, heads: queries, dims }];
  if (key === undefined || value === undefined) {
    let from = 0;
    for (const heads of [queries, keys, keys]) {
      const flat = segment(coupling, node, axis(query, 2), from, heads.length * size);
      tensors.push({ at: { flat }, heads, dims });
      from += heads.length * size;
    }
  } else {
    tensors.push({ at: { flat: axis(query, 2) }, heads: queries, dims });
    for (const each of [key, value]) tensors.push({ at: { flat: axis(each, 2) }, heads: keys, dims });
  }
  for (const cache of [pastKey, pastValue, node.outputs[1], node.outputs[2]]) {
    if (cache !== undefined) tensors.push({ at: { heads: axis(cache, 1), dims: axis(cache, 3) }, heads: keys, dims });
  }
  const turning = int(node, 'do_rotary', 0) === 0 ? [] : [cos, sin];
  return coupleHeads(coupling, {
    tensors,
    queries,
    keys,
    headLinks: [
      ...perHead(queries, [attentionBias, node.outputs[3]]),
      ...(sink === undefined ? [] : [same(queries, axis(sink, 0))]),
    ],
    dimLinks: turning.flatMap((angles): AxisLink[] =>
      angles === undefined
        ? []
        : [{ a: dims.place, b: axis(angles, 1), map: { kind: 'factor', outer: 1, inner: BLOCK } }],
    ),
    dimsStay: whyDimsStay(node, size),
  });
}

const groupQueryAttention: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['GroupQueryAttention'],
  couple: coupleGrouped,
  repair(node, kept, graph) {
    const sizes = groupedOf(node);
    if (sizes === undefined) return;
    repairCount(graph, node, 'num_heads', sizes.queries, kept);
    repairCount(graph, node, 'kv_num_heads', sizes.keys, kept);
    repairScale(graph, node, sizes.dims, kept);
  },
  macs(node) {
    const sizes = groupedOf(node);
    const hidden = sizes && sizes.queries.length * sizes.size;
    return scoreMacs(input(node, 0), hidden, hidden);
  },
};

export const groupedAttentionRules: readonly OpRule[] = [groupQueryAttention];
