import type { Node } from '../ir/node.ts';
import { lengthOf } from '../ir/value.ts';
import { axis, CouplingBuilder, input, lineUp, output, pinUnranked, rankOf } from './coupling.ts';
import { scaleAndBias } from './normalization.ts';
import type { Coupling, OpRule } from './rule.ts';

/**
 * LayerNormalization of x + skip + bias over the last axis: input and output [batch, sequence, channels] or
 * [tokens, channels], skip as it broadcasts to them, gamma, beta and bias [channels], and the sum as a fourth output.
 * Source: onnxruntime docs/ContribOperators.md, com.microsoft.SkipLayerNormalization.
 */
function coupleSkip(node: Node): Coupling {
  const [data, out] = [input(node, 0), output(node)];
  const rank = rankOf(data);
  if (rank === undefined || rankOf(out) !== rank || rankOf(input(node, 1)) === undefined) return pinUnranked(node);
  const coupling = new CouplingBuilder();
  for (const value of [...node.inputs, node.outputs[3], out]) {
    const own = value && rankOf(value);
    for (let dim = 0; value !== undefined && dim < (own ?? 0); dim++)
      if (value !== data) lineUp(coupling, axis(value, dim), axis(data, dim + rank - (own ?? 0)));
  }
  coupling.approximate.push({ axis: axis(data, rank - 1), reason: 'SkipLayerNormalization mixes its channels' });
  coupling.gains.push(axis(input(node, 2), 0));
  return coupling;
}

const skipLayerNormalization: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['SkipLayerNormalization'],
  couple: coupleSkip,
  scaling: (node) => scaleAndBias(node, -1, 2, 3),
};

/** Tables of embeddings by input: of words, positions and segments. */
const TABLES = [2, 3, 4];

/**
 * LayerNormalization of the sum of three embeddings: ids [batch, sequence], tables [entries, channels], gamma and beta
 * [channels], output and the sum [batch, sequence, channels].
 * Source: onnxruntime docs/ContribOperators.md, com.microsoft.EmbedLayerNormalization.
 */
function coupleEmbed(node: Node): Coupling {
  const out = output(node);
  if (rankOf(out) !== 3) return pinUnranked(node);
  const coupling = new CouplingBuilder();
  const channels = axis(out, 2);
  for (const index of TABLES) {
    const table = node.inputs[index];
    if (table === undefined) continue;
    coupling.same(axis(table, 1), channels).pin(table, 0, 'EmbedLayerNormalization looks its entries up');
    coupling.tables.push(axis(table, 1));
  }
  for (const vector of [node.inputs[5], node.inputs[6]])
    if (vector !== undefined) coupling.same(axis(vector, 0), channels);
  const sum = node.outputs[2];
  if (sum !== undefined) coupling.same(axis(sum, 2), channels);
  coupling.approximate.push({ axis: channels, reason: 'EmbedLayerNormalization mixes its channels' });
  coupling.gains.push(axis(input(node, 5), 0));
  return coupling;
}

const embedLayerNormalization: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['EmbedLayerNormalization'],
  couple: coupleEmbed,
  scaling: (node) => scaleAndBias(node, -1, 5, 6),
  indexes: (node) =>
    [
      [0, 2],
      [1, 4],
      [8, 3],
    ].flatMap(([ids = 0, table = 0]) => {
      const [indices, entries] = [node.inputs[ids], node.inputs[table]];
      const bound = entries && lengthOf(axis(entries, 0));
      return indices === undefined || bound === undefined ? [] : [{ input: indices, bound }];
    }),
};

export const fusedNormalizationRules: readonly OpRule[] = [skipLayerNormalization, embedLayerNormalization];
