import type { Node } from '../ir/node.ts';
import { dimsOf, type Value } from '../ir/value.ts';
import { axis, CouplingBuilder, lineUp, output, rankOf } from './coupling.ts';
import type { Coupling, QuantizationParameter, Quantized } from './rule.ts';

/** A scale or zero point of one number, or of one for each position along an axis of the integers. */
export function alongAxis(value: Value | undefined, dim: number): QuantizationParameter | undefined {
  return value && { value, dims: (dimsOf(value) ?? []).map(() => dim) };
}

/**
 * A scale or zero point of a matrix: one number, a vector over its rows or columns, or a tensor of the matrix's rank
 * that
 * broadcasts over it.
 * @param vector the axis of the matrix that a vector lies along
 */
export function overMatrix(value: Value | undefined, matrix: Value, vector: number): QuantizationParameter | undefined {
  const [rank, own] = [rankOf(matrix) ?? 0, (value && rankOf(value)) ?? 0];
  if (own <= 1) return alongAxis(value, vector);
  return value && { value, dims: Array.from({ length: own }, (_, dim) => dim + rank - own) };
}

/** Adds scales and zero points to a coupling: those of many numbers follow the integers that they belong to. */
export function withParameters(coupling: Coupling, quantized: readonly Quantized[]): Coupling {
  const added = new CouplingBuilder();
  for (const { integers, scale, zeroPoint } of quantized) {
    for (const parameter of [scale, zeroPoint]) {
      parameter?.dims.forEach((dim, own) => {
        lineUp(added, axis(parameter.value, own), axis(integers, dim));
      });
    }
  }
  return { ...coupling, links: [...coupling.links, ...added.links], quantized };
}

/** Why a node is not followed whose scales and zero points must be single numbers; undefined where they are. */
export function notPerTensor(node: Node, ...inputs: readonly number[]): string | undefined {
  const isSingle = (value: Value): boolean => dimsOf(value)?.every((length) => length === 1) ?? false;
  const fits = inputs.every((index) => node.inputs[index] === undefined || isSingle(node.inputs[index]));
  return fits ? undefined : `${node.opType} has scales or zero points that are not known to be single numbers`;
}

/** Why a node is not followed whose scales and zero points may be single numbers or vectors; undefined where it is. */
export function unknownParameters(node: Node, ...inputs: readonly number[]): string | undefined {
  const unknown = inputs.some((index) => node.inputs[index] !== undefined && rankOf(node.inputs[index]) === undefined);
  return unknown ? `the rank of a scale or zero point at ${node.opType} is unknown` : undefined;
}

/**
 * The constant scale of the weight of a node that only sums integers. Quantizers multiply the sums behind it, once they
 * are real numbers: sums → Cast → Mul by (scale of the input · scale of the weight).
 *
 * @param outDim the axis of the sums that an axis `dim` of the weight makes
 */
export function scaleBehind(node: Node, outDim: number, dim: number): QuantizationParameter | undefined {
  const sums = output(node);
  const real = readerOf(sums, 'Cast')?.outputs[0];
  const factor = real && readerOf(real, 'Mul')?.inputs.find((value) => value !== real);
  const factors =
    factor?.tensor === undefined && factor?.producer?.opType === 'Mul' ? factor.producer.inputs : [factor];
  const scale = factors.find((value) => value?.tensor !== undefined);
  const [rank, lengths] = [rankOf(sums), scale?.tensor?.dims];
  if (rank === undefined || scale === undefined || lengths === undefined) return undefined;
  const isOver = (own: number): boolean => own + rank - lengths.length === outDim;
  if (!lengths.every((length, own) => length === 1 || isOver(own))) return undefined;
  return { value: scale, dims: lengths.map(() => dim) };
}

function readerOf(value: Value, opType: string): Node | undefined {
  return [...value.uses].find((node) => node.opType === opType && node.domain === '');
}
