import { float, int, ints } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { elementTypeOf, type Value } from '../ir/value.ts';
import { input } from './coupling.ts';
import { sourceOfConstant } from './made-of-constants.ts';
import type { BlockFormat, RoundedForm, WeightMatrix } from './rounded-form.ts';
import { blockedProduct, type ConstantProduct, dynamicProduct } from './rounded-product.ts';
import type { OpRule } from './rule.ts';

/** Reads a node as a product with a constant, or says why it is none that can be rounded; undefined where it multiplies none. */
type ReadProduct = (node: Node) => ConstantProduct | string | undefined;

/** Why a constant cannot be rounded for onnxruntime's kernels on the CPU; undefined where it can. */
export function whyNotRounded(weight: Value): string | undefined {
  const type = elementTypeOf(weight);
  if (type !== 'float32' && type !== 'undefined') return `its weights are ${type}, and the kernels take float32 only`;
  if (weight.tensor === undefined) return 'its weights are no initializer as they are, but what other nodes make';
  return undefined;
}

/** MatMul with a matrix on its right. */
export function matMulProduct(node: Node): ConstantProduct | string | undefined {
  const [data, operand] = [input(node, 0), input(node, 1)];
  if (sourceOfConstant(operand) === undefined)
    return (
      sourceOfConstant(data) && 'its constant is the first operand, whose rows no kernel takes with scales of their own'
    );
  const weight = matrixOf(operand, false);
  return typeof weight === 'string' ? weight : { data, weight, gain: 1 };
}

/** Gemm whose data are as they stand. */
export function gemmProduct(node: Node): ConstantProduct | string | undefined {
  const [data, operand, addend] = [input(node, 0), input(node, 1), node.inputs[2]];
  if (sourceOfConstant(operand) === undefined) return undefined;
  if (int(node, 'transA', 0) !== 0) return 'it transposes its data';
  const weight = matrixOf(operand, int(node, 'transB', 0) !== 0);
  if (typeof weight === 'string') return weight;
  const [alpha, beta] = [float(node, 'alpha', 1), float(node, 'beta', 1)];
  return { data, weight, gain: alpha, addend: addend && beta !== 0 ? { value: addend, gain: beta } : undefined };
}

/** What a rule says of an operator that multiplies its data with a constant matrix. */
export function roundedForms(read: ReadProduct): Required<Pick<OpRule, 'dynamic' | 'blocked'>> {
  const formOf = (
    node: Node,
    form: (node: Node, product: ConstantProduct) => RoundedForm | string,
  ): RoundedForm | string | undefined => {
    const product = read(node);
    return typeof product === 'object' ? form(node, product) : product;
  };
  return {
    dynamic: (node) => formOf(node, dynamicProduct),
    blocked: (node, format: BlockFormat) => formOf(node, (each, product) => blockedProduct(each, product, format)),
  };
}

/**
 * A constant [columns, rows], or [rows, columns] where it is transposed, by the node or by a Transpose before it, as the last
 * layer has the table of the first one. Or why it cannot be rounded.
 */
function matrixOf(operand: Value, isTransposed: boolean): WeightMatrix | string {
  const turned = beforeTranspose(operand);
  if (turned !== undefined) return matrixOf(turned, !isTransposed);
  const why = whyNotRounded(operand);
  if (why !== undefined) return why;
  const [first = 0, second = 0] = operand.tensor?.dims ?? [];
  const rank = operand.tensor?.dims.length ?? 0;
  if (rank !== 2) return `its constant has ${rank} axes, and the kernels take matrices only`;
  return isTransposed
    ? { weight: operand, rows: first, columns: second, rowStep: second, columnStep: 1 }
    : { weight: operand, rows: second, columns: first, rowStep: 1, columnStep: second };
}

/** The initializer that a Transpose turns into a matrix; undefined for other values. */
function beforeTranspose({ producer }: Value): Value | undefined {
  if (producer?.opType !== 'Transpose' || producer.domain !== '') return undefined;
  const [source] = producer.inputs;
  const turns = (ints(producer, 'perm') ?? [1, 0]).join() === '1,0';
  return turns && source?.tensor?.dims.length === 2 ? source : undefined;
}
