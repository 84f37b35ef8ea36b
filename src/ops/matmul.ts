import { float, int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { type Axis, type Dim, dimsOf, lengthOf, type Value } from '../ir/value.ts';
import { addBehind, addToBiasInput, type BiasInput, takesAddBehind, takesBiasInput } from './bias.ts';
import { gemmProduct, matMulProduct, roundedForms } from './constant-product.ts';
import {
  axis,
  CouplingBuilder,
  contract,
  countedLength,
  input,
  lineUp,
  output,
  pinAll,
  rankOf,
  unrankedAt,
} from './coupling.ts';
import { takeFactorsIn } from './gemm-factors.ts';
import { gemmIntegers, matMulIntegers } from './integers.ts';
import { sourceOfConstant } from './made-of-constants.ts';
import type { Coupling, Layer, OpRule } from './rule.ts';

/** The axes of an operand, by where they stand in the product: batch, rows, columns. */
export type OperandOrder = (rank: number, operand: 'a' | 'b') => readonly number[];

/** Where a matrix product has its operands: numbers of inputs, and of those that hold their zero points. */
export interface ProductOperands {
  readonly a: number;
  readonly b: number;
  readonly zeroA?: number;
  readonly zeroB?: number;
  /** How the axes of the operands lie; as in numpy where it is left out. */
  readonly order?: OperandOrder;
}

const PLAIN: ProductOperands = { a: 0, b: 1 };

/** Y = alpha · A' · B' + beta · C, with A' and B' transposed where the attributes say so, and C broadcast. */
export function coupleGemm(node: Node, at: ProductOperands = PLAIN, bias = 2): CouplingBuilder | string {
  const [a, b, c, y] = [input(node, at.a), input(node, at.b), node.inputs[bias], output(node)];
  const transA = int(node, 'transA', 0) !== 0;
  const transB = int(node, 'transB', 0) !== 0;
  if (rankOf(a) !== 2 || rankOf(b) !== 2 || rankOf(y) !== 2) return unrankedAt(node);
  const coupling = new CouplingBuilder();
  const [rows, innerA] = transA ? [1, 0] : [0, 1];
  const [innerB, columns] = transB ? [1, 0] : [0, 1];
  lineUp(coupling, axis(a, rows), axis(y, 0));
  lineUp(coupling, axis(b, columns), axis(y, 1));
  coupling.same(axis(b, innerB), axis(a, innerA));
  contract(coupling, [
    { input: at.a, axis: axis(a, innerA), zero: at.zeroA },
    { input: at.b, axis: axis(b, innerB), zero: at.zeroB },
  ]);
  if (c !== undefined) {
    const rank = rankOf(c);
    if (rank === undefined) return unrankedAt(node);
    for (let dim = 0; dim < rank; dim++) lineUp(coupling, axis(c, dim), axis(y, dim + 2 - rank));
  }
  return coupling;
}

const asTheyStand: OperandOrder = (rank) => [...Array(rank).keys()];

/** numpy.matmul: the last two axes are matrices, the axes before them broadcast, a vector is a matrix without one axis. */
export function coupleMatMul(node: Node, at: ProductOperands = PLAIN): CouplingBuilder | string {
  const [a, b, y] = [input(node, at.a), input(node, at.b), output(node)];
  const [rankA, rankB, rankY] = [rankOf(a), rankOf(b), rankOf(y)];
  if (rankA === undefined || rankB === undefined || rankY === undefined) return unrankedAt(node);
  const order = at.order ?? asTheyStand;
  const [orderA, orderB] = [order(rankA, 'a'), order(rankB, 'b')];
  const ofA = (dim: number): Axis => axis(a, orderA[dim] ?? 0);
  const ofB = (dim: number): Axis => axis(b, orderB[dim] ?? 0);
  const coupling = new CouplingBuilder();
  const innerA = ofA(rankA - 1);
  const innerB = ofB(Math.max(0, rankB - 2));
  coupling.same(innerB, innerA);
  contract(coupling, [
    { input: at.a, axis: innerA, zero: at.zeroA },
    { input: at.b, axis: innerB, zero: at.zeroB },
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

/** The coupling, or pins on everything for the reason that there is none. */
export function orPinned(node: Node, coupling: Coupling | string): Coupling {
  return typeof coupling === 'string' ? pinAll(node, coupling) : coupling;
}

/** Product of the output's dims and the contracted length; lengths that are open count as 1. */
export function macsOf(y: Value, inner: Dim): number | undefined {
  return dimsOf(y)?.reduce<number>((macs, dim) => macs * countedLength(dim), countedLength(inner));
}

/** Multiply-accumulates of Gemm, whose first operand may be transposed. */
export function gemmMacs(node: Node): number | undefined {
  return macsOf(output(node), dimsOf(input(node, 0))?.[int(node, 'transA', 0) !== 0 ? 0 : 1]);
}

/** Multiply-accumulates of MatMul. */
export function matMulMacs(node: Node): number | undefined {
  return macsOf(output(node), dimsOf(input(node, 0))?.at(-1));
}

/** Gemm as a linear layer, whose weight is its second operand. */
function gemmLayer(node: Node): Layer | undefined {
  const [a, b, y] = [input(node, 0), input(node, 1), output(node)];
  if (rankOf(a) !== 2 || rankOf(b) !== 2 || sourceOfConstant(b) === undefined) return undefined;
  const [columns, rows] = int(node, 'transB', 0) === 0 ? [0, 1] : [1, 0];
  return {
    data: axis(a, int(node, 'transA', 0) === 0 ? 1 : 0),
    out: axis(y, 1),
    weight: b,
    rows,
    columns,
    groups: 1,
    gain: float(node, 'alpha', 1),
    bias: { value: node.inputs[2], gain: float(node, 'beta', 1) },
    isEven: true,
  };
}

/** The third input, if there is one, times beta. */
function gemmBias(node: Node): BiasInput {
  return { input: 2, gain: float(node, 'beta', 1) };
}

/** MatMul as a linear layer: a constant matrix on one side. */
function matMulLayer(node: Node): Layer | undefined {
  const [a, b, y] = [input(node, 0), input(node, 1), output(node)];
  const [rankA, rankB, rankY] = [rankOf(a), rankOf(b), rankOf(y)];
  if (rankA === undefined || rankB === undefined || rankY === undefined) return undefined;
  const shared = { groups: 1, gain: 1, bias: { value: undefined, gain: 1 }, isEven: true };
  if (rankB === 2 && sourceOfConstant(b) !== undefined && rankY === rankA)
    return { ...shared, data: axis(a, rankA - 1), out: axis(y, rankY - 1), weight: b, rows: 1, columns: 0 };
  if (rankA === 2 && rankB >= 2 && sourceOfConstant(a) !== undefined)
    return { ...shared, data: axis(b, rankB - 2), out: axis(y, rankY - 2), weight: a, rows: 0, columns: 1 };
  return undefined;
}

const gemm: OpRule = {
  domain: '',
  opTypes: ['Gemm'],
  couple: (node) => orPinned(node, coupleGemm(node)),
  macs: gemmMacs,
  layer: gemmLayer,
  takesBias: (node) => takesBiasInput(node, lengthOf(axis(output(node), 1)), gemmBias(node)),
  addBias: (node, amounts, graph) => addToBiasInput(node, amounts, graph, gemmBias(node)),
  integers: gemmIntegers,
  takeFactorsIn,
  ...roundedForms(gemmProduct),
};

const matMul: OpRule = {
  domain: '',
  opTypes: ['MatMul'],
  couple: (node) => orPinned(node, coupleMatMul(node)),
  macs: matMulMacs,
  layer: matMulLayer,
  // The rows of a constant on the left are the last axis but one, where no vector is added.
  takesBias: (node) => matMulLayer(node)?.rows === 1 && takesAddBehind(node),
  addBias: addBehind,
  integers: matMulIntegers,
  ...roundedForms(matMulProduct),
};

export const matMulRules: readonly OpRule[] = [gemm, matMul];
