import { int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { dimsOf, type Value } from '../ir/value.ts';
import { axis, type CouplingBuilder, contraction, input, lineUp, output, pinAll, rankOf } from './coupling.ts';
import { coupleGemm, coupleMatMul, gemmMacs, matMulMacs, type ProductOperands } from './matmul.ts';
import { alongAxis, notPerTensor, overMatrix, scaleBehind, unknownParameters, withParameters } from './quantization.ts';
import type { Coupling, OpRule, QuantizationParameter, Quantized } from './rule.ts';

/** Where a quantized matrix product has scales, zero points and bias: numbers of inputs. */
interface Places extends ProductOperands {
  readonly scaleA?: number;
  readonly scaleB?: number;
  /** Scale and zero point of the output. */
  readonly made?: readonly number[];
  readonly bias?: number;
}

/** Number of the input that is there, for parameters that an operator may lack. */
function at(node: Node, index: number | undefined): Value | undefined {
  return index === undefined ? undefined : node.inputs[index];
}

/** Why a product is not followed: a vector of zero points over rows cannot be broadcast over the matrix to mask it. */
function rowsReason(node: Node, { zeroA }: Places): string | undefined {
  const zero = at(node, zeroA);
  const isVector = zero !== undefined && rankOf(zero) === 1 && dimsOf(zero)?.[0] !== 1;
  return isVector ? `${node.opType} has a zero point for each row of its first operand` : undefined;
}

/**
 * numpy.matmul of integers. Scales and zero points are one number, or one for each row of A or column of B: a
 * vector, or
 * a tensor of the matrix's rank.
 * Source: ONNX operators QLinearMatMul and MatMulInteger; onnxruntime ContribOperators.md,
 * com.microsoft.MatMulIntegerToFloat.
 */
function coupleProduct(node: Node, places: Places): Coupling {
  const [a, b, y] = [input(node, places.a), input(node, places.b), output(node)];
  const parameters = [places.scaleA, places.zeroA, places.scaleB, places.zeroB, ...(places.made ?? [])];
  const reason =
    rowsReason(node, places) ?? unknownParameters(node, ...parameters.filter((index) => index !== undefined));
  if (reason !== undefined) return pinAll(node, reason);
  const coupling = coupleMatMul(node, places);
  if (typeof coupling === 'string') return pinAll(node, coupling);
  addBias(coupling, at(node, places.bias), y);
  const [rankA, rankB, rankY] = [rankOf(a) ?? 0, rankOf(b) ?? 0, rankOf(y) ?? 0];
  const rows = (index: number | undefined, matrix: Value, rank: number): QuantizationParameter | undefined =>
    overMatrix(at(node, index), matrix, Math.max(0, rank - 2));
  const columns = (index: number | undefined): QuantizationParameter | undefined =>
    overMatrix(at(node, index), b, rankB - 1);
  const left = { integers: a, scale: rows(places.scaleA, a, rankA), zeroPoint: rows(places.zeroA, a, rankA) };
  const right = { integers: b, scale: columns(places.scaleB), zeroPoint: columns(places.zeroB) };
  const [scale, zeroPoint] = places.made ?? [];
  const made = { integers: y, scale: rows(scale, y, rankY), zeroPoint: rows(zeroPoint, y, rankY) };
  return withParameters(coupling, [left, right, made]);
}

/** A vector over the columns of the product. */
function addBias(coupling: CouplingBuilder, bias: Value | undefined, y: Value): void {
  if (bias !== undefined) lineUp(coupling, axis(bias, 0), axis(y, (rankOf(y) ?? 1) - 1));
}

const qLinearMatMul: OpRule = {
  domain: '',
  opTypes: ['QLinearMatMul'],
  couple: (node) => coupleProduct(node, { a: 0, scaleA: 1, zeroA: 2, b: 3, scaleB: 4, zeroB: 5, made: [6, 7] }),
  macs: matMulMacs,
};

/** The sums are int32 and are scaled behind. */
const matMulInteger: OpRule = {
  domain: '',
  opTypes: ['MatMulInteger'],
  couple(node) {
    const coupling = coupleProduct(node, { a: 0, zeroA: 2, b: 1, zeroB: 3 });
    const b = input(node, 1);
    const scale = scaleBehind(node, (rankOf(output(node)) ?? 1) - 1, (rankOf(b) ?? 1) - 1);
    const withScale = (each: Quantized): Quantized => (each.integers === b ? { ...each, scale } : each);
    return { ...coupling, quantized: (coupling.quantized ?? []).map(withScale) };
  },
  macs: matMulMacs,
};

const matMulIntegerToFloat: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['MatMulIntegerToFloat'],
  couple: (node) => coupleProduct(node, { a: 0, b: 1, scaleA: 2, scaleB: 3, zeroA: 4, zeroB: 5, bias: 6 }),
  macs: matMulMacs,
};

/**
 * A float is quantized by the range of all its elements, zero included, and multiplied with B int8 [K, N]. The range is
 * that of the elements that stay once the others are zero, so masking comes before it, along every axis.
 * Source: onnxruntime ContribOperators.md, com.microsoft.DynamicQuantizeMatMul.
 */
const dynamicQuantizeMatMul: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['DynamicQuantizeMatMul'],
  couple(node) {
    const coupling = coupleProduct(node, { a: 0, b: 1, scaleB: 2, zeroB: 3, bias: 4 });
    const ranged = (dimsOf(input(node, 0)) ?? []).map((_, dim) => contraction(0, dim));
    return { ...coupling, contractions: ranged };
  },
  macs: matMulMacs,
};

/**
 * Gemm of integers with an int32 bias; y is quantized where it has a scale. Source: ContribOperators.md,
 * com.microsoft.QGemm.
 */
const qGemm: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['QGemm'],
  couple(node) {
    const reason = notPerTensor(node, 1, 2, 7, 8) ?? unknownParameters(node, 4, 5);
    if (reason !== undefined) return pinAll(node, reason);
    const coupling = coupleGemm(node, { a: 0, zeroA: 2, b: 3, zeroB: 5 }, 6);
    if (typeof coupling === 'string') return pinAll(node, coupling);
    const columns = int(node, 'transB', 0) !== 0 ? 0 : 1;
    const [a, b] = [input(node, 0), input(node, 3)];
    return withParameters(coupling, [
      { integers: a, scale: alongAxis(node.inputs[1], 0), zeroPoint: alongAxis(node.inputs[2], 0) },
      { integers: b, scale: alongAxis(node.inputs[4], columns), zeroPoint: alongAxis(node.inputs[5], columns) },
    ]);
  },
  macs: gemmMacs,
};

export const quantizedMatMulRules: readonly OpRule[] = [
  qLinearMatMul,
  matMulInteger,
  matMulIntegerToFloat,
  dynamicQuantizeMatMul,
  qGemm,
];
