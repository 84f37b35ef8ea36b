import { int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { type Axis, type Dim, dimsOf, type Value } from '../ir/value.ts';
import { axis, CouplingBuilder, contract, countedLength, input, lineUp, output, pinAll, rankOf } from './coupling.ts';
import type { Coupling, OpRule } from './rule.ts';

/** Y = alpha · A' · B' + beta · C, with A' and B' transposed where the attributes say so, and C broadcast. */
export function coupleGemm(node: Node): Coupling {
  const [a, b, c, y] = [input(node, 0), input(node, 1), node.inputs[2], output(node)];
  const transA = int(node, 'transA', 0) !== 0;
  const transB = int(node, 'transB', 0) !== 0;
  if (rankOf(a) !== 2 || rankOf(b) !== 2 || rankOf(y) !== 2)
    return pinAll(node, `the rank of a tensor at ${node.opType} is unknown`);
  const coupling = new CouplingBuilder();
  const [rows, innerA] = transA ? [1, 0] : [0, 1];
  const [innerB, columns] = transB ? [1, 0] : [0, 1];
  lineUp(coupling, axis(a, rows), axis(y, 0));
  lineUp(coupling, axis(b, columns), axis(y, 1));
  coupling.same(axis(b, innerB), axis(a, innerA));
  contract(coupling, [
    { input: 0, axis: axis(a, innerA) },
    { input: 1, axis: axis(b, innerB) },
  ]);
  if (c !== undefined) {
    const rank = rankOf(c);
    if (rank === undefined) return pinAll(node, `the rank of a tensor at ${node.opType} is unknown`);
    for (let dim = 0; dim < rank; dim++) lineUp(coupling, axis(c, dim), axis(y, dim + 2 - rank));
  }
  return coupling;
}

/** The axes of an operand, by where they stand in the product: batch, rows, columns. */
export type OperandOrder = (rank: number, operand: 'a' | 'b') => readonly number[];

const asTheyStand: OperandOrder = (rank) => [...Array(rank).keys()];

/** numpy.matmul: the last two axes are matrices, the axes before them broadcast, a vector is a matrix without one axis. */
export function coupleMatMul(node: Node, order: OperandOrder = asTheyStand): Coupling {
  const [a, b, y] = [input(node, 0), input(node, 1), output(node)];
  const [rankA, rankB, rankY] = [rankOf(a), rankOf(b), rankOf(y)];
  if (rankA === undefined || rankB === undefined || rankY === undefined)
    return pinAll(node, `the rank of a tensor at ${node.opType} is unknown`);
  const [orderA, orderB] = [order(rankA, 'a'), order(rankB, 'b')];
  const ofA = (dim: number): Axis => axis(a, orderA[dim] ?? 0);
  const ofB = (dim: number): Axis => axis(b, orderB[dim] ?? 0);
  const coupling = new CouplingBuilder();
  const innerA = ofA(rankA - 1);
  const innerB = ofB(Math.max(0, rankB - 2));
  coupling.same(innerB, innerA);
  contract(coupling, [
    { input: 0, axis: innerA },
    { input: 1, axis: innerB },
  ]);
  const columns = rankB === 1 ? 0 : 1;
  const rows = rankA === 1 ? 0 : 1;
  if (rows === 1) lineUp(coupling, ofA(rankA - 2), axis(y, rankY - 1 - columns));
  if (columns === 1) lineUp(coupling, ofB(rankB - 1), axis(y, rankY - 1));
  const batch = rankY - rows - columns;
  for (let dim = 0; dim < rankA - 2; dim++) lineUp(coupling, ofA(dim), axis(y, batch - (rankA - 2) + dim));
  for (let dim = 0; dim < rankB - 2; dim++) lineUp(coupling, ofB(dim), axis(y, batch - (rankB - 2) + dim));
  if (a.tensor === undefined && b.tensor === undefined && batch > 0) {
    for (let dim = 0; dim < batch; dim++) coupling.batched.push(axis(y, dim));
    coupling.inside.push(innerA);
    if (columns === 1) coupling.inside.push(axis(y, rankY - 1));
    if (rows === 1) coupling.inside.push(axis(y, rankY - 1 - columns));
  }
  return coupling;
}

/** Product of the output's dims and the contracted length; lengths that are open count as 1. */
export function macsOf(y: Value, inner: Dim): number | undefined {
  return dimsOf(y)?.reduce<number>((macs, dim) => macs * countedLength(dim), countedLength(inner));
}

const gemm: OpRule = {
  domain: '',
  opTypes: ['Gemm'],
  couple: coupleGemm,
  macs: (node) => macsOf(output(node), dimsOf(input(node, 0))?.[int(node, 'transA', 0) !== 0 ? 0 : 1]),
};

const matMul: OpRule = {
  domain: '',
  opTypes: ['MatMul'],
  couple: (node) => coupleMatMul(node),
  macs: (node) => macsOf(output(node), dimsOf(input(node, 0))?.at(-1)),
};

export const matMulRules: readonly OpRule[] = [gemm, matMul];
