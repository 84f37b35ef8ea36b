import { float, int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { elementTypeOf, type Value } from '../ir/value.ts';
import { input } from './coupling.ts';
import { sourceOfConstant } from './made-of-constants.ts';
import type { BlockFormat, RoundedForm, WeightMatrix } from './rounded-form.ts';
import { blockedProduct, type ConstantProduct, dequantizedProduct, dynamicProduct } from './rounded-product.ts';
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
  const [data, weight] = [input(node, 0), input(node, 1)];
  if (sourceOfConstant(weight) === undefined)
    return (
      sourceOfConstant(data) && 'its constant is the first operand, whose rows no kernel takes with scales of their own'
    );
  const why = whyNotRounded(weight) ?? whyNoMatrix(weight);
  return why ?? { data, weight: matrixOf(weight, false), gain: 1 };
}

/** Gemm whose data are as they stand. */
export function gemmProduct(node: Node): ConstantProduct | string | undefined {
  const [data, weight, addend] = [input(node, 0), input(node, 1), node.inputs[2]];
  if (sourceOfConstant(weight) === undefined) return undefined;
  if (int(node, 'transA', 0) !== 0) return 'it transposes its data';
  const why = whyNotRounded(weight) ?? whyNoMatrix(weight);
  if (why !== undefined) return why;
  const beta = float(node, 'beta', 1);
  return {
    data,
    weight: matrixOf(weight, int(node, 'transB', 0) !== 0),
    gain: float(node, 'alpha', 1),
    addend: addend === undefined || beta === 0 ? undefined : { value: addend, gain: beta },
  };
}

/** What a rule says of an operator that multiplies its data with a constant matrix. */
export function roundedForms(read: ReadProduct): Required<Pick<OpRule, 'dynamic' | 'dequantized' | 'blocked'>> {
  const formOf = (
    node: Node,
    form: (node: Node, product: ConstantProduct) => RoundedForm | string,
  ): RoundedForm | string | undefined => {
    const product = read(node);
    return typeof product === 'object' ? form(node, product) : product;
  };
  return {
    dynamic: (node) => formOf(node, dynamicProduct),
    dequantized: (node) => formOf(node, dequantizedProduct),
    blocked: (node, format: BlockFormat) => formOf(node, (each, product) => blockedProduct(each, product, format)),
  };
}

function whyNoMatrix({ tensor }: Value): string | undefined {
  const rank = tensor?.dims.length ?? 0;
  return rank === 2 ? undefined : `its constant has ${rank} axes, and the kernels take matrices only`;
}

/** A constant [columns, rows], or [rows, columns] where it is transposed. */
function matrixOf(weight: Value, isTransposed: boolean): WeightMatrix {
  const [first = 0, second = 0] = weight.tensor?.dims ?? [];
  return isTransposed
    ? { weight, rows: first, columns: second, rowStep: second, columnStep: 1 }
    : { weight, rows: second, columns: first, rowStep: 1, columnStep: second };
}
