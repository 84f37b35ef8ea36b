import { int, intAttribute } from '../ir/attributes.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import type { Tensor } from '../ir/tensor.ts';
import { elementTypeOf, lengthOf, type Value } from '../ir/value.ts';
import { axis, CouplingBuilder, input, lineUp, output, pinAll, pinUnranked, rankOf } from './coupling.ts';
import { macsOf } from './matmul.ts';
import type { Coupling, Kept, OpRule } from './rule.ts';

/** Blocks of `size` weights that share a scale, so many in each row; a weight takes `bits`. */
interface Blocks {
  readonly size: number;
  readonly count: number;
  readonly bits: number;
}

/** undefined where the last block of a row is not full, or the rows are as long as no attribute says. */
function blocksOf(node: Node): Blocks | undefined {
  const [k, size, bits] = [int(node, 'K', 0), int(node, 'block_size', 0), int(node, 'bits', 4)];
  return size > 0 && k % size === 0 ? { size, count: k / size, bits } : undefined;
}

/** Why positions of the summed axis stay, although whole blocks of them could leave. */
function whyRowsStay(node: Node): string | undefined {
  const [, , scales, zeroPoints, groups] = node.inputs;
  if (groups !== undefined) return 'MatMulNBits takes it in an order of its own';
  if (blocksOf(node) === undefined) return 'MatMulNBits stores it in blocks, the last of which is not full';
  const isList = [scales, zeroPoints].some((value) => value !== undefined && rankOf(value) === 1);
  if (isList) return 'MatMulNBits has the scales of all blocks in one list; write them as [N, blocks] to cut it';
  if (zeroPoints !== undefined && isPacked(zeroPoints) && zeroPoints.tensor === undefined)
    return 'MatMulNBits gets packed zero points that are computed';
  return undefined;
}

/** Zero points of one byte for several blocks, or of the type of the data, one for each. */
function isPacked(zeroPoints: Value): boolean {
  return elementTypeOf(zeroPoints) === 'uint8';
}

/**
 * Y = A · dequantized(B)ᵀ + bias: A [..., K], B [N, blocks, bytes], scales [N, blocks], zero points [N, blocks] or, packed,
 * [N, bytes], bias [N]; scales and zero points also as one list, in files from before. Rows of B leave one by one,
 * positions along K by whole blocks, since a block shares a scale and its bytes.
 * Source: onnxruntime docs/ContribOperators.md, com.microsoft.MatMulNBits.
 */
function coupleMatMulNBits(node: Node): Coupling {
  const [a, b, scales, y] = [input(node, 0), input(node, 1), input(node, 2), output(node)];
  const [rank, blocks] = [rankOf(a), blocksOf(node)];
  if (rank === undefined || rankOf(y) !== rank || rankOf(b) !== 3 || rankOf(scales) === undefined)
    return pinUnranked(node);
  if (int(node, 'weight_prepacked', 0) !== 0)
    return pinAll(node, 'MatMulNBits has weights in the order of a GPU kernel');
  const coupling = new CouplingBuilder();
  for (let dim = 0; dim < rank - 1; dim++) lineUp(coupling, axis(a, dim), axis(y, dim));
  const [columns, rows] = [axis(a, rank - 1), axis(y, rank - 1)];
  coupling.contractions.push({ input: 0, dim: rank - 1 });
  coupling.opaque.push(b, ...(node.inputs[3] === undefined ? [] : [node.inputs[3]]));
  coupling.same(axis(b, 0), rows).pin(b, 2, 'MatMulNBits packs the weights of a block into it');
  const why = whyRowsStay(node);
  if (why !== undefined) coupling.pin(a, rank - 1, why).pin(b, 1, why);
  const byBlock = (value: Value, dim: number): void => {
    if (why !== undefined || blocks === undefined) coupling.pin(value, dim, why ?? '');
    else
      coupling.links.push({ a: axis(value, dim), b: columns, map: { kind: 'factor', outer: 1, inner: blocks.size } });
  };
  if (why === undefined) byBlock(b, 1);
  for (const value of [scales, node.inputs[3]]) {
    if (value === undefined) continue;
    if (rankOf(value) === 1) {
      const each = (lengthOf(axis(value, 0)) ?? 0) / (lengthOf(rows) ?? 1);
      coupling.links.push({ a: rows, b: axis(value, 0), map: { kind: 'factor', outer: 1, inner: each } });
      // The list of scales is all of the weight that has real numbers: it stands for the rows.
      if (value === scales) coupling.tables.push(axis(value, 0));
      continue;
    }
    coupling.same(axis(value, 0), rows);
    if (value !== scales && isPacked(value) && why === undefined) coupling.free.push(axis(value, 1));
    else byBlock(value, 1);
  }
  const bias = node.inputs[5];
  if (bias !== undefined) coupling.same(axis(bias, 0), rows);
  return coupling;
}

/** Zero points without the blocks and rows that leave, packed anew: `bits` each, the first in the lowest bits of a byte. */
function repack(tensor: Tensor, { bits, count }: Blocks, rows: readonly number[], blocks: readonly number[]): Tensor {
  const [before, after] = [Math.ceil((count * bits) / 8), Math.ceil((blocks.length * bits) / 8)];
  const [bytes, packed] = [tensor.raw(), new Uint8Array(rows.length * after)];
  const bitAt = (row: number, bit: number): number => ((bytes[row * before + (bit >> 3)] ?? 0) >> (bit & 7)) & 1;
  rows.forEach((row, i) => {
    blocks.forEach((block, j) => {
      for (let bit = 0; bit < bits; bit++) {
        const [from, to] = [block * bits + bit, j * bits + bit];
        const index = i * after + (to >> 3);
        packed[index] = (packed[index] ?? 0) | (bitAt(row, from) << (to & 7));
      }
    });
  });
  return tensor.withData([rows.length, after], packed);
}

function repairMatMulNBits(node: Node, kept: Kept, graph: Graph): void {
  const [a, b, y] = [input(node, 0), input(node, 1), output(node)];
  const rows = kept(axis(y, (rankOf(y) ?? 0) - 1));
  const columns = kept(axis(a, (rankOf(a) ?? 0) - 1));
  if (rows !== undefined) graph.setAttribute(node, intAttribute('N', rows.length));
  if (columns === undefined) return;
  const all = blocksOf(node);
  graph.setAttribute(node, intAttribute('K', columns.length));
  const [zeroPoints, blocks] = [node.inputs[3], kept(axis(b, 1))];
  if (zeroPoints?.tensor === undefined || blocks === undefined || all === undefined || !isPacked(zeroPoints)) return;
  const every = [...Array(zeroPoints.tensor.dims[0] ?? 0).keys()];
  const packed = repack(zeroPoints.tensor, all, kept(axis(zeroPoints, 0)) ?? every, blocks);
  if (zeroPoints.uses.size === 1 && !graph.isOutput(zeroPoints)) graph.setTensor(zeroPoints, packed);
  else graph.setInput(node, 3, graph.addInitializer(zeroPoints.name, packed));
}

const matMulNBits: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['MatMulNBits'],
  couple: coupleMatMulNBits,
  repair: repairMatMulNBits,
  macs: (node) => macsOf(output(node), int(node, 'K', 0)),
};

export const matMulNBitsRules: readonly OpRule[] = [matMulNBits];
