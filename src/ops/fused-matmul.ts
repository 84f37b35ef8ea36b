import { int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { dimsOf } from '../ir/value.ts';
import { input, output, rankOf } from './coupling.ts';
import { coupleGemm, coupleMatMul, gemmMacs, macsOf, orPinned } from './matmul.ts';
import type { OpRule } from './rule.ts';

/**
 * How an operand lies. With `transBatch` its rows come first, before the batch: [rows, …batch, columns]; with `trans`
 * rows and columns change places after that. Both pass a vector by.
 * Source: onnxruntime docs/ContribOperators.md, com.microsoft.FusedMatMul.
 */
function orderOf(node: Node, rank: number, operand: 'a' | 'b'): number[] {
  const suffix = operand.toUpperCase();
  const dims = [...Array(rank).keys()];
  const matrix = dims.splice(Math.max(0, rank - 2));
  if (int(node, `transBatch${suffix}`, 0) !== 0 && rank > 2) {
    const [row = 0, ...batch] = [...dims, ...matrix.slice(0, 1)];
    dims.splice(0, dims.length, ...batch);
    matrix[0] = row;
  }
  if (int(node, `trans${suffix}`, 0) !== 0) matrix.reverse();
  return [...dims, ...matrix];
}

/** Y = alpha · A' · B'. */
const fusedMatMul: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['FusedMatMul', 'TransposeMatMul'],
  couple: (node) =>
    orPinned(node, coupleMatMul(node, { a: 0, b: 1, order: (rank, operand) => orderOf(node, rank, operand) })),
  macs(node) {
    const a = input(node, 0);
    return macsOf(output(node), dimsOf(a)?.[orderOf(node, rankOf(a) ?? 0, 'a').at(-1) ?? 0]);
  },
};

/** Gemm with an activation behind it, element by element. */
const fusedGemm: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['FusedGemm'],
  couple: (node) => orPinned(node, coupleGemm(node)),
  macs: gemmMacs,
};

export const fusedMatMulRules: readonly OpRule[] = [fusedMatMul, fusedGemm];
